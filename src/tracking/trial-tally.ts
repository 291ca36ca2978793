import { countProcess, currentTallies, UsageTally, type CallCounter, type LlmUsage } from '../ledger/index.ts';

const MARK = Symbol.for('assay.trial-tally');

/** Counts one opening of a trial. */
export class TrialTally extends UsageTally {
  readonly [MARK] = true;

  /** Recognises them across copies of the package. */
  static isInstance(tally: CallCounter): tally is TrialTally {
    return MARK in tally;
  }
}

const wholeProcess = new UsageTally();
countProcess(wholeProcess);

/**
 * What the innermost trial has used so far, or, outside any, this process (of this thread) since Assay was loaded. Calls are counted
 * as they end; those under way are not in it yet. A copy: ask again for later figures.
 *
 * @example console.log(currentUsage().total_tokens);
 */
export function currentUsage(): LlmUsage {
  return (currentTallies().findLast((tally) => TrialTally.isInstance(tally)) ?? wholeProcess).toDict();
}
