import type { Clock } from '../core/index.ts';

/** A call that waits to be admitted. */
interface Waiting {
  /** Longest the provider may stay shut before the wait is not worth it, in ms. */
  readonly patienceMs: number;
  readonly giveUp: (shutForMs: number) => void;
}

/**
 * Deployments whose provider said for how long it stays shut (`retry-after`). The limiter holds every call back until then, be it a day;
 * calls that may not wait so long end here, at once, instead of waiting unseen.
 */
export class ShutDeployments {
  readonly #until = new Map<string, number>();
  readonly #waiting = new Map<string, Set<Waiting>>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes in that a deployment wants to be left alone for `ms`. */
  shut(deployment: string, ms: number): void {
    this.#until.set(deployment, Math.max(this.#until.get(deployment) ?? 0, this.#clock.now() + ms));
    const forMs = this.#shutForMs(deployment);
    for (const waiting of this.#waiting.get(deployment) ?? []) if (forMs > waiting.patienceMs) waiting.giveUp(forMs);
  }

  /** Waits for admission, unless the deployment is, or meanwhile becomes, shut for longer than the call may wait. */
  async wait<T>(deployment: string, waiting: Waiting, admit: () => Promise<T>): Promise<T> {
    const forMs = this.#shutForMs(deployment);
    if (forMs > waiting.patienceMs) waiting.giveUp(forMs);
    const others = this.#waiting.get(deployment) ?? new Set();
    this.#waiting.set(deployment, others);
    others.add(waiting);
    try {
      return await admit();
    } finally {
      others.delete(waiting);
    }
  }

  #shutForMs(deployment: string): number {
    return Math.max(0, (this.#until.get(deployment) ?? 0) - this.#clock.now());
  }
}
