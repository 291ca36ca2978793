import { basename, resolve } from 'node:path';
import { mergeFlags, parseConfig, type AssayConfig, type ConfigFlags } from '../config/index.ts';
import { isObject, newRunId, sha256, UsageError, type JsonObject, type Run } from '../core/index.ts';
import { ProgressCounter, type RunEnd } from '../engine/index.ts';
import { Budget } from '../limiter/index.ts';
import { checkTrialName, COMMAND_PLUGIN, createCommandSuite, placeholdersOf, readTrials, shown, type CommandTrial, type LineSink, type TrialEnd } from '../suites/index.ts';
import type { Assembly } from './assembly.ts';
import { ExecHost } from './exec-host.ts';
import { findProgram } from './exec-program.ts';
import { withUpstreamFlags, type UpstreamFlag } from './gateway-upstreams.ts';
import { checkInputs, fingerprint, type InputFile } from './input-files.ts';
import { progressOf, RunHandle, spent, type ExecuteRunOptions } from './run-handle.ts';

/** What is to be run, as the command line said it. */
export interface ExecRequest {
  /** Program and arguments, with `{field}` placeholders where `each` names a file of trials. */
  readonly command: readonly string[];
  readonly each?: string;
  /** Name of the trial where there is one, of the run in any case. */
  readonly name?: string;
  /** Threshold of scores that are reported without one. */
  readonly threshold?: number;
}

/** What is stored with a run of commands, enough to go on with it by its id alone. */
interface StoredExec {
  readonly command: readonly string[];
  /** Of the command as it was given: what is stored has its secrets taken out. */
  readonly commandSha256: string;
  readonly each: string | null;
  readonly name: string | null;
  readonly threshold: number | null;
  /** Upstreams that the command line gave an address. */
  readonly upstreams: readonly string[];
}

interface StoredRun {
  readonly config: AssayConfig;
  readonly inputs: readonly InputFile[];
  readonly cwd: string;
  readonly exec: StoredExec;
}

export interface OpenExecOptions {
  readonly replay: 'off' | 'keep' | 'look up';
  readonly output: 'inherit' | ((trial: string) => LineSink);
  readonly warn: (message: string) => void;
  readonly onEnd?: (trial: string, end: TrialEnd) => Promise<void>;
}

/** A run of commands, ready to execute. */
export class ExecRun {
  readonly handle: RunHandle;
  readonly host: ExecHost;
  readonly trials: readonly CommandTrial[];

  constructor(handle: RunHandle, host: ExecHost, trials: readonly CommandTrial[]) {
    this.handle = handle;
    this.host = host;
    this.trials = trials;
  }

  get run(): Run {
    return this.handle.run;
  }

  /** Executes from where the run stands to its end. What ended in error before is tried again. */
  execute(options: Omit<ExecuteRunOptions, 'retryErrors'>): Promise<RunEnd> {
    return this.handle.execute({ ...options, retryErrors: true });
  }

  close(): Promise<void> {
    return this.host.close();
  }
}

/** Whether a run is one of commands. */
export function isExecRun(run: Pick<Run, 'config'>): boolean {
  return isObject(run.config['exec']);
}

/** The configuration of a new run of commands. */
export function execConfig(config: AssayConfig, { flags, upstreams }: { readonly flags: ConfigFlags; readonly upstreams: readonly UpstreamFlag[] }): AssayConfig {
  // As many side by side as the command line says: programs are not requests.
  return withUpstreamFlags({ ...mergeFlags(config, { ...flags, parallel: flags.parallel ?? 1 }), suites: [COMMAND_PLUGIN], targets: [] }, upstreams);
}

/**
 * Plans a new run of commands and records it as pending. The assembly must have been opened with its `execConfig`, limits everywhere.
 *
 * @throws UsageError for what cannot be run, before anything is recorded
 */
export async function createExecRun(assembly: Assembly, request: ExecRequest, upstreams: readonly string[], options: OpenExecOptions): Promise<ExecRun> {
  const { config, clock, store, cwd } = assembly;
  const trials = await trialsOf(request, cwd);
  await findProgram(trials, cwd, assembly.env);
  const inputs = request.each === undefined ? [] : await fingerprint([request.each], cwd);
  const { command, each, name, threshold } = request;
  const exec: StoredExec = { command, commandSha256: fingerprintOf(command), each: each ?? null, name: name ?? null, threshold: threshold ?? null, upstreams };
  const budget = new Budget(config.budgets);
  const id = newRunId(Math.round(clock.now()));
  const host = await ExecHost.open(assembly, { ...options, run: id, budget, said: new Set(upstreams), cwd });
  try {
    const now = Math.round(clock.now());
    const target = `command:${basename(command[0] ?? '')}`;
    const run: Run = {
      id,
      status: 'pending',
      reason: null,
      name: name ?? null,
      suites: config.suites,
      targets: [target],
      config: toJson({ config, inputs, cwd, exec }),
      seed: config.seed,
      engagement: null,
      simulated: host.simulated,
      planned: null,
      resumes: 0,
      createdAt: now,
      startedAt: null,
      endedAt: null,
    };
    await store.write({ op: 'run.insert', run }, { op: 'event.add', event: { runId: id, at: now, type: 'run.status', data: { status: 'pending', reason: null } } });
    return execRun(assembly, { run, trials, host, budget, progress: new ProgressCounter(), threshold });
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** The configuration that a run of commands was started with, with what a resume may override laid over it. */
export function resumedExecConfig(run: Run, { flags, upstreams }: { readonly flags: ConfigFlags; readonly upstreams: readonly UpstreamFlag[] }): AssayConfig {
  return withUpstreamFlags(mergeFlags(parseConfig(storedExec(run).config, { file: `run ${run.id}` }), flags), upstreams);
}

/** What a run of commands runs, as it is stored. */
export function execRequestOf(run: Run): ExecRequest & { readonly cwd: string } {
  const { exec, cwd } = storedExec(run);
  return { command: exec.command, cwd, ...(exec.each === null ? {} : { each: exec.each }), ...(exec.name === null ? {} : { name: exec.name }), ...(exec.threshold === null ? {} : { threshold: exec.threshold }) };
}

export interface ResumeExecOptions extends OpenExecOptions {
  /** The command, where it was given again. */
  readonly command: readonly string[] | undefined;
  /** Whether another command than the run's own may take its place. */
  readonly force: boolean;
  /** Upstreams that the command line gave an address this time. */
  readonly upstreams: readonly string[];
}

/**
 * Makes a recorded run of commands ready to go on, in the folder it was started in.
 *
 * @throws UsageError for another command than the run's, or one that was stored without its secrets, or a changed file of trials
 */
export async function resumeExecRun(assembly: Assembly, run: Run, options: ResumeExecOptions): Promise<ExecRun> {
  const { config, store } = assembly;
  const { exec, inputs, cwd } = storedExec(run);
  const command = commandToResume(run, exec, options);
  await checkInputs(inputs, cwd);
  const { command: _stored, cwd: _cwd, ...rest } = execRequestOf(run);
  const trials = await trialsOf({ ...rest, command }, cwd);
  await findProgram(trials, cwd, assembly.env);
  const budget = new Budget(config.budgets, spent((await store.sumCalls({ runId: run.id }, 'all')).get('all')));
  const upstreams = [...new Set([...exec.upstreams, ...options.upstreams])];
  const host = await ExecHost.open(assembly, { ...options, run: run.id, budget, said: new Set(upstreams), cwd });
  try {
    const resumed: Run = { ...run, resumes: run.resumes + 1, config: toJson({ config, inputs, cwd, exec: { ...exec, command, commandSha256: fingerprintOf(command), upstreams } }) };
    return execRun(assembly, { run: resumed, trials, host, budget, progress: await progressOf(store, run), threshold: exec.threshold ?? undefined });
  } catch (error) {
    await host.close();
    throw error;
  }
}

function commandToResume(run: Run, exec: StoredExec, { command, force }: ResumeExecOptions): readonly string[] {
  if (command === undefined) {
    if (fingerprintOf(exec.command) === exec.commandSha256) return exec.command;
    throw new UsageError({ message: `the command of run ${run.id} was stored without its secrets, so it cannot be started from there`, hint: `give it again: assay exec --resume ${run.id} -- ${shown(exec.command)}` });
  }
  if (force || fingerprintOf(command) === exec.commandSha256) return command;
  throw new UsageError({ message: `run ${run.id} is of another command: ${shown(exec.command)}`, hint: 'leave the command out to go on with it, start a new run, or say --force to go on with the new one in its place' });
}

/** The trials of a request: the lines of its file, or one. */
async function trialsOf({ command, each, name }: ExecRequest, cwd: string): Promise<CommandTrial[]> {
  if (each !== undefined) {
    if (placeholdersOf(command).length === 0 && command.length === 0) throw new UsageError({ message: 'no command was given', hint: 'e.g. assay exec --each trials.jsonl -- ./trial.sh {name}' });
    return readTrials(resolve(cwd, each), each, command);
  }
  const own = checkTrialName(name ?? basename(command[0] ?? ''), name === undefined ? 'the command' : '--name');
  return [{ name: own, command, fields: {} }];
}

interface ExecParts {
  readonly run: Run;
  readonly trials: readonly CommandTrial[];
  readonly host: ExecHost;
  readonly budget: Budget;
  readonly progress: ProgressCounter;
  readonly threshold: number | undefined;
}

function execRun(assembly: Assembly, { run, trials, host, budget, progress, threshold }: ExecParts): ExecRun {
  const suite = createCommandSuite({
    trials,
    target: run.targets[0] ?? 'command',
    describe: (command) => assembly.redact.metadata(shown(command)),
    run: (trial, goal, signal) => host.run(trial, goal, signal),
    ...(threshold === undefined ? {} : { threshold }),
  });
  // Calls come through the gateway: there is nothing to drain, and what this process sends is the gateway's.
  const handle = new RunHandle({ assembly, run, suites: [suite], targets: new Map(), budget, progress, drain: new AbortController(), tapped: false });
  return new ExecRun(handle, host, trials);
}

function storedExec(run: Run): StoredRun {
  if (isExecRun(run)) return run.config as unknown as StoredRun;
  throw new UsageError({ message: `run ${run.id} is none of \`assay exec\``, hint: `\`assay resume ${run.id}\` goes on with other runs` });
}

function fingerprintOf(command: readonly string[]): string {
  return sha256(JSON.stringify(command));
}

function toJson(stored: StoredRun): JsonObject {
  return JSON.parse(JSON.stringify(stored)) as JsonObject;
}
