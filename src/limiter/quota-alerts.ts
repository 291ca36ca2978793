import type { Quota, QuotaAlert } from './contract.ts';

/** Tells once per period and threshold that a quota has passed it. */
export class QuotaAlerts {
  readonly #deployment: string;
  readonly #quota: Quota;
  readonly #thresholds: readonly number[];
  #period = -1;
  #raised = 0;

  constructor(deployment: string, quota: Quota) {
    this.#deployment = deployment;
    this.#quota = quota;
    this.#thresholds = quota.alerts.toSorted((a, b) => a - b);
  }

  /**
   * What to raise now that `used` tokens of the period are used. Where several thresholds were passed before the first
   * look at a period (a resumed run), only the highest is news.
   */
  passed(periodStart: number, used: number): QuotaAlert[] {
    const first = periodStart !== this.#period;
    if (first) this.#raised = 0;
    this.#period = periodStart;
    const percentage = (used / this.#quota.tokens) * 100;
    const reached = this.#thresholds.filter((threshold) => percentage >= threshold).length;
    const news = this.#thresholds.slice(this.#raised, reached);
    this.#raised = Math.max(this.#raised, reached);
    return (first ? news.slice(-1) : news).map((threshold) => ({
      deployment: this.#deployment,
      threshold,
      percentage,
      cumulativeTokens: used,
      quotaTokens: this.#quota.tokens,
    }));
  }
}
