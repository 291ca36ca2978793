import type { LimitKind } from './window.ts';

/** Limits that the simulator enforces. An absent one is not enforced. */
export interface LimitOptions {
  /** How time is cut up. `sub-windows` cuts requests; tokens then count in a fixed minute, as on Azure. */
  readonly kind: LimitKind;
  /** Requests a minute. */
  readonly rpm?: number;
  /** Requests a second. */
  readonly rps?: number;
  /** Prompt and output tokens together, a minute. */
  readonly tpm?: number;
  /** Prompt tokens a minute. */
  readonly itpm?: number;
  /** Output tokens a minute. */
  readonly otpm?: number;
  /** Requests being answered at once. */
  readonly concurrency?: number;
  /**
   * What a request is charged when it is admitted. `reserved` (default): prompt + max output × generations, never given
   * back, as Azure and OpenAI count; a request without a bound is charged what it uses. `actual`: what it uses.
   */
  readonly countAtAdmission?: 'reserved' | 'actual';
  /** Seconds of the limit that a token bucket holds; 5 by default. */
  readonly bucketSeconds?: number;
  /** Length of a sub-window in seconds; 10 by default. */
  readonly subWindowSeconds?: number;
  /** Whether answers carry rate-limit headers; true by default. A 429 carries `retry-after` either way. */
  readonly headers?: boolean;
  /** Fraction of each limit, 0 to below 1, that an unseen tenant draws evenly; 0 by default. */
  readonly otherTenant?: number;
  /** What shares one limit: each `PROFILE@variant` by itself (`model`, default) or all variants of a profile (`family`). */
  readonly scope?: 'model' | 'family';
}
