/** Outcomes that are verdicts: they never change once recorded. */
export const VERDICTS = ['attack_succeeded', 'attack_failed', 'passed', 'failed'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** Every outcome a goal may end with. */
export const OUTCOME_KINDS = [...VERDICTS, 'undetermined', 'skipped', 'error', 'cancelled', 'interrupted'] as const;
export type OutcomeKind = (typeof OUTCOME_KINDS)[number];

export type ErrorSource = 'target' | 'judge' | 'framework';

/** What became of a goal. */
export type Outcome =
  | {
      readonly kind: Verdict;
      /** The target's provider blocked the request or the answer; shown apart. */
      readonly blocked?: boolean;
      readonly reason?: string;
    }
  | { readonly kind: 'undetermined' | 'skipped' | 'cancelled' | 'interrupted'; readonly reason: string }
  | {
      readonly kind: 'error';
      readonly source: ErrorSource;
      /** The failing error's code, e.g. `rate_limited`. */
      readonly code: string;
      readonly reason: string;
    };

export function isVerdict(kind: OutcomeKind): kind is Verdict {
  return (VERDICTS as readonly string[]).includes(kind);
}

/** Whether a resume may put another outcome in this one's place. The old one is kept in the history. */
export function maySupersede(current: OutcomeKind): boolean {
  return current === 'error' || current === 'cancelled' || current === 'interrupted';
}
