import type { JsonObject } from '../core/index.ts';
import type { PurgeOptions } from './contract.ts';
import type { Db } from './schema.ts';
import type { StoreError } from './store-error.ts';

/** One statement of a write. */
export interface Step {
  readonly sql: string;
  readonly values: readonly unknown[];
  /** Runs only if the write op's first statement changed a row. */
  readonly ifFirstChanged?: boolean;
}

/** The statements of one write op, in order. */
export type OpSteps = readonly Step[];

/** What became of one write in a commit: rows changed by its very first statement, or why it was undone. */
export type WriteResult = { readonly changed: number } | { readonly error: StoreError };

/** What a redo log beside the database needs. */
export interface RedoPlace {
  /** Where logs stand; made at the first one. */
  readonly folder: string;
  /**
   * Commits what `find` gives, called while no other process can write; op by op: one that the database refuses is passed over.
   *
   * @throws StoreError when nothing was committed; what `find` throws
   */
  commitFound(find: () => readonly OpSteps[]): Promise<void>;
}

/**
 * What a database has to offer for the store to stand on it. Everything else (what each write means, reads, sums,
 * leases) is portable SQL and shared by all.
 */
export interface Backend {
  /** For people; holds no password. */
  readonly location: string;
  /** Next to a file store; see the store's own. */
  readonly sharedStatePath: string | undefined;
  /** For building and running portable reads. */
  readonly db: Db;
  /**
   * Commits many writes at once, in order, waiting while the database is locked. Each is all or nothing: one that breaks
   * a constraint is undone alone.
   *
   * @throws StoreError when nothing of the batch was committed
   */
  commit(batch: readonly (readonly OpSteps[])[]): Promise<readonly WriteResult[]>;
  /**
   * The same at once, before it returns, after what an earlier `commit` still waits to do. Only where the database allows it.
   *
   * @throws StoreError when nothing of the batch was committed
   */
  commitNow?(batch: readonly (readonly OpSteps[])[]): readonly WriteResult[];
  /** Absent where nothing may be acknowledged before it is committed, or nothing outlives the process anyway. */
  readonly redo?: RedoPlace | undefined;
  /** Runs a read, waiting while the database is locked, its errors turned into StoreError. */
  read<T>(query: () => Promise<T>): Promise<T>;
  /** Reads, changes and writes a value as one, also against other processes. `update` gets and gives JSON text. */
  updateValue(name: string, update: (current: JsonObject | undefined) => { readonly value: JsonObject; readonly text: string }): Promise<JsonObject>;
  /** Deletes runs with all that belongs to them, and calls of no run, so that no byte of theirs is left. */
  purge(options: PurgeOptions): Promise<{ readonly runs: number; readonly calls: number }>;
  close(): Promise<void>;
}
