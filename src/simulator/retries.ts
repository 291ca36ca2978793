import { createHash } from 'node:crypto';
import { BoundedCache } from './bounded-cache.ts';

/** How many tries a request has had: what its headers say, else how often the same request was seen before. */
export class RetryCounter {
  readonly #seen = new BoundedCache<number>({ maxEntries: 200_000, maxChars: 20_000_000 });

  /**
   * @param request `header` is `x-assay-retry` or `x-stainless-retry-count`; `identity` tells one logical request from another
   */
  count(request: { readonly header: string | undefined; readonly identity: string }): number {
    if (request.header !== undefined && /^\d{1,6}$/.test(request.header)) return Number(request.header);
    const key = createHash('sha256').update(request.identity).digest('base64');
    const before = this.#seen.get(key) ?? 0;
    this.#seen.set(key, before + 1);
    return before;
  }
}
