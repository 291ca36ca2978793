import type { CallIntent, CallSettlement, Scope } from '../core/index.ts';

/** Where a branch left what came before it: calls whose ids sort before `id` are pre-fork. */
export interface Fork {
  /** Path of the branch, outermost first, joined by `/`. */
  readonly branch: string;
  readonly id: string;
}

/** Counts the calls of a scope in this process, from the same figures that go to the ledger. What it throws would break the call. */
export interface CallCounter {
  /** A branch of a trial was forked in the scope. Not told of those that were forked before it began to count. */
  forked?(scope: Scope, fork: Fork): void;
  /** A call is about to be entered. */
  opened?(intent: CallIntent, forks: readonly Fork[]): void;
  /** A call ended. */
  add(intent: CallIntent, settlement: CallSettlement): void;
  /** Nothing more will be heard of a call that was opened: its end is committed, or it never came into the ledger. */
  closed?(intent: CallIntent): void;
}
