/**
 * Remembers what was worked out for a text, within bounds. Entries live in two generations: when the young one has half
 * of what is allowed, the old one is dropped whole and what is still asked for moves up. A strict least-recently-used
 * map spends most of its time rehashing at the rates wanted here.
 */
export class BoundedCache<V> {
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #youngChars = 0;
  readonly #maxEntries: number;
  readonly #maxChars: number;

  /**
   * @param bounds most entries, and most characters of all keys together; a key beyond a hundredth of that is not kept
   */
  constructor(bounds: { readonly maxEntries: number; readonly maxChars: number }) {
    this.#maxEntries = bounds.maxEntries;
    this.#maxChars = bounds.maxChars;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: V): void {
    if (key.length > this.#maxChars / 100) return;
    if ((this.#young.size + 1) * 2 > this.#maxEntries || (this.#youngChars + key.length) * 2 > this.#maxChars) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngChars = 0;
    }
    const before = this.#young.size;
    this.#young.set(key, value);
    if (this.#young.size > before) this.#youngChars += key.length;
  }
}
