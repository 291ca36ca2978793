import { constants } from 'node:os';
import type { Assembly, ExecRun, OpenExecOptions } from '../assembly/index.ts';
import { AssayError, describeError, OUTCOME_KINDS } from '../core/index.ts';
import type { RunEnd } from '../engine/index.ts';
import { exitStatus, type CommandTrial, type LineSink, type TrialEnd } from '../suites/index.ts';
import type { Cli } from './cli.ts';
import { heardByGroup } from './exec-foreground.ts';
import { logPath, writeTrialLog } from './exec-log.ts';
import { execSummary } from './exec-summary.ts';
import { EXIT } from './exit-code.ts';
import { printable } from './format.ts';
import { onInterrupts } from './interrupts.ts';
import { openProgress, type Progress } from './progress.ts';
import { progressState } from './run-in-front.ts';

export interface ExecInFrontOptions {
  /** Whether trials come from a file: then several run side by side, and their lines carry their names. */
  readonly each: boolean;
  /** Path of a trial's log, `{name}` for its name. */
  readonly log: string | undefined;
}

/** Signals that are the command's to answer. */
const PASSED_ON: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'];

/** Runs commands in front of a person; stdout is theirs, and what Assay says is on stderr and short. */
export class ExecInFront {
  readonly #cli: Cli;
  readonly #assembly: Assembly;
  readonly #options: ExecInFrontOptions;
  readonly #ends = new Map<string, TrialEnd>();
  #execRun: ExecRun | undefined;
  #progress: Progress | undefined;
  #heard: NodeJS.Signals | undefined;
  #logMissing = false;

  constructor(cli: Cli, assembly: Assembly, options: ExecInFrontOptions) {
    this.#cli = cli;
    this.#assembly = assembly;
    this.#options = options;
  }

  /** Says something to the person, above whatever is shown. */
  say(line: string, { evenQuiet = false }: { readonly evenQuiet?: boolean } = {}): void {
    if (this.#cli.options.quiet === true && !evenQuiet) return;
    if (this.#progress === undefined) void this.#cli.stderr.write(`assay: ${line}\n`);
    else this.#progress.announce(`assay: ${line}`);
  }

  /** What the run needs to know of where its output goes and who is told. */
  get openOptions(): Pick<OpenExecOptions, 'output' | 'warn' | 'onEnd'> {
    return {
      output: this.#options.each ? (trial) => this.#sink(trial) : 'inherit',
      warn: (message) => this.say(message),
      onEnd: (trial, end) => this.#ended(trial, end),
    };
  }

  /** @returns the exit code of this process */
  async execute(open: () => Promise<ExecRun>): Promise<number> {
    const stop = this.#options.each ? this.#interruptible() : this.#transparent();
    try {
      this.#execRun = await open();
      try {
        if (this.#options.each) await this.#startProgress(this.#execRun);
        const end = await this.#run(this.#execRun);
        this.#progress?.stop();
        this.#progress = undefined;
        return await this.#finish(this.#execRun, end);
      } finally {
        this.#progress?.stop();
        this.#progress = undefined;
        await this.#execRun.close();
      }
    } finally {
      stop();
    }
  }

  readonly #drain = new AbortController();
  readonly #abort = new AbortController();

  async #run(execRun: ExecRun): Promise<RunEnd> {
    try {
      return await execRun.execute({ drain: this.#drain.signal, abort: this.#abort.signal, announce: (line) => this.say(line) });
    } catch (error) {
      this.#progress?.stop();
      if (!AssayError.isInstance(error) || error.code !== 'lease_held') this.say(`what is recorded is kept: assay exec --resume ${execRun.run.id} goes on from there`);
      throw error;
    }
  }

  async #finish(execRun: ExecRun, end: RunEnd): Promise<number> {
    const { store } = this.#assembly;
    const { run } = execRun;
    const sums = (await store.sumCalls({ runId: run.id }, 'all')).get('all');
    const { byOutcome } = await store.countGoals(run.id);
    for (const [host, tunnels] of execRun.host.reached) this.say(`${tunnels === 1 ? '1 connection' : `${tunnels} connections`} to ${host} went past the gateway`);
    if (this.#options.each) this.say(outcomesText(byOutcome));
    this.say(execSummary(sums, { run: run.id, simulated: run.simulated }));
    const incomplete = end.status !== 'completed' && end.status !== 'failed';
    if (incomplete) this.say(`${end.status}${end.reason === null ? '' : `: ${end.reason}`}; assay exec --resume ${run.id} goes on from there`);
    const code = this.#options.each ? (end.status === 'completed' && (byOutcome['error'] ?? 0) === 0 ? EXIT.done : EXIT.incomplete) : this.#exitOfOne(execRun, end);
    // Who reads the log next must not take an older one for this run's.
    return code === EXIT.done && this.#logMissing ? EXIT.incomplete : code;
  }

  /** The command's own exit code; 3 where that is 0 and the run is not complete. */
  #exitOfOne({ trials }: ExecRun, { status }: RunEnd): number {
    const end = this.#ends.get(trials[0]?.name ?? '');
    const own = end === undefined ? undefined : exitStatus(end);
    if (own !== undefined && own !== 0) return own;
    if (status === 'completed') return EXIT.done;
    return own === undefined && this.#heard !== undefined ? 128 + (constants.signals[this.#heard] ?? 0) : EXIT.incomplete;
  }

  /** One command in front: signals are its own, and so is the decision what to make of them. */
  #transparent(): () => void {
    return this.#cli.io.onSignal((signal) => {
      this.#heard ??= signal;
      this.#drain.abort();
      this.#execRun?.host.signal(signal, { heard: heardByGroup(signal) });
    }, PASSED_ON);
  }

  /** Several commands: the first Ctrl-C starts no more, the second ends those that run. A terminal that goes away is a second. */
  #interruptible(): () => void {
    const end = (signal: NodeJS.Signals): void => {
      this.#drain.abort();
      this.#abort.abort();
      this.#execRun?.host.signal(signal, { heard: false });
    };
    const stops = [
      onInterrupts(this.#cli.io, {
        first: () => {
          const running = this.#execRun?.handle.progress.snapshot().inFlight ?? 0;
          this.say(`stopping: ${running === 1 ? '1 command that runs finishes' : `${running} commands that run finish`}; Ctrl-C again ends ${running === 1 ? 'it' : 'them'}`);
          this.#drain.abort();
        },
        second: () => {
          this.say('ending the commands that run');
          end('SIGINT');
        },
      }),
      this.#cli.io.onSignal(end, ['SIGHUP', 'SIGQUIT']),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  async #startProgress({ handle }: ExecRun): Promise<void> {
    const cli = this.#cli;
    if (cli.options.quiet === true) return;
    await cli.note(`assay: run ${handle.run.id}${handle.run.simulated ? ' (simulated)' : ''}${handle.run.resumes > 0 ? ', resumed' : ''}`);
    this.#progress = await openProgress({ clock: cli.io.clock, stream: cli.io.stderr, env: cli.io.env, state: progressState(cli, this.#assembly, handle), colors: cli.errColors });
    this.#progress.start();
  }

  /** Lines of a trial, each behind its name. */
  #sink(trial: string): LineSink {
    const cli = this.#cli;
    const name = printable(trial);
    const prefix = { stdout: `${cli.colors.dim(`${name} |`)} `, stderr: `${cli.errColors.dim(`${name} |`)} ` };
    return async (stream, line) => {
      const write = (): Promise<unknown> => (stream === 'stdout' ? cli.stdout : cli.stderr).write(`${prefix[stream]}${line}\n`);
      await (this.#progress === undefined ? write() : this.#progress.above(write));
    };
  }

  async #ended(trial: string, end: TrialEnd): Promise<void> {
    this.#ends.set(trial, end);
    if (this.#options.each && !end.cancelled && exitStatus(end) !== 0) this.say(`${printable(trial)} ${end.signal === null ? `ended with exit code ${end.exitCode}` : `was ended by ${end.signal}`}`);
    const execRun = this.#execRun;
    const { log } = this.#options;
    if (log === undefined || execRun === undefined) return;
    const place = execRun.trials.findIndex((each) => each.name === trial);
    await this.writeLog(execRun, execRun.trials[place]!, place, end);
  }

  /** Writes a trial's log; a failure is told and never decides what becomes of the trial. */
  async writeLog({ run }: Pick<ExecRun, 'run'>, trial: CommandTrial, goalIndex: number, end: TrialEnd): Promise<void> {
    const { log } = this.#options;
    if (log === undefined) return;
    const command = trial.command.map((argument) => this.#assembly.redact.metadata(argument));
    try {
      await writeTrialLog(
        logPath(log, trial.name, this.#cli.io.cwd),
        { run: run.id, goalIndex, trial: trial.name, command, exitCode: exitStatus(end), scores: end.scores, startedAt: end.startedAt, endedAt: end.endedAt, simulated: run.simulated },
        this.#assembly.store,
      );
    } catch (error) {
      this.#logMissing = true;
      this.say(describeError(error), { evenQuiet: true });
    }
  }
}

function outcomesText(byOutcome: Readonly<Record<string, number>>): string {
  const words: Readonly<Record<string, string>> = { error: 'ended in error', open: 'not run' };
  const counts = [...OUTCOME_KINDS, 'open'].map((kind) => [words[kind] ?? kind, byOutcome[kind] ?? 0] as const).filter(([, number]) => number > 0);
  const parts = counts.map(([word, number]) => `${number} ${word}`);
  const total = counts.reduce((sum, [, number]) => sum + number, 0);
  return `${total === 1 ? '1 trial' : `${total} trials`}${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`;
}

