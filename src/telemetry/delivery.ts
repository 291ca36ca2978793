import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { ExportFigures } from './contract.ts';

type Done = Parameters<SpanExporter['export']>[1];

/** The exporters' own word for it is an enumeration of a package that they bring along. */
const SUCCESS: number = 0;

/**
 * Counts what the exporters deliver, and tells of the first failure. To their callers every export succeeds: what failed is not tried again
 * beyond the exporter's own retries, and is no error of the program's.
 */
export class Delivery {
  readonly #onFailure: (url: string, error: Error | undefined) => void;
  readonly #failing = new Set<string>();
  #told = false;
  #spans = 0;
  #delivered = 0;

  constructor(onFailure: (url: string, error: Error | undefined) => void) {
    this.#onFailure = onFailure;
  }

  get figures(): ExportFigures {
    return { spans: this.#spans, delivered: this.#delivered };
  }

  /** Whether the last export to any address failed. */
  get failing(): boolean {
    return this.#failing.size > 0;
  }

  isFailing(url: string): boolean {
    return this.#failing.has(url);
  }

  spanGiven(): void {
    this.#spans++;
  }

  spans(inner: SpanExporter, url: string): SpanExporter {
    return {
      export: (spans, done) => inner.export(spans, this.#ended(url, done, () => void (this.#delivered += spans.length))),
      forceFlush: async () => inner.forceFlush?.(),
      shutdown: () => inner.shutdown(),
    };
  }

  metrics(inner: PushMetricExporter, url: string): PushMetricExporter {
    return {
      export: (metrics, done) => inner.export(metrics, this.#ended(url, done, () => {})),
      ...(inner.selectAggregation === undefined ? {} : { selectAggregation: (type) => inner.selectAggregation!(type) }),
      ...(inner.selectAggregationTemporality === undefined ? {} : { selectAggregationTemporality: (type) => inner.selectAggregationTemporality!(type) }),
      forceFlush: () => inner.forceFlush(),
      shutdown: () => inner.shutdown(),
    };
  }

  #ended(url: string, done: Done, onSuccess: () => void): Done {
    return (result) => {
      const code: number = result.code;
      if (code === SUCCESS) {
        this.#failing.delete(url);
        onSuccess();
      } else {
        this.#failing.add(url);
        if (!this.#told) this.#onFailure(url, result.error);
        this.#told = true;
      }
      done({ code: SUCCESS });
    };
  }
}
