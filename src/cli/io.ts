import { systemClock, type Clock } from '../core/index.ts';

/** What a terminal stream offers that the command line uses. */
export interface OutStream {
  write(text: string, done?: (error?: Error | null) => void): boolean;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Everything outside that the command line touches, handed in so that tests own it. */
export interface Io {
  readonly stdout: OutStream;
  readonly stderr: OutStream;
  /** Whether a person can be asked. */
  readonly interactive: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Calls back on each of the signals (SIGINT and SIGTERM by default), in place of what they do by themselves; returns how to stop that. */
  onSignal(listener: (signal: NodeJS.Signals) => void, signals?: readonly NodeJS.Signals[]): () => void;
}

export function processIo(from: NodeJS.Process): Io {
  return {
    stdout: from.stdout,
    stderr: from.stderr,
    interactive: from.stdin.isTTY && from.stderr.isTTY,
    env: from.env,
    cwd: from.cwd(),
    clock: systemClock,
    onSignal: (listener, signals = ['SIGINT', 'SIGTERM']) => {
      for (const signal of signals) from.on(signal, listener);
      return () => {
        for (const signal of signals) from.off(signal, listener);
      };
    },
  };
}

/** A stream whose reader may leave at any time (`assay show … | head`): from then on writing does nothing. */
export class Outlet {
  readonly stream: OutStream;
  #open = true;

  constructor(stream: OutStream) {
    this.stream = stream;
    stream.on('error', (error) => {
      this.#open = false;
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error;
    });
  }

  /** Whether somebody still reads. */
  get open(): boolean {
    return this.#open;
  }

  /** Resolves once the text is handed over, so that a slow reader slows the writer; false when nobody reads any more. */
  write(text: string): Promise<boolean> {
    if (!this.#open) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.stream.write(text, (error) => {
        if (error !== null && error !== undefined) this.#open = false;
        resolve(this.#open);
      });
    });
  }
}
