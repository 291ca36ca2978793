import type { Attempt, AttemptStatus, ErrorSource } from '../../core/index.ts';
import type { Redactor } from '../redaction.ts';
import type { AttemptsTable } from '../schema.ts';
import { contentJson, fromJson, metadata } from './text.ts';

export function encodeAttempt(redact: Redactor, attempt: Attempt): AttemptsTable {
  return {
    run_id: attempt.runId,
    goal_index: attempt.goalIndex,
    key: redact.content(attempt.key),
    seq: attempt.seq,
    status: attempt.status,
    conversation: contentJson(redact, attempt.conversation),
    outputs: contentJson(redact, attempt.outputs),
    notes: contentJson(redact, attempt.notes),
    error_source: attempt.error?.source ?? null,
    error_code: attempt.error?.code ?? null,
    error_message: metadata(redact, attempt.error?.message),
    started_at: attempt.startedAt,
    ended_at: attempt.endedAt,
  };
}

export function decodeAttempt(row: AttemptsTable): Attempt {
  return {
    runId: row.run_id,
    goalIndex: row.goal_index,
    key: row.key,
    seq: row.seq,
    status: row.status as AttemptStatus,
    conversation: fromJson(row.conversation),
    outputs: fromJson(row.outputs),
    notes: fromJson(row.notes),
    error: row.error_source === null ? null : { source: row.error_source as ErrorSource, code: row.error_code ?? 'internal', message: row.error_message ?? '' },
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}
