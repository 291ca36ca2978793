import { completionTokens, promptTokens, type CallStatus, type Usage } from '../core/index.ts';
import type { DeploymentStats } from '../limiter/index.ts';
import type { GatewayFigures } from './contract.ts';
import { Histogram, type MetricFamily, type Sample } from './prometheus.ts';

interface DeploymentSums {
  readonly byStatus: Map<string, number>;
  prompt: number;
  completion: number;
  unknown: number;
  costUsd: number;
}

/** Model names come from requests; somebody who makes them up shall not fill the memory. */
const MOST_DEPLOYMENTS = 1_000;
const OTHERS = '(others)';

/** Seconds. */
const WAIT_BOUNDS = [0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300];
const LATENCY_BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** What one call came to, as far as sums need. */
export interface CountedCall {
  readonly deployment: string;
  readonly status: CallStatus;
  readonly usage: Usage;
  readonly costUsd: number | null;
  readonly flightMs: number;
}

/** Running sums over what the gateway did. */
export class CallFigures {
  readonly #deployments = new Map<string, DeploymentSums>();
  readonly #refused = new Map<string, number>();
  readonly #waited = new Histogram(WAIT_BOUNDS);
  readonly #latency = new Histogram(LATENCY_BOUNDS);
  #calls = 0;
  #failed = 0;
  #replayed = 0;
  #uncounted = 0;
  #inFlight = 0;
  #waiting = 0;

  waits(): void {
    this.#waiting += 1;
  }

  /** @param waitedMs `undefined` where it was turned away */
  waitedFor(waitedMs: number | undefined): void {
    this.#waiting -= 1;
    if (waitedMs === undefined) return;
    this.#calls += 1;
    this.#inFlight += 1;
    this.#waited.observe(waitedMs / 1_000);
  }

  /** @param call `undefined` where its settlement could not be recorded */
  ended(call: CountedCall | undefined): void {
    this.#inFlight -= 1;
    if (call === undefined) {
      this.#failed += 1;
      return;
    }
    const { status, usage } = call;
    if (status !== 'ok' && status !== 'blocked') this.#failed += 1;
    const sums = this.#sumsOf(call.deployment);
    sums.byStatus.set(status, (sums.byStatus.get(status) ?? 0) + 1);
    const prompt = promptTokens(usage);
    const completion = completionTokens(usage);
    if (usage.source === 'unknown' || (prompt === undefined && completion === undefined)) sums.unknown += 1;
    sums.prompt += prompt ?? 0;
    sums.completion += completion ?? 0;
    sums.costUsd += call.costUsd ?? 0;
    this.#latency.observe(call.flightMs / 1_000);
  }

  replayed(): void {
    this.#replayed += 1;
  }

  uncounted(): void {
    this.#uncounted += 1;
  }

  refused(code: string): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }

  figures(): GatewayFigures {
    let [promptSum, completionSum, costUsd] = [0, 0, 0];
    for (const sums of this.#deployments.values()) {
      promptSum += sums.prompt;
      completionSum += sums.completion;
      costUsd += sums.costUsd;
    }
    return {
      calls: this.#calls,
      failed: this.#failed,
      replayed: this.#replayed,
      refused: this.#refused.values().reduce((sum, count) => sum + count, 0),
      uncounted: this.#uncounted,
      inFlight: this.#inFlight,
      waiting: this.#waiting,
      promptTokens: promptSum,
      completionTokens: completionSum,
      costUsd,
    };
  }

  families({ stats, openScopes }: { readonly stats: readonly DeploymentStats[]; readonly openScopes: number }): MetricFamily[] {
    const deployments = [...this.#deployments];
    const each = (value: (sums: DeploymentSums) => number): Sample[] => deployments.map(([deployment, sums]) => ({ labels: { deployment }, value: value(sums) }));
    const live = (value: (stat: DeploymentStats) => number | null): Sample[] =>
      stats.flatMap((stat) => {
        const figure = value(stat);
        return figure === null ? [] : [{ labels: { deployment: stat.deployment }, value: figure }];
      });
    return [
      {
        name: 'assay_calls_total',
        help: 'Model calls that have ended, by what became of them.',
        type: 'counter',
        samples: deployments.flatMap(([deployment, sums]) => [...sums.byStatus].map(([status, value]) => ({ labels: { deployment, status }, value }))),
      },
      {
        name: 'assay_tokens_total',
        help: 'Tokens of model calls, as far as they are known.',
        type: 'counter',
        samples: deployments.flatMap(([deployment, sums]) => [
          { labels: { deployment, kind: 'prompt' }, value: sums.prompt },
          { labels: { deployment, kind: 'completion' }, value: sums.completion },
        ]),
      },
      { name: 'assay_unknown_usage_calls_total', help: 'Ended calls whose usage is unknown.', type: 'counter', samples: each((sums) => sums.unknown) },
      { name: 'assay_cost_usd_total', help: 'US dollars, as far as prices are known.', type: 'counter', samples: each((sums) => sums.costUsd) },
      { name: 'assay_replayed_total', help: 'Requests answered from the store.', type: 'counter', samples: [{ value: this.#replayed }] },
      { name: 'assay_uncounted_total', help: 'Requests forwarded that are no model calls, or none that can be read.', type: 'counter', samples: [{ value: this.#uncounted }] },
      { name: 'assay_refused_total', help: 'Requests that the gateway answered with an error of its own.', type: 'counter', samples: Array.from(this.#refused, ([code, value]) => ({ labels: { code }, value })) },
      { name: 'assay_in_flight', help: 'Calls under way.', type: 'gauge', samples: [{ value: this.#inFlight }] },
      { name: 'assay_waiting', help: 'Calls that wait to be admitted.', type: 'gauge', samples: [{ value: this.#waiting }] },
      { name: 'assay_open_scopes', help: 'Scopes with a token.', type: 'gauge', samples: [{ value: openScopes }] },
      { name: 'assay_limit_utilization', help: 'Highest use of any limit of a deployment over its window, 0 to 1.', type: 'gauge', samples: live((stat) => stat.utilization) },
      { name: 'assay_quota_ratio', help: 'Used share of the long quota of a deployment.', type: 'gauge', samples: live((stat) => (stat.quota_percentage === null ? null : stat.quota_percentage / 100)) },
      { name: 'assay_rate_limited_total', help: 'Answers 429 of a deployment.', type: 'counter', samples: live((stat) => stat.limited_count) },
      { name: 'assay_wait_seconds', help: 'Time that calls waited to be admitted.', type: 'histogram', samples: this.#waited.samples() },
      { name: 'assay_call_seconds', help: 'Time from sending a call to the end of its answer.', type: 'histogram', samples: this.#latency.samples() },
    ];
  }

  #sumsOf(deployment: string): DeploymentSums {
    const name = this.#deployments.has(deployment) || this.#deployments.size < MOST_DEPLOYMENTS ? deployment : OTHERS;
    let sums = this.#deployments.get(name);
    if (sums === undefined) this.#deployments.set(name, (sums = { byStatus: new Map(), prompt: 0, completion: 0, unknown: 0, costUsd: 0 }));
    return sums;
  }
}
