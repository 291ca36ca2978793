import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { AssayError, describeError } from '../core/index.ts';
import { type DeploymentState, createDeploymentState } from './deployment-state.ts';
import { isAlive } from './holder.ts';
import type { StateStore } from './state-store.ts';

/** Deployments' states in a file that several processes use. Close it when the limiter is closed. */
export interface SharedState extends StateStore {
  close(): void;
}

/** Raised when the states' layout changes: older files are emptied, since they only hold a minute's memory. */
const LAYOUT = 1;
const BUSY_TIMEOUT_MS = 5_000;
const REAP_EVERY_MS = 500;

function sharedStateError(path: string, error: unknown): AssayError {
  const code = (error as { code?: unknown }).code;
  const text = typeof code === 'string' ? code : '';
  if (text.startsWith('SQLITE_BUSY') || text.startsWith('SQLITE_LOCKED')) {
    return new AssayError({ code: 'store_locked', message: `the limiter's shared state ${path} stayed locked for ${BUSY_TIMEOUT_MS / 1_000} s`, hint: 'see whether a stopped process holds it', cause: error });
  }
  if (text === 'SQLITE_NOTADB' || text.startsWith('SQLITE_CORRUPT')) {
    return new AssayError({ code: 'store_corrupt', message: `the limiter's shared state ${path} is damaged`, hint: 'delete it while no run is active; it holds no results', cause: error });
  }
  if (text.startsWith('SQLITE_FULL')) {
    return new AssayError({ code: 'store_full', message: `no space left for the limiter's shared state ${path}`, hint: 'free some disk space, then resume', cause: error });
  }
  if (text.startsWith('SQLITE_READONLY') || text === 'EACCES' || text === 'EROFS') {
    return new AssayError({ code: 'store_readonly', message: `the limiter's shared state ${path} can not be written`, hint: 'check the permissions of the file and its folder', cause: error });
  }
  return new AssayError({ code: 'store', message: `the limiter's shared state ${path} failed: ${describeError(error)}`, cause: error });
}

/** Switching to WAL while another process opens the file fails at once, busy timeout or not. */
function useWal(db: Database.Database): void {
  for (let tries = 1; ; tries++) {
    try {
      db.pragma('journal_mode = WAL');
      return;
    } catch (error) {
      if (tries === 100 || !String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}

function forgetTheDead(state: DeploymentState, now: number): void {
  for (const [id, holder] of Object.entries(state.holders)) {
    if (!isAlive(holder, now)) delete state.holders[id];
  }
}

/**
 * Opens the file by which processes on one machine share each deployment's limits, making it if need be (mode 0600).
 * It is memory, not record: losing it costs a minute's caution, so it is not synced to disk.
 *
 * @throws AssayError `store_readonly`, `store_locked`, `store_corrupt`, `store_full` or `store`; so do its methods
 */
export function openSharedState(path: string): SharedState {
  let db: Database.Database;
  try {
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, 'a', 0o600));
    db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
    useWal(db);
    db.pragma('synchronous = OFF');
    db.transaction(() => {
      if (db.pragma('user_version', { simple: true }) !== LAYOUT) {
        db.exec('DROP TABLE IF EXISTS deployment; CREATE TABLE deployment (name TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT');
        db.pragma(`user_version = ${LAYOUT}`);
      }
    }).immediate();
  } catch (error) {
    throw sharedStateError(path, error);
  }

  const select = db.prepare<[string], { state: string }>('SELECT state FROM deployment WHERE name = ?');
  const save = db.prepare<[string, string]>('INSERT INTO deployment (name, state) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET state = excluded.state');
  const version = db.prepare<[], number>('PRAGMA data_version').pluck();
  const reapedAt = new Map<string, number>();
  /** States as they stand in the file, while nobody else has written to it. */
  const known = new Map<string, DeploymentState>();
  let knownVersion: number | undefined;

  const load = (deployment: string, now: number): DeploymentState => {
    // It changes with every commit of another connection, and with none of this one.
    const current = version.get();
    if (current !== knownVersion) known.clear();
    knownVersion = current;
    let state = known.get(deployment);
    if (state === undefined) {
      const row = select.get(deployment);
      // One row is written whole by one version of this code; see LAYOUT.
      state = row === undefined ? createDeploymentState(now) : (JSON.parse(row.state) as DeploymentState);
      known.set(deployment, state);
    }
    return state;
  };

  /** Deployments that the transaction under way has changed. */
  let changed: Set<string> | undefined;
  /** What went wrong in one of its updates: the state may be half changed, so none of it is kept. */
  let broken: { readonly error: unknown } | undefined;

  const apply = <T>(deployment: string, now: number, change: (state: DeploymentState) => T): T => {
    const state = load(deployment, now);
    if (now - (reapedAt.get(deployment) ?? 0) >= REAP_EVERY_MS) {
      forgetTheDead(state, now);
      reapedAt.set(deployment, now);
    }
    changed?.add(deployment);
    try {
      return change(state);
    } catch (error) {
      broken = { error };
      throw error;
    }
  };

  const transaction = db.transaction((work: () => unknown): unknown => {
    const touched = new Set<string>();
    changed = touched;
    broken = undefined;
    try {
      const result = work();
      if (broken !== undefined) throw (broken as { readonly error: unknown }).error;
      for (const deployment of touched) save.run(deployment, JSON.stringify(known.get(deployment)));
      return result;
    } finally {
      changed = undefined;
    }
  });

  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      // What was changed in memory may not have reached the file.
      known.clear();
      throw AssayError.isInstance(error) ? error : sharedStateError(path, error);
    }
  };

  return {
    shared: true,
    update: <T>(deployment: string, now: number, change: (state: DeploymentState) => T): T =>
      changed === undefined ? guarded(() => transaction.immediate(() => apply(deployment, now, change)) as T) : apply(deployment, now, change),
    together: <T>(work: () => T): T => guarded(() => transaction.immediate(work) as T),
    read: <T>(deployment: string, now: number, look: (state: DeploymentState) => T): T => guarded(() => look(load(deployment, now))),
    close: () => {
      db.close();
    },
  };
}
