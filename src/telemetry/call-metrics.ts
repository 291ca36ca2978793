import type { Attributes, Histogram, Meter } from '@opentelemetry/api';
import { completionTokens, promptTokens, REPLAYED, type CallIntent, type CallSettlement } from '../core/index.ts';
import { commonAttributes, errorType } from './call-span.ts';
import { ASSAY, GEN_AI } from './gen-ai.ts';

/** Bounds that the conventions advise. */
const TOKEN_BOUNDS = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864];
const SECOND_BOUNDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/** The metrics of calls, by the GenAI conventions. */
export class CallMetrics {
  readonly #tokens: Histogram;
  readonly #duration: Histogram;
  readonly #firstChunk: Histogram;

  constructor(meter: Meter) {
    this.#tokens = meter.createHistogram('gen_ai.client.token.usage', { unit: '{token}', description: 'Number of input and output tokens used.', advice: { explicitBucketBoundaries: TOKEN_BOUNDS } });
    this.#duration = meter.createHistogram('gen_ai.client.operation.duration', { unit: 's', description: 'GenAI operation duration.', advice: { explicitBucketBoundaries: SECOND_BOUNDS } });
    // What a client sees of it: gen_ai.server.time_to_first_token is the model server's own to tell.
    this.#firstChunk = meter.createHistogram('gen_ai.client.operation.time_to_first_chunk', {
      unit: 's',
      description: 'Time to receive the first chunk of a streamed answer.',
      advice: { explicitBucketBoundaries: SECOND_BOUNDS },
    });
  }

  /** Counts a call. One that was answered from the store was none; tokens that nobody knows are not counted. */
  record(intent: CallIntent, settlement: CallSettlement): void {
    const { status, usage, totalMs, firstTokenMs } = settlement;
    if (status === REPLAYED) return;
    const { role } = intent.scope;
    const attributes = { ...commonAttributes(intent, settlement), ...(role === undefined ? {} : { [ASSAY.role]: role }) } as Attributes;
    const error = errorType(settlement);
    if (totalMs !== null) this.#duration.record(totalMs / 1_000, error === undefined ? attributes : { ...attributes, 'error.type': error });
    if (intent.stream && firstTokenMs !== null) this.#firstChunk.record(firstTokenMs / 1_000, attributes);
    if (usage.source === 'unknown') return;
    for (const [type, tokens] of [['input', promptTokens(usage)], ['output', completionTokens(usage)]] as const) {
      if (tokens !== undefined) this.#tokens.record(tokens, { ...attributes, [GEN_AI.tokenType]: type, [ASSAY.usageSource]: usage.source });
    }
  }
}
