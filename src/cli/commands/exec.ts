import { Command } from 'commander';
import type { OpenExecOptions, UpstreamFlag } from '../../assembly/index.ts';
import type { ConfigFlags } from '../../config/index.ts';
import { UsageError, type Run } from '../../core/index.ts';
import type { Store } from '../../store/contract.ts';
import type { Cli } from '../cli.ts';
import type { CommandHost } from '../command-host.ts';
import { EXIT } from '../exit-code.ts';
import { collect, positiveInteger, share } from '../option-values.ts';
import { withAssembly } from '../run-in-front.ts';
import { capOptions, telemetryOptions } from '../run-options.ts';

type Caps = Pick<ConfigFlags, 'otlp' | 'rps' | 'rpm' | 'tpm' | 'itpm' | 'otpm' | 'concurrency' | 'maxCalls' | 'maxTokens' | 'maxUsd'>;

export interface ExecFlags extends Caps {
  readonly name?: string;
  readonly each?: string;
  readonly parallel?: number;
  readonly upstream?: readonly string[];
  readonly log?: string;
  readonly threshold?: number;
  readonly resume?: string;
  readonly replay: boolean;
  readonly force?: true;
}

const EXAMPLES = `
Examples:
  assay exec --name trial-7 --max-usd 1 -- python my_experiment.py
  assay exec --resume last                      the same again, without paying twice for what was answered
  assay exec --upstream openai=sim -- node app.js   try it out: nothing leaves this machine
  assay exec --parallel 8 --each trials.jsonl --log 'logs/{name}.json' -- ./trial.sh {name} --seed {seed}

The command finds the gateway through OPENAI_BASE_URL, ANTHROPIC_BASE_URL and their kin; a base URL that was set before becomes that
upstream. At $ASSAY_SCOPE_URL it may open branches and roles (POST /scopes), ask what it used (GET /usage) and report a score
(POST /score {"value": 0.8, "threshold": 0.5}). Its exit code is kept; 3 where that is 0 and a budget stopped the run.`;

export function execCommand(host: CommandHost): Command {
  const command = new Command('exec')
    .description('run a command with its model calls counted, limited, capped and kept; stdin, stdout, signals and exit code are its own')
    .usage('[options] -- COMMAND [ARGUMENTS…]')
    .argument('[command...]', 'the command and its arguments, behind --')
    .option('--name <name>', "the trial's name (with --each the run's); the command's by default")
    .option('--each <file>', 'run the command once for each line of this file: JSONL whose fields fill {field} in the arguments, or plain names')
    .option('--parallel <n>', 'with --each, so many commands side by side; 1 by default', positiveInteger)
    .option('--upstream <name=url>', 'where calls of a provider go, e.g. openai=http://127.0.0.1:8000/v1, or openai=sim; may be given several times', collect)
    .option('--log <file>', 'write run, command, exit code and llm_usage as JSON; {name} stands for the trial')
    .option('--threshold <n>', 'score at or above which a trial has passed, where the score comes without one', share)
    .option('--resume <run>', "go on with a run: the run's id, a unique part of it, or last; what was answered is given again")
    .option('--no-replay', 'keep no answers, and give none again')
    .option('--force', 'with --resume, another command may take the place of the run\'s own');
  return telemetryOptions(capOptions(command, 'every deployment that is called'))
    .addHelpText('after', EXAMPLES)
    .action(
      host.action<ExecFlags, [string[]]>(async (cli, flags, operands) => {
        const given = commandGiven(operands, host.behindDashes);
        if (cli.json) throw new UsageError({ message: "--json prints on stdout, which is the command's own here", hint: '--log FILE writes the figures as JSON; `assay usage RUN --json` prints them afterwards' });
        return flags.resume === undefined ? execNew(cli, flags, given) : execResumed(cli, flags, flags.resume, given);
      }),
    );
}

/** @throws UsageError where the command does not stand behind dashes: its options could be taken for ours */
function commandGiven(operands: readonly string[], behindDashes: readonly string[] | undefined): readonly string[] | undefined {
  if (behindDashes === undefined ? operands.length > 0 : operands.length > behindDashes.length) {
    const { length } = behindDashes ?? [];
    const early = operands.slice(0, operands.length - length);
    throw new UsageError({ message: `${early.join(' ')} stands before --`, hint: `write the command behind it: assay exec [options] -- ${operands.join(' ')}` });
  }
  return operands.length === 0 ? undefined : operands;
}

async function execNew(cli: Cli, flags: ExecFlags, command: readonly string[] | undefined): Promise<number> {
  if (command === undefined) throw new UsageError({ message: 'no command was given', hint: 'e.g. assay exec -- python my_experiment.py' });
  if (flags.force === true) throw new UsageError({ message: '--force goes with --resume', hint: 'leave it out' });
  if (flags.parallel !== undefined && flags.each === undefined) throw new UsageError({ message: '--parallel goes with --each', hint: 'leave it out, or name a file of trials: --each trials.jsonl' });
  const [{ Assembly, createExecRun, execConfig }, { ExecInFront }, { checkLogPlace, checkLogTemplate }] = await Promise.all([import('../../assembly/index.ts'), import('../exec-in-front.ts'), import('../exec-log.ts')]);
  if (flags.log !== undefined) {
    checkLogTemplate(flags.log, { several: flags.each !== undefined });
    await checkLogPlace(flags.log, cli.io.cwd);
  }
  const upstreams = await upstreamFlags(flags.upstream);
  const config = execConfig((await cli.loadConfig()).config, { flags: capsOf(flags), upstreams });
  const location = await cli.storeLocation(config);
  return withAssembly(
    cli,
    () => Assembly.open({ config, location, env: cli.io.env, cwd: cli.io.cwd, clock: cli.io.clock, limitsEverywhere: true }),
    async (assembly) => {
      await tellOrphans(cli, assembly.store);
      await tellNesting(cli);
      const front = new ExecInFront(cli, assembly, { each: flags.each !== undefined, log: flags.log });
      const { each, name, threshold } = flags;
      const request = { command, ...(each === undefined ? {} : { each }), ...(name === undefined ? {} : { name }), ...(threshold === undefined ? {} : { threshold }) };
      return front.execute(() => createExecRun(assembly, request, upstreams.map((upstream) => upstream.name), { ...front.openOptions, replay: flags.replay ? 'keep' : 'off' }));
    },
  );
}

/** Goes on with a run of commands: also what `assay resume` does with one. */
export async function execResumed(cli: Cli, flags: ExecFlags, reference: string, command: readonly string[] | undefined): Promise<number> {
  for (const [flag, value] of [['--each', flags.each], ['--name', flags.name], ['--threshold', flags.threshold]] as const) {
    if (value !== undefined) throw new UsageError({ message: `${flag} is the run's own and stays as it was`, hint: 'leave it out, or start a new run' });
  }
  const [{ Assembly, execRequestOf, isExecRun, resumedExecConfig, resumeExecRun }, { ExecInFront }, { checkLogPlace, checkLogTemplate }, { recoverOrphans }] = await Promise.all([
    import('../../assembly/index.ts'),
    import('../exec-in-front.ts'),
    import('../exec-log.ts'),
    import('../../store/index.ts'),
  ]);
  const upstreams = await upstreamFlags(flags.upstream);
  const location = await cli.storeLocation();
  const { run, done } = await cli.withStore(async (store) => {
    await recoverOrphans(store, cli.io.clock.now());
    const found = await store.findRun(reference);
    if (!isExecRun(found)) throw new UsageError({ message: `run ${found.id} is none of \`assay exec\``, hint: `\`assay resume ${found.id}\` goes on with other runs` });
    const { byOutcome } = await store.countGoals(found.id);
    return { run: found, done: found.status === 'completed' && (byOutcome['error'] ?? 0) === 0 };
  });
  const request = execRequestOf(run);
  if (flags.log !== undefined) {
    checkLogTemplate(flags.log, { several: request.each !== undefined });
    await checkLogPlace(flags.log, cli.io.cwd);
  }
  if (done) return tellDone(cli, run, flags.log);
  return withAssembly(
    cli,
    () => Assembly.open({ config: resumedExecConfig(run, { flags: capsOf(flags), upstreams }), location, env: cli.io.env, cwd: cli.io.cwd, clock: cli.io.clock, limitsEverywhere: true }),
    async (assembly) => {
      const front = new ExecInFront(cli, assembly, { each: request.each !== undefined, log: flags.log });
      const options: OpenExecOptions = { ...front.openOptions, replay: flags.replay ? 'look up' : 'off' };
      return front.execute(() => resumeExecRun(assembly, run, { ...options, command, force: flags.force === true, upstreams: upstreams.map((upstream) => upstream.name) }));
    },
  );
}

/** A run with nothing left to do: its figures again, and its logs where they are asked for. */
async function tellDone(cli: Cli, run: Run, log: string | undefined): Promise<number> {
  const [{ execSummary }, { logPath, writeTrialLog }, { trialOf }, { execRequestOf }] = await Promise.all([import('../exec-summary.ts'), import('../exec-log.ts'), import('../../suites/index.ts'), import('../../assembly/index.ts')]);
  await cli.withStore(async (store) => {
    const sums = (await store.sumCalls({ runId: run.id }, 'all')).get('all');
    await cli.note(`assay: nothing is left to do\nassay: ${execSummary(sums, { run: run.id, simulated: run.simulated })}`);
    if (log === undefined) return;
    const { command, each } = execRequestOf(run);
    for (let from = 0; ; ) {
      const goals = await store.goals(run.id, { from, limit: 200 });
      for (const goal of goals) {
        const attempt = (await store.attempts(run.id, goal.index)).findLast((each) => each.status === 'finished');
        const exitCode = attempt?.notes['exit_code'];
        await writeTrialLog(
          logPath(log, trialOf(goal), cli.io.cwd),
          {
            run: run.id,
            goalIndex: goal.index,
            trial: trialOf(goal),
            command: each === undefined ? command : [goal.text.slice(trialOf(goal).length + 2)],
            exitCode: typeof exitCode === 'number' ? exitCode : null,
            scores: Array.isArray(attempt?.notes['scores']) ? (attempt.notes['scores'] as []) : [],
            startedAt: attempt?.startedAt ?? null,
            endedAt: attempt?.endedAt ?? null,
            simulated: run.simulated,
          },
          store,
        );
      }
      const last = goals.at(-1);
      if (last === undefined) break;
      from = last.index + 1;
    }
  });
  return EXIT.done;
}

async function tellOrphans(cli: Cli, store: Store): Promise<void> {
  const { recoverOrphans } = await import('../../store/index.ts');
  for (const orphan of await recoverOrphans(store, cli.io.clock.now())) await cli.note(`assay: run ${orphan} was interrupted: assay resume ${orphan} goes on with it`);
}

async function tellNesting(cli: Cli): Promise<void> {
  const outer = cli.io.env['ASSAY_RUN'];
  if (outer !== undefined && outer !== '') await cli.note(`assay: this runs inside run ${outer}: calls pass both gateways, and stand in both runs`);
}

async function upstreamFlags(texts: readonly string[] | undefined): Promise<UpstreamFlag[]> {
  const { readUpstreamFlag } = await import('../../assembly/index.ts');
  return (texts ?? []).map(readUpstreamFlag);
}

/** What the configuration knows of the flags. */
function capsOf({ rps, rpm, tpm, itpm, otpm, concurrency, maxCalls, maxTokens, maxUsd, otlp, parallel }: ExecFlags): ConfigFlags {
  const all = { rps, rpm, tpm, itpm, otpm, concurrency, maxCalls, maxTokens, maxUsd, otlp, parallel };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
