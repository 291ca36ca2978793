import { VirtualClock } from '../../core/index.ts';
import type { Io, OutStream } from '../io.ts';

/** A stream that keeps what is written to it, and may be closed by its reader. */
export class RecordingStream implements OutStream {
  text = '';
  isTTY = false;
  columns: number | undefined;
  /** Writes beyond this many fail as when the reader has left. */
  readsUntil = Number.POSITIVE_INFINITY;
  #writes = 0;
  readonly #listeners: ((error: NodeJS.ErrnoException) => void)[] = [];

  write(text: string, done?: (error?: Error | null) => void): boolean {
    if (++this.#writes > this.readsUntil) {
      const error = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
      queueMicrotask(() => {
        done?.(error);
        for (const listener of this.#listeners) listener(error);
      });
      return false;
    }
    this.text += text;
    queueMicrotask(() => done?.());
    return true;
  }

  on(_event: 'error', listener: (error: NodeJS.ErrnoException) => void): this {
    this.#listeners.push(listener);
    return this;
  }

  get writes(): number {
    return this.#writes;
  }
}

/** The outside of a command line under test: recorded streams, virtual time, a folder, an environment. */
export class RecordingIo implements Io {
  readonly stdout = new RecordingStream();
  readonly stderr = new RecordingStream();
  readonly clock = new VirtualClock();
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  interactive = false;
  readonly #signalListeners = new Set<(signal: 'SIGINT' | 'SIGTERM') => void>();

  constructor(cwd: string, env: Readonly<Record<string, string | undefined>> = {}) {
    this.cwd = cwd;
    this.env = env;
  }

  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void {
    this.#signalListeners.add(listener);
    return () => void this.#signalListeners.delete(listener);
  }

  /** How many listen for signals. */
  get listening(): number {
    return this.#signalListeners.size;
  }

  signal(name: 'SIGINT' | 'SIGTERM' = 'SIGINT'): void {
    for (const listener of this.#signalListeners) listener(name);
  }
}
