import { decodeMessage, type Message } from './protobuf.ts';

/*
 * The messages of OTLP, as far as they are looked at: https://github.com/open-telemetry/opentelemetry-proto, trace.proto, metrics.proto, common.proto.
 */
const ANY: { [number: number]: Message[number] } = { 1: ['string', 'string'], 2: ['bool', 'bool'], 3: ['int', 'int'], 4: ['double', 'double'] };
ANY[5] = ['array', { 1: ['values', ANY, 'many'] }];
const ATTRIBUTE: Message = { 1: ['key', 'string'], 2: ['value', ANY] };
const RESOURCE: Message = { 1: ['attributes', ATTRIBUTE, 'many'] };
const SCOPE: Message = { 1: ['name', 'string'], 2: ['version', 'string'] };
const EVENT: Message = { 1: ['time', 'fixed64'], 2: ['name', 'string'], 3: ['attributes', ATTRIBUTE, 'many'] };
const SPAN: Message = {
  1: ['traceId', 'hex'],
  2: ['spanId', 'hex'],
  4: ['parentSpanId', 'hex'],
  5: ['name', 'string'],
  6: ['kind', 'int'],
  7: ['start', 'fixed64'],
  8: ['end', 'fixed64'],
  9: ['attributes', ATTRIBUTE, 'many'],
  11: ['events', EVENT, 'many'],
  15: ['status', { 2: ['message', 'string'], 3: ['code', 'int'] }],
};
const TRACES: Message = { 1: ['resourceSpans', { 1: ['resource', RESOURCE], 2: ['scopeSpans', { 1: ['scope', SCOPE], 2: ['spans', SPAN, 'many'] }, 'many'] }, 'many'] };
const POINT: Message = { 4: ['count', 'fixed64'], 5: ['sum', 'double'], 6: ['bucketCounts', 'fixed64s'], 7: ['bounds', 'doubles'], 9: ['attributes', ATTRIBUTE, 'many'] };
const METRIC: Message = { 1: ['name', 'string'], 3: ['unit', 'string'], 9: ['histogram', { 1: ['points', POINT, 'many'], 2: ['temporality', 'int'] }] };
const METRICS: Message = { 1: ['resourceMetrics', { 1: ['resource', RESOURCE], 2: ['scopeMetrics', { 2: ['metrics', METRIC, 'many'] }, 'many'] }, 'many'] };

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  /** 1 internal, 3 client. */
  readonly kind: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly atMs: number; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number; readonly message?: string };
  readonly resource: Readonly<Record<string, unknown>>;
  readonly scope: string;
}

export interface ReceivedPoint {
  readonly metric: string;
  readonly unit: string;
  /** 2 is cumulative. */
  readonly temporality: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly count: number;
  readonly sum: number;
  readonly bounds: readonly number[];
  readonly resource: Readonly<Record<string, unknown>>;
}

interface Holder {
  readonly attributes: readonly { readonly key: string; readonly value?: Record<string, unknown> }[];
}
type DecodedEvent = Holder & { readonly name: string; readonly time: bigint };
type DecodedSpan = Omit<ReceivedSpan, 'startMs' | 'endMs' | 'attributes' | 'events' | 'status' | 'resource' | 'scope'> & Holder & { readonly start: bigint; readonly end: bigint; readonly events: readonly DecodedEvent[]; readonly status?: ReceivedSpan['status'] };
interface DecodedTraces {
  readonly resourceSpans: readonly { readonly resource: Holder; readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly DecodedSpan[] }[] }[];
}
type DecodedPoint = Holder & { readonly count: bigint; readonly sum?: number; readonly bounds?: readonly number[] };
interface DecodedMetric {
  readonly name: string;
  readonly unit: string;
  readonly histogram?: { readonly temporality: number; readonly points: readonly DecodedPoint[] };
}
interface DecodedMetrics {
  readonly resourceMetrics: readonly { readonly resource: Holder; readonly scopeMetrics: readonly { readonly metrics: readonly DecodedMetric[] }[] }[];
}

export function readSpans(body: Buffer): ReceivedSpan[] {
  const { resourceSpans } = decodeMessage(body, TRACES) as unknown as DecodedTraces;
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map(({ start, end, events, status = {}, attributes, traceId, spanId, parentSpanId, name, kind }) => ({
        traceId,
        spanId,
        parentSpanId,
        name,
        kind,
        startMs: milliseconds(start),
        endMs: milliseconds(end),
        attributes: attributesOf({ attributes }),
        events: events.map((event) => ({ name: event.name, atMs: milliseconds(event.time), attributes: attributesOf(event) })),
        status,
        resource: attributesOf(resource),
        scope: scope.name,
      })),
    ),
  );
}

export function readPoints(body: Buffer): ReceivedPoint[] {
  const { resourceMetrics } = decodeMessage(body, METRICS) as unknown as DecodedMetrics;
  return resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ name, unit, histogram }) =>
        (histogram?.points ?? []).map((point) => ({
          metric: name,
          unit,
          temporality: histogram?.temporality ?? 0,
          attributes: attributesOf(point),
          count: Number(point.count),
          sum: point.sum ?? 0,
          bounds: point.bounds ?? [],
          resource: attributesOf(resource),
        })),
      ),
    ),
  );
}

function attributesOf({ attributes }: Holder): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value ?? {})]));
}

function plain(value: Record<string, unknown>): unknown {
  const { array } = value as { array?: { readonly values: readonly Record<string, unknown>[] } };
  return array === undefined ? Object.values(value)[0] : array.values.map(plain);
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000n) / 1_000;
}
