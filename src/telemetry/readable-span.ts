import { SpanKind, SpanStatusCode, TraceFlags, type HrTime, type SpanContext } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { SpanDraft } from './contract.ts';

/** A span as the SDK's processors and exporters take it. Its ids and times are given, which the SDK's own spans have no way for. */
export function readableSpan(draft: SpanDraft, resource: Resource, instrumentationScope: ReadableSpan['instrumentationScope']): ReadableSpan {
  const context: SpanContext = { traceId: draft.traceId, spanId: draft.spanId, traceFlags: TraceFlags.SAMPLED };
  const { error, events = [], parentSpanId } = draft;
  return {
    name: draft.name,
    kind: draft.kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL,
    spanContext: () => context,
    ...(parentSpanId === undefined ? {} : { parentSpanContext: { traceId: draft.traceId, spanId: parentSpanId, traceFlags: TraceFlags.SAMPLED } }),
    startTime: hrTime(draft.startMs),
    endTime: hrTime(draft.endMs),
    duration: hrTime(draft.endMs - draft.startMs),
    status: error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, ...(error.message === undefined ? {} : { message: error.message }) },
    attributes: draft.attributes,
    links: [],
    events: events.map(({ name, atMs, attributes = {} }) => ({ name, time: hrTime(atMs), attributes, droppedAttributesCount: 0 })),
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1_000_000)];
}
