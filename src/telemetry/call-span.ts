import { completionTokens, promptTokens, REPLAYED, type CallIntent, type CallSettlement } from '../core/index.ts';
import type { SpanAttributes, SpanDraft } from './contract.ts';
import { ASSAY, GEN_AI, operationOf, serverOf } from './gen-ai.ts';
import { scopeAttributes, spanIdOf, type ScopeNode } from './scope-path.ts';

/** Ids that providers give to answers, rather than to requests. */
const RESPONSE_ID = /^(?:chatcmpl|cmpl|resp|msg|gen)[-_]/;

export interface CallSpanOptions {
  /** The innermost span that it is under. */
  readonly under: Pick<ScopeNode, 'traceId' | 'spanId'>;
  /** Whether the error's text goes along: a provider may quote the prompt in it. */
  readonly content: boolean;
}

/** The span of one ledger row: from when it left to when it had ended. */
export function callSpan(intent: CallIntent, settlement: CallSettlement, { under, content }: CallSpanOptions): SpanDraft {
  const { sentAt, waitedMs, queuedAt } = intent;
  const failed = errorType(settlement) !== undefined;
  const operation = operationOf(intent.protocol);
  return {
    traceId: under.traceId,
    spanId: spanIdOf('call', [intent.id]),
    parentSpanId: under.spanId,
    name: intent.modelAsked === null ? operation : `${operation} ${intent.modelAsked}`,
    kind: 'client',
    startMs: sentAt,
    endMs: sentAt + (settlement.totalMs ?? 0),
    attributes: { ...commonAttributes(intent, settlement), ...ownAttributes(intent, settlement), ...scopeAttributes(intent.scope) },
    ...(failed ? { error: content && settlement.error !== null ? { message: settlement.error } : {} } : {}),
    ...(waitedMs > 0 ? { events: [{ name: 'assay.queued', atMs: queuedAt, attributes: { [ASSAY.waitedMs]: waitedMs } }] } : {}),
  };
}

/** What spans and metrics of a call have in common: few values each. */
export function commonAttributes(intent: CallIntent, settlement: CallSettlement): SpanAttributes {
  const { provider, address, port } = serverOf(intent.deployment);
  const { modelAnswered } = settlement;
  return {
    [GEN_AI.operation]: operationOf(intent.protocol),
    [GEN_AI.provider]: provider,
    ...(intent.modelAsked === null ? {} : { [GEN_AI.requestModel]: intent.modelAsked }),
    ...(modelAnswered === null ? {} : { [GEN_AI.responseModel]: modelAnswered }),
    ...(address === undefined ? {} : { 'server.address': address }),
    ...(port === undefined ? {} : { 'server.port': port }),
    [ASSAY.simulated]: intent.simulated,
  };
}

/**
 * Why a call counts as failed, in few words: the HTTP status where the provider refused it, else its fate (`timeout`, `aborted`, `cut`,
 * `malformed`, `network_error`, `rate_limited`, `lost`). A block by a content filter is an answer.
 */
export function errorType({ status, httpStatus }: CallSettlement): string | undefined {
  if (status === 'ok' || status === 'blocked' || status === REPLAYED) return undefined;
  const refused = status === 'http_error' || status === 'rate_limited';
  return refused && httpStatus !== null && httpStatus >= 400 ? String(httpStatus) : status;
}

function ownAttributes(intent: CallIntent, settlement: CallSettlement): SpanAttributes {
  const { usage, costUsd, finishReason, requestId, firstTokenMs, httpStatus } = settlement;
  const error = errorType(settlement);
  const known = usage.source === 'unknown' ? {} : usageAttributes(settlement);
  return {
    ...known,
    ...(intent.stream ? { [GEN_AI.requestStream]: true } : {}),
    ...(intent.stream && firstTokenMs !== null ? { [GEN_AI.timeToFirstChunk]: firstTokenMs / 1_000 } : {}),
    // Of several choices the ledger keeps the first one's.
    ...(finishReason === null ? {} : { [GEN_AI.finishReasons]: [finishReason] }),
    ...(requestId === null ? {} : { [RESPONSE_ID.test(requestId) ? GEN_AI.responseId : ASSAY.requestId]: requestId }),
    ...(httpStatus === null ? {} : { 'http.response.status_code': httpStatus }),
    ...(intent.retry > 0 ? { 'http.request.resend_count': intent.retry } : {}),
    ...(error === undefined ? {} : { 'error.type': error }),
    ...(costUsd === null ? {} : { [ASSAY.costUsd]: costUsd }),
    ...(intent.target === null ? {} : { [ASSAY.target]: intent.target }),
    ...(intent.via === undefined ? {} : { [ASSAY.via]: intent.via }),
    ...(settlement.status === REPLAYED ? { [ASSAY.replayed]: true } : {}),
    [ASSAY.call]: intent.id,
    [ASSAY.logicalCall]: intent.logicalId,
    [ASSAY.status]: settlement.status,
    [ASSAY.retry]: intent.retry,
    [ASSAY.waitedMs]: intent.waitedMs,
    [ASSAY.reservedTokens]: intent.reservedTokens,
    [ASSAY.protocol]: intent.protocol,
    [ASSAY.deployment]: intent.deployment,
    [ASSAY.usageSource]: usage.source,
  };
}

/** Unknown is not zero: a figure nobody told is left out. */
function usageAttributes({ usage }: CallSettlement): SpanAttributes {
  const figures: readonly (readonly [name: string, tokens: number | undefined])[] = [
    [GEN_AI.inputTokens, promptTokens(usage)],
    [GEN_AI.outputTokens, completionTokens(usage)],
    [GEN_AI.cacheReadTokens, usage.cacheRead],
    [GEN_AI.cacheCreationTokens, usage.cacheWrite],
    [GEN_AI.reasoningTokens, usage.reasoning],
  ];
  return Object.fromEntries(figures.flatMap(([name, tokens]) => (tokens === undefined ? [] : [[name, tokens] as const])));
}
