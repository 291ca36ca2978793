import type { CallFate, CallIntent, CallRecord, CallSettlement, Scope, SeenBy, Usage, UsageSource } from '../../core/index.ts';
import type { Redactor } from '../redaction.ts';
import type { CallsTable } from '../schema.ts';
import { content, contentJson, fromJson, metadata } from './text.ts';

/** The status of a call that has left and not ended. */
export const IN_FLIGHT = 'in_flight';

export const INTENT_COLUMNS = [
  'id',
  'logical_id',
  'retry',
  'run_id',
  'goal_index',
  'attempt_key',
  'branch',
  'role',
  'phase',
  'target',
  'deployment',
  'protocol',
  'model_asked',
  'stream',
  'simulated',
  'queued_at',
  'sent_at',
  'waited_ms',
  'reserved_tokens',
  'status',
  'trial',
  'via',
  'holder',
] as const satisfies readonly (keyof CallsTable)[];

/** What the end of a call adds. */
export const SETTLEMENT_COLUMNS = [
  'status',
  'http_status',
  'model_answered',
  'input_fresh',
  'cache_read',
  'cache_write',
  'output_text',
  'reasoning',
  'usage_source',
  'cost_usd',
  'first_token_ms',
  'total_ms',
  'finish_reason',
  'request_id',
  'error',
  'usage_raw',
] as const satisfies readonly (keyof CallsTable)[];

export type IntentRow = Pick<CallsTable, (typeof INTENT_COLUMNS)[number]>;
export type SettlementRow = Omit<CallsTable, Exclude<keyof IntentRow, 'id' | 'status'>>;

/** @param holder the process that makes the call */
export function encodeIntent(redact: Redactor, intent: CallIntent, holder: string): IntentRow {
  const { scope } = intent;
  return {
    id: intent.id,
    logical_id: intent.logicalId,
    retry: intent.retry,
    run_id: scope.runId ?? null,
    goal_index: scope.goalIndex ?? null,
    attempt_key: content(redact, scope.attemptKey),
    branch: content(redact, scope.branch),
    role: content(redact, scope.role),
    phase: content(redact, scope.phase),
    target: content(redact, intent.target),
    deployment: redact.content(intent.deployment),
    protocol: intent.protocol,
    model_asked: content(redact, intent.modelAsked),
    stream: intent.stream ? 1 : 0,
    simulated: intent.simulated ? 1 : 0,
    queued_at: intent.queuedAt,
    sent_at: intent.sentAt,
    waited_ms: intent.waitedMs,
    reserved_tokens: intent.reservedTokens,
    status: IN_FLIGHT,
    trial: content(redact, scope.trial),
    via: intent.via ?? null,
    holder,
  };
}

export function encodeSettlement(redact: Redactor, settlement: CallSettlement): SettlementRow {
  const { usage } = settlement;
  return {
    id: settlement.id,
    status: settlement.status,
    http_status: settlement.httpStatus,
    model_answered: content(redact, settlement.modelAnswered),
    input_fresh: usage.inputFresh ?? null,
    cache_read: usage.cacheRead ?? null,
    cache_write: usage.cacheWrite ?? null,
    output_text: usage.outputText ?? null,
    reasoning: usage.reasoning ?? null,
    usage_source: usage.source,
    cost_usd: settlement.costUsd,
    first_token_ms: settlement.firstTokenMs,
    total_ms: settlement.totalMs,
    finish_reason: content(redact, settlement.finishReason),
    request_id: content(redact, settlement.requestId),
    error: metadata(redact, settlement.error),
    usage_raw: usage.raw === undefined ? null : contentJson(redact, usage.raw),
  };
}

export function decodeCall(row: CallsTable): CallRecord {
  return { intent: decodeIntent(row), settlement: row.status === IN_FLIGHT ? null : decodeSettlement(row) };
}

function decodeIntent(row: CallsTable): CallIntent {
  return {
    id: row.id,
    logicalId: row.logical_id,
    retry: row.retry,
    scope: decodeScope(row),
    target: row.target,
    deployment: row.deployment,
    ...(row.via === null ? {} : { via: row.via as SeenBy }),
    protocol: row.protocol,
    modelAsked: row.model_asked,
    stream: row.stream === 1,
    simulated: row.simulated === 1,
    queuedAt: row.queued_at,
    sentAt: row.sent_at,
    waitedMs: row.waited_ms,
    reservedTokens: row.reserved_tokens,
  };
}

function decodeScope(row: CallsTable): Scope {
  return {
    ...(row.run_id === null ? {} : { runId: row.run_id }),
    ...(row.goal_index === null ? {} : { goalIndex: row.goal_index }),
    ...(row.attempt_key === null ? {} : { attemptKey: row.attempt_key }),
    ...(row.trial === null ? {} : { trial: row.trial }),
    ...(row.branch === null ? {} : { branch: row.branch }),
    ...(row.role === null ? {} : { role: row.role }),
    ...(row.phase === null ? {} : { phase: row.phase }),
  };
}

function decodeSettlement(row: CallsTable): CallSettlement {
  const usage: Usage = {
    inputFresh: row.input_fresh ?? undefined,
    cacheRead: row.cache_read ?? undefined,
    cacheWrite: row.cache_write ?? undefined,
    outputText: row.output_text ?? undefined,
    reasoning: row.reasoning ?? undefined,
    source: (row.usage_source ?? 'unknown') as UsageSource,
    ...(row.usage_raw === null ? {} : { raw: fromJson<unknown>(row.usage_raw) }),
  };
  return {
    id: row.id,
    status: row.status as CallFate,
    httpStatus: row.http_status,
    modelAnswered: row.model_answered,
    usage,
    costUsd: row.cost_usd,
    firstTokenMs: row.first_token_ms,
    totalMs: row.total_ms,
    finishReason: row.finish_reason,
    requestId: row.request_id,
    error: row.error,
  };
}
