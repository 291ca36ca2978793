import { stableKey } from '../../core/index.ts';
import type { RunEvent, Score, StepRecord, TranscriptEntry } from '../../core/index.ts';
import type { Redactor } from '../redaction.ts';
import type { EntriesTable, EventsTable, ScoresTable, StepsTable } from '../schema.ts';
import { content, contentJson, fromJson, metadataJson } from './text.ts';

export function encodeStep(redact: Redactor, step: StepRecord): StepsTable {
  return {
    run_id: step.runId,
    goal_index: step.goalIndex,
    key: redact.content(step.key),
    name: redact.content(step.name),
    value: contentJson(redact, step.value),
    started_at: step.startedAt,
    ended_at: step.endedAt,
  };
}

export function decodeStep(row: StepsTable): StepRecord {
  return {
    runId: row.run_id,
    goalIndex: row.goal_index,
    key: row.key,
    name: row.name,
    value: fromJson(row.value),
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}

/** An entry of type `error` tells what broke, and may quote headers; every other type is evidence. */
export function encodeEntry(redact: Redactor, entry: TranscriptEntry): Omit<EntriesTable, 'seq'> {
  return {
    run_id: entry.runId,
    goal_index: entry.goalIndex,
    key: redact.content(entry.key),
    type: entry.type,
    at: entry.at,
    data: entry.type === 'error' ? metadataJson(redact, entry.data) : contentJson(redact, entry.data),
  };
}

export function decodeEntry(row: Omit<EntriesTable, 'seq'>): TranscriptEntry {
  return {
    runId: row.run_id,
    goalIndex: row.goal_index,
    key: row.key,
    type: row.type as TranscriptEntry['type'],
    at: row.at,
    data: fromJson(row.data),
  };
}

export function encodeScore(redact: Redactor, score: Score): ScoresTable {
  return {
    run_id: score.runId,
    goal_index: score.goalIndex,
    attempt_key: redact.content(score.attemptKey),
    output_index: score.outputIndex,
    grader: redact.content(score.grader),
    value: score.value,
    threshold: score.threshold,
    reason: content(redact, score.reason),
  };
}

export function decodeScore(row: ScoresTable): Score {
  return {
    runId: row.run_id,
    goalIndex: row.goal_index,
    attemptKey: row.attempt_key,
    outputIndex: row.output_index,
    grader: row.grader,
    value: row.value,
    threshold: row.threshold,
    reason: row.reason,
  };
}

export function encodeEvent(redact: Redactor, event: Omit<RunEvent, 'seq'>): Omit<EventsTable, 'seq'> {
  const data = metadataJson(redact, event.data);
  return { run_id: event.runId, at: event.at, type: event.type, data, digest: stableKey(data) };
}

export function decodeEvent(row: Omit<EventsTable, 'seq'> & { readonly seq: number | string }): RunEvent {
  return { seq: Number(row.seq), runId: row.run_id, at: row.at, type: row.type, data: fromJson(row.data) };
}
