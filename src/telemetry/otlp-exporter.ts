import { readFile } from 'node:fs/promises';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import { isObject, parseJson, type CallIntent, type CallSettlement } from '../core/index.ts';
import { CallMetrics } from './call-metrics.ts';
import type { SignalPlace, SpanDraft, TelemetrySettings } from './contract.ts';
import { Delivery } from './delivery.ts';
import { readableSpan } from './readable-span.ts';

/** Spans that wait at most; beyond, new ones are dropped. */
const LONGEST_QUEUE = 8_192;
const BATCH = 512;
const SPANS_EVERY_MS = 1_000;
const METRICS_EVERY_MS = 15_000;

export interface OtlpExporterOptions {
  readonly settings: TelemetrySettings;
  /** Tells this process's figures from another's. */
  readonly instanceId: string;
  /** Told once, of the first export that fails. */
  readonly onFailure: (url: string, error: Error | undefined) => void;
}

/** Sends spans and metrics, in batches, in the background. */
export class OtlpExporter {
  readonly delivery: Delivery;
  readonly #resource: Resource;
  readonly #scope: ReadableSpan['instrumentationScope'];
  readonly #spans: { readonly processor: BatchSpanProcessor; readonly exporter: SpanExporter } | undefined;
  readonly #meters: MeterProvider | undefined;
  readonly #metrics: CallMetrics | undefined;

  constructor({ settings, instanceId, onFailure }: OtlpExporterOptions, version: string) {
    const { traces, metrics, timeoutMs, resource } = settings;
    this.delivery = new Delivery(onFailure);
    this.#scope = { name: 'assay', version };
    this.#resource = defaultResource().merge(resourceFromAttributes({ 'service.instance.id': instanceId, 'service.version': version, ...resource }));
    if (traces !== undefined) {
      const exporter = this.delivery.spans(new OTLPTraceExporter(exporterConfig(traces, timeoutMs)), traces.url);
      // Its own time limit is behind the exporter's, which says why.
      const processor = new BatchSpanProcessor({ exporter, maxQueueSize: LONGEST_QUEUE, maxExportBatchSize: BATCH, scheduledDelayMillis: SPANS_EVERY_MS, exportTimeoutMillis: timeoutMs * 2 });
      this.#spans = { processor, exporter };
    }
    if (metrics !== undefined) {
      const exporter = this.delivery.metrics(new OTLPMetricExporter(exporterConfig(metrics, timeoutMs)), metrics.url);
      const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: METRICS_EVERY_MS, exportTimeoutMillis: timeoutMs * 2 });
      this.#meters = new MeterProvider({ resource: this.#resource, readers: [reader] });
      this.#metrics = new CallMetrics(this.#meters.getMeter(this.#scope.name, version));
    }
  }

  static async open(options: OtlpExporterOptions): Promise<OtlpExporter> {
    return new OtlpExporter(options, await packageVersion());
  }

  span(draft: SpanDraft): void {
    if (this.#spans === undefined) return;
    this.delivery.spanGiven();
    this.#spans.processor.onEnd(readableSpan(draft, this.#resource, this.#scope));
  }

  count(intent: CallIntent, settlement: CallSettlement): void {
    this.#metrics?.record(intent, settlement);
  }

  async flush(): Promise<void> {
    await Promise.all([this.#flushSpans(), this.#meters?.forceFlush()]);
  }

  async close(): Promise<void> {
    await Promise.all([this.#spans?.processor.shutdown(), this.#meters?.shutdown()]);
  }

  async #flushSpans(): Promise<void> {
    await this.#spans?.processor.forceFlush();
    // A batch that was under way before is the exporter's to wait for.
    await this.#spans?.exporter.forceFlush?.();
  }
}

function exporterConfig({ url, headers }: SignalPlace, timeoutMillis: number): NonNullable<ConstructorParameters<typeof OTLPTraceExporter>[0]> {
  return { url, headers: { ...headers }, timeoutMillis };
}

/** The package's version; its file stands two folders up from the sources and from the built files alike. */
async function packageVersion(): Promise<string> {
  const manifest = parseJson(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  return isObject(manifest) && typeof manifest['version'] === 'string' ? manifest['version'] : 'unknown';
}
