const KEPT = 256;
const ENOUGH = 4;
/** Output tokens expected of a call that sets no bound, before any answer was seen. */
const FIRST_GUESS = 1_000;
/** One-sided 90 % point of the normal distribution. */
const Z90 = 1.2816;

/** What the last 256 answers of a deployment were like, for expecting the next one's size. */
export class LearnedOutput {
  readonly #sizes: number[] = [];
  #next = 0;
  #sum = 0;
  #squares = 0;
  #sortedAt = -1;
  #p90 = 0;
  #seen = 0;

  learn(outputTokens: number): void {
    const old = this.#sizes[this.#next];
    if (old !== undefined) {
      this.#sum -= old;
      this.#squares -= old * old;
    }
    this.#sizes[this.#next] = outputTokens;
    this.#sum += outputTokens;
    this.#squares += outputTokens * outputTokens;
    this.#next = (this.#next + 1) % KEPT;
    this.#seen += 1;
  }

  get enough(): boolean {
    return this.#sizes.length >= ENOUGH;
  }

  /** What nine of ten answers stay within; a guess of 1,000 before four answers were seen. */
  get p90(): number {
    if (!this.enough) return FIRST_GUESS;
    if (this.#sortedAt < 0 || this.#seen - this.#sortedAt >= 16) {
      this.#p90 = this.#sizes.toSorted((a, b) => a - b)[Math.ceil(this.#sizes.length * 0.9) - 1]!;
      this.#sortedAt = this.#seen;
    }
    return this.#p90;
  }

  /**
   * What each of `n` calls in flight together may be expected to use, so that their sum holds nine times in ten. One
   * call takes its 90 % point; many even out, and reserving that much for each would leave the limit half used.
   */
  expectedEach(n: number): number {
    if (!this.enough) return FIRST_GUESS;
    const count = this.#sizes.length;
    const mean = this.#sum / count;
    const deviation = Math.sqrt(Math.max(0, this.#squares / count - mean * mean));
    return Math.ceil(mean + (Z90 * deviation) / Math.sqrt(Math.max(1, n)));
  }
}
