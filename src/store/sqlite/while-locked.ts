import { sleep, systemRandom } from '../../core/index.ts';
import type { Clock } from '../../core/index.ts';
import { isLocked, lockedError, toStoreError } from './sqlite-errors.ts';

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;

export interface LockPatience {
  readonly clock: Clock;
  /** How long to go on trying, in ms. */
  readonly timeoutMs: number;
  readonly location: string;
  readonly path: string | undefined;
}

/**
 * Tries until the database is not locked any more. Each try may block for SQLite's short busy timeout; between tries the
 * event loop is free, so a long lock never stops what else the process does.
 *
 * @throws StoreError `store_locked` once the time is up, or what else the try throws, as a StoreError
 */
export async function whileLocked<T>(patience: LockPatience, attempt: () => T | Promise<T>): Promise<T> {
  const { clock, timeoutMs, location, path } = patience;
  const startedAt = clock.now();
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isLocked(error)) throw toStoreError(error, location, path);
      const waited = clock.now() - startedAt;
      if (waited >= timeoutMs) throw lockedError(location, waited, error);
    }
    // Half of it at random: two processes that wait for each other must not wake together for ever.
    await sleep(clock, pause * (0.5 + systemRandom.next() / 2));
  }
}
