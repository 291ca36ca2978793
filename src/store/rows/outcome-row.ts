import { stableKey } from '../../core/index.ts';
import type { ErrorSource, Outcome } from '../../core/index.ts';
import { StoreError } from '../store-error.ts';
import type { Redactor } from '../redaction.ts';
import type { OutcomeColumns } from '../schema.ts';
import { content, metadata } from './text.ts';

/** An outcome's columns, with the hash that tells it from another outcome of the same goal at the same instant. */
export function encodeOutcome(redact: Redactor, outcome: Outcome): OutcomeColumns & { readonly digest: string } {
  const columns = outcomeColumns(redact, outcome);
  return { ...columns, digest: stableKey(columns) };
}

function outcomeColumns(redact: Redactor, outcome: Outcome): OutcomeColumns {
  switch (outcome.kind) {
    case 'error':
      return {
        outcome: outcome.kind,
        outcome_blocked: null,
        outcome_source: outcome.source,
        outcome_code: outcome.code,
        outcome_reason: metadata(redact, outcome.reason),
      };
    case 'undetermined':
    case 'skipped':
    case 'cancelled':
    case 'interrupted':
      return { outcome: outcome.kind, outcome_blocked: null, outcome_source: null, outcome_code: null, outcome_reason: content(redact, outcome.reason) };
    case 'attack_succeeded':
    case 'attack_failed':
    case 'passed':
    case 'failed':
      return {
        outcome: outcome.kind,
        outcome_blocked: outcome.blocked === undefined ? null : outcome.blocked ? 1 : 0,
        outcome_source: null,
        outcome_code: null,
        outcome_reason: content(redact, outcome.reason),
      };
    default:
      throw new StoreError({ code: 'store', message: `an outcome of an unknown kind cannot be stored: ${JSON.stringify(outcome satisfies never)}` });
  }
}

export function decodeOutcome(row: OutcomeColumns): Outcome | null {
  const kind = row.outcome as Outcome['kind'] | null;
  switch (kind) {
    case null:
      return null;
    case 'error':
      return { kind, source: row.outcome_source as ErrorSource, code: row.outcome_code ?? 'internal', reason: row.outcome_reason ?? '' };
    case 'undetermined':
    case 'skipped':
    case 'cancelled':
    case 'interrupted':
      return { kind, reason: row.outcome_reason ?? '' };
    case 'attack_succeeded':
    case 'attack_failed':
    case 'passed':
    case 'failed':
      return {
        kind,
        ...(row.outcome_blocked === null ? {} : { blocked: row.outcome_blocked === 1 }),
        ...(row.outcome_reason === null ? {} : { reason: row.outcome_reason }),
      };
    default:
      throw new StoreError({
        code: 'store_corrupt',
        message: `the store holds an outcome of an unknown kind, '${String(kind satisfies never)}'`,
        hint: 'it was changed by another program, or written by a newer version of Assay',
      });
  }
}
