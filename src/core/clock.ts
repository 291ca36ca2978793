import { CancelledError } from './errors.ts';

/** Cancels a timer that has not fired. */
export type CancelTimer = () => void;

/** Time, handed in: tests run in virtual time, the product in real time. All figures are milliseconds. */
export interface Clock {
  /** Milliseconds since the epoch; never goes backwards within a process. */
  now(): number;
  /** Calls back once after `ms` (at least 0). A pending timer keeps the process alive. */
  after(ms: number, callback: () => void): CancelTimer;
}

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The machine's clock: wall time at start, monotonic from there, so a step of the system clock never bends a window. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(Math.max(0, ms), LONGEST_TIMEOUT_MS));
    return () => clearTimeout(timer);
  },
};

/**
 * Waits on a clock.
 *
 * @throws CancelledError as soon as `signal` aborts
 */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new CancelledError({ cause: signal.reason }));
    const onAbort = (): void => {
      cancel();
      reject(new CancelledError({ cause: signal?.reason }));
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
