import type { CancelTimer, Clock } from '../core/index.ts';
import { blockLines, plainLine } from './progress-lines.ts';
import type { ProgressState } from './progress-state.ts';
import { columnsOf, cutToWidth } from './terminal-width.ts';

type Paint = (text: string) => string;

/** Where progress is shown. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Rewrites a block of lines in place; `log-update` in the product. */
export interface LiveBlock {
  (text: string): void;
  clear(): void;
  done(): void;
  /** Leaves text above the block. */
  persist(text: string): void;
}

export interface ProgressOptions {
  readonly clock: Clock;
  readonly stream: ProgressStream;
  /** Read at every refresh. */
  readonly state: () => ProgressState;
  /** Made for a terminal only; without it progress is plain lines. */
  readonly live?: LiveBlock;
  readonly colors?: { readonly dim: Paint; readonly bold: Paint; readonly yellow: Paint };
  /** Says nothing but what is announced. */
  readonly quiet?: boolean;
}

const LIVE_EVERY_MS = 200;
/** A log need not hold more than the start, a line now and then, and the end. */
const PLAIN_EVERY_MS = 5_000;

/** A view of progress on stderr: a live block on a terminal, plain lines elsewhere. */
export class Progress {
  readonly #options: ProgressOptions;
  #timer: CancelTimer | undefined;
  #lastLine = '';
  #running = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#running || this.#options.quiet === true) return;
    this.#running = true;
    this.#tick();
  }

  /** Prints a line that stays, above the live block. */
  announce(line: string): void {
    const { live, stream } = this.#options;
    if (this.#running && live !== undefined) {
      live.persist(line);
      this.#draw();
    } else {
      stream.write(`${line}\n`);
    }
  }

  /** Lets something else be written to the terminal, above the live block. */
  async above(write: () => Promise<unknown>): Promise<void> {
    const { live } = this.#options;
    if (!this.#running || live === undefined) {
      await write();
      return;
    }
    live.clear();
    await write();
    this.#draw();
  }

  /** Shows the end state and leaves it standing. */
  stop(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (!this.#running) return;
    this.#draw();
    this.#options.live?.done();
    this.#running = false;
  }

  #tick(): void {
    const { clock, live } = this.#options;
    this.#draw();
    this.#timer = clock.after(live === undefined ? PLAIN_EVERY_MS : LIVE_EVERY_MS, () => this.#tick());
  }

  #draw(): void {
    const { clock, live, stream, state } = this.#options;
    const now = clock.now();
    if (live === undefined) {
      const line = plainLine(state(), now);
      if (line !== this.#lastLine) stream.write(`${line}\n`);
      this.#lastLine = line;
      return;
    }
    const { dim, bold, yellow } = this.#options.colors ?? PLAIN;
    const width = columnsOf(stream, 80);
    const lines = blockLines(state(), { now, width, dim, bold, warn: yellow });
    // A line that wraps would leave rubbish behind when the block is rewritten.
    live(lines.map((line) => cutToWidth(line, width - 1)).join('\n'));
  }
}

const asIs: Paint = (text) => text;
const PLAIN = { dim: asIs, bold: asIs, yellow: asIs };

/**
 * Progress for a process's stderr: `log-update` is loaded on a terminal alone.
 *
 * @param options.live turns the live block off with `false`, e.g. where a log is wanted
 */
export async function openProgress(options: Omit<ProgressOptions, 'live'> & { readonly live?: boolean; readonly env?: Readonly<Record<string, string | undefined>> }): Promise<Progress> {
  const { live: wanted, env, ...rest } = options;
  const { isTTY, columns, rows } = options.stream;
  // A block cannot be rewritten on a terminal that has no size.
  const terminal = isTTY === true && columns !== 0 && rows !== 0 && wanted !== false && options.quiet !== true && env?.['TERM'] !== 'dumb' && (env?.['CI'] ?? '') === '';
  if (!terminal) return new Progress(rest);
  const { createLogUpdate } = await import('log-update');
  return new Progress({ ...rest, live: createLogUpdate(options.stream as NodeJS.WriteStream) });
}
