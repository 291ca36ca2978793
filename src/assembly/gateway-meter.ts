import { AssayError, type Clock } from '../core/index.ts';
import { currentScope } from '../ledger/index.ts';
import type { AdmitRequest, Reservation } from '../limiter/index.ts';
import type { MeterDeps } from '../transport/index.ts';

/** Whose calls: a goal of the run, or those of no goal. */
type Owner = number | undefined;

interface Watched {
  inFlight: number;
  refusal: AssayError | undefined;
  waiting: (() => void)[];
}

/** Codes of refusals that mean that the run cannot go on. */
const STOPS: ReadonlySet<string> = new Set(['budget_exhausted', 'quota_exhausted']);

/**
 * The books as a gateway sees them, with an eye on what becomes of each goal's calls: how many are under way, and whether one was
 * turned away because a budget or a quota is spent.
 */
export class GatewayMeter {
  readonly deps: MeterDeps;
  readonly #clock: Clock;
  readonly #owners = new Map<Owner, Watched>();

  constructor(meter: MeterDeps) {
    const { limiter } = meter;
    this.#clock = meter.clock;
    this.deps = {
      ...meter,
      limiter: {
        admit: (request) => this.#admit(limiter, request),
        observe: (signal) => limiter.observe(signal),
        charge: (deployment, actual) => limiter.charge(deployment, actual),
        countsTokens: (deployment, about) => limiter.countsTokens(deployment, about),
      },
    };
  }

  /** Calls of a goal that wait or are under way. */
  inFlight(goal: Owner): number {
    return this.#owners.get(goal)?.inFlight ?? 0;
  }

  /** The first budget or quota that turned a call of the goal away. */
  refusal(goal: Owner): AssayError | undefined {
    return this.#owners.get(goal)?.refusal;
  }

  /** Forgets a goal that is over. */
  forget(goal: Owner): void {
    if (this.inFlight(goal) === 0) this.#owners.delete(goal);
  }

  /** Resolves once no call of the goal is under way, or after `graceMs`, or when `hurry` aborts: whether none is. */
  async quiet(goal: Owner, graceMs: number, hurry?: AbortSignal): Promise<boolean> {
    const watched = this.#owners.get(goal);
    if (watched === undefined || watched.inFlight === 0) return true;
    if (hurry?.aborted === true) return false;
    await new Promise<void>((resolve) => {
      const over = (): void => {
        cancel();
        hurry?.removeEventListener('abort', over);
        resolve();
      };
      const cancel = this.#clock.after(graceMs, over);
      hurry?.addEventListener('abort', over);
      watched.waiting.push(over);
    });
    return watched.inFlight === 0;
  }

  async #admit(limiter: MeterDeps['limiter'], request: AdmitRequest): Promise<Reservation> {
    const owner = currentScope().goalIndex;
    const watched = this.#of(owner);
    watched.inFlight++;
    let open = true;
    const done = (): void => {
      if (!open) return;
      open = false;
      if (--watched.inFlight > 0) return;
      for (const wake of watched.waiting.splice(0)) wake();
    };
    try {
      const reservation = await limiter.admit(request);
      return {
        deployment: reservation.deployment,
        waitedMs: reservation.waitedMs,
        promptTokens: reservation.promptTokens,
        outputTokens: reservation.outputTokens,
        left: () => reservation.left(),
        settle: (actual, outcome) => reservation.settle(actual, outcome),
        release: () => {
          reservation.release();
          done();
        },
      };
    } catch (error) {
      if (AssayError.isInstance(error) && STOPS.has(error.code)) watched.refusal ??= error;
      done();
      throw error;
    }
  }

  #of(owner: Owner): Watched {
    const known = this.#owners.get(owner);
    if (known !== undefined) return known;
    const made: Watched = { inFlight: 0, refusal: undefined, waiting: [] };
    this.#owners.set(owner, made);
    return made;
  }
}
