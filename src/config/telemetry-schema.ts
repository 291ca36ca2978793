import * as z from 'zod';
import { headersSchema, urlSchema } from './providers-schema.ts';

export const telemetrySchema = z
  .strictObject({
    enabled: z
      .boolean()
      .optional()
      .describe('Whether spans and metrics are exported. Where otlp.endpoint is set they are; true without it takes OTEL_EXPORTER_OTLP_ENDPOINT and its kin, which switch nothing on by themselves.'),
    otlp: z
      .strictObject({
        endpoint: urlSchema.optional().describe('Base address of an OpenTelemetry collector that takes OTLP over HTTP, e.g. http://127.0.0.1:4318; /v1/traces and /v1/metrics are added.'),
        headers: headersSchema.optional(),
      })
      .prefault({})
      .describe('Where to, as OTLP over HTTP with protobuf.'),
    content: z.boolean().default(false).describe('Whether conversations, answers, goals and error texts go along. They are exported as they stand in the store, with what looks like a credential taken out.'),
  })
  .describe('OpenTelemetry: a span for every call, under spans of what it is charged to, and metrics, by the GenAI semantic conventions.');
