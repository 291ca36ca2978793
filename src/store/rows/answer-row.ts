import type { StoredAnswer } from '../contract.ts';
import type { Redactor } from '../redaction.ts';
import type { AnswersTable } from '../schema.ts';
import { fromJson, metadataJson } from './text.ts';

/** A body is what a model said; headers are not. */
export function encodeAnswer(redact: Redactor, answer: StoredAnswer): AnswersTable {
  return {
    run_id: answer.runId,
    key: answer.key,
    occurrence: answer.occurrence,
    call_id: answer.callId,
    http_status: answer.httpStatus,
    at: answer.at,
    headers: metadataJson(redact, answer.headers),
    body: redact.content(answer.body),
  };
}

export function decodeAnswer(row: AnswersTable): StoredAnswer {
  return {
    runId: row.run_id,
    key: row.key,
    occurrence: row.occurrence,
    callId: row.call_id,
    httpStatus: row.http_status,
    headers: fromJson(row.headers),
    body: row.body,
    at: row.at,
  };
}
