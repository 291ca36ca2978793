import { type Clock, type Random, seededRandom, sleep } from '../../core/index.ts';
import type { RateFacts } from '../../protocols/contract.ts';
import type { Limiter } from '../contract.ts';
import { type Enforcer, type ServerKind, enforcer } from './servers.ts';

/** Headers that say nothing. */
export const NO_FACTS: RateFacts = {
  retryAfterMs: undefined,
  limitRequests: undefined,
  remainingRequests: undefined,
  resetRequestsMs: undefined,
  limitTokens: undefined,
  remainingTokens: undefined,
  resetTokensMs: undefined,
  remainingInputTokens: undefined,
  resetInputTokensMs: undefined,
  remainingOutputTokens: undefined,
  resetOutputTokensMs: undefined,
};

export interface ProviderOptions {
  readonly kind: ServerKind;
  readonly rpm?: number;
  readonly tpm?: number;
  /** `reserved`: prompt + max at arrival. `actual`: what is used, at arrival. `finished`: prompt at arrival, output when the answer ends. */
  readonly counts?: 'reserved' | 'actual' | 'finished';
  readonly headers?: boolean;
  readonly phaseMs?: number;
}

/** A simulated provider with limits, and its own count of what it served. */
export class Provider {
  readonly options: ProviderOptions;
  readonly #requests: Enforcer | undefined;
  readonly #tokens: Enforcer | undefined;
  served = 0;
  servedTokens = 0;
  refused = 0;

  constructor(options: ProviderOptions) {
    this.options = options;
    this.#requests = options.rpm === undefined ? undefined : enforcer(options.kind, options.rpm, options.phaseMs);
    this.#tokens = options.tpm === undefined ? undefined : enforcer(options.kind, options.tpm, options.phaseMs);
  }

  /** A request arrives. Returns whether it is served, and the rate headers of its answer. */
  arrive(now: number, prompt: number, max: number, output: number): { readonly ok: boolean; readonly rate: RateFacts; readonly cost: number } {
    const { counts, headers } = this.options;
    const cost = prompt + (counts === 'reserved' ? max : counts === 'finished' ? 0 : output);
    const ok = (this.#requests?.fits(now, 1) ?? true) && (this.#tokens?.fits(now, cost) ?? true);
    const requests = this.#requests?.answer(now, 1, ok);
    const tokens = this.#tokens?.answer(now, cost, ok);
    if (ok) {
      this.served += 1;
      this.servedTokens += cost;
    } else {
      this.refused += 1;
    }
    const retryAfterMs = ok ? undefined : Math.ceil(Math.max(requests?.retryAfterMs ?? 0, tokens?.retryAfterMs ?? 0) / 1_000) * 1_000;
    if (headers !== true) return { ok, rate: NO_FACTS, cost };
    return {
      ok,
      cost,
      rate: {
        ...NO_FACTS,
        retryAfterMs,
        remainingRequests: requests?.remaining,
        resetRequestsMs: requests?.resetMs,
        remainingTokens: tokens?.remaining,
        resetTokensMs: tokens?.resetMs,
      },
    };
  }

  /** An answer ends. */
  finish(now: number, output: number): void {
    if (this.options.counts !== 'finished') return;
    this.#tokens?.correct(now, output);
    this.servedTokens += output;
  }
}

export interface TrafficOptions {
  readonly clock: Clock;
  readonly limiter: Limiter;
  readonly provider: Provider;
  readonly workers: number;
  readonly seed: number;
  readonly untilMs: number;
  readonly deployment?: string;
  /** Size of a call: prompt tokens, most output, output in fact. */
  readonly call?: (random: Random) => { readonly prompt: number; readonly max: number; readonly output: number };
  readonly deadlineMs?: number;
}

export interface TrafficFigures {
  calls: number;
  refused: number;
  /** Calls whose tries or deadline ran out. */
  failed: number;
}

const MOST_TRIES = 8;

/** Calls of widely varying size: 50 to 1,500 prompt tokens, a bound of 100 to 1,000, and 5 to 100 % of it used. */
export function variedCall(random: Random): { prompt: number; max: number; output: number } {
  const max = 100 + random.integer(901);
  return { prompt: 50 + Math.floor(1_450 * random.next() ** 2), max, output: Math.max(1, Math.floor(max * (0.05 + 0.95 * random.next()))) };
}

/**
 * Sends as much as the limiter lets through, as transport would: admit, send over a network that takes 1 to 80 ms each way,
 * observe, settle, release, and try again after a refusal. Answers take 50 ms to 3 s.
 */
export async function saturate(options: TrafficOptions): Promise<TrafficFigures> {
  const { clock, limiter, provider, deployment = 'sim/host/model' } = options;
  const figures: TrafficFigures = { calls: 0, refused: 0, failed: 0 };
  const network = (random: Random): Promise<void> => sleep(clock, 1 + random.next() * 79);

  const send = async (random: Random, retry: number, size: { prompt: number; max: number; output: number }, deadline: number): Promise<boolean> => {
    const place = await limiter.admit({ deployment, promptTokens: size.prompt, maxOutputTokens: size.max, retry, deadline });
    try {
      const sentAt = clock.now();
      figures.calls += 1;
      await network(random);
      const { ok, rate } = provider.arrive(clock.now(), size.prompt, size.max, size.output);
      if (ok) {
        await sleep(clock, 50 + 2_950 * random.next() ** 2);
        provider.finish(clock.now(), size.output);
      }
      await network(random);
      limiter.observe({ deployment, sentAt, limited: !ok, rate });
      if (ok) place.settle({ promptTokens: size.prompt, outputTokens: size.output, costUsd: undefined });
      else {
        figures.refused += 1;
        place.settle({ promptTokens: undefined, outputTokens: undefined, costUsd: undefined }, 'limited');
      }
      return ok;
    } finally {
      place.release();
    }
  };

  const worker = async (index: number): Promise<void> => {
    const random = seededRandom(options.seed, index);
    while (clock.now() < options.untilMs) {
      const size = options.call?.(random) ?? { prompt: 20, max: 10, output: 10 };
      const deadline = clock.now() + (options.deadlineMs ?? 120_000);
      let done = false;
      try {
        for (let retry = 0; retry < MOST_TRIES && !done && clock.now() < options.untilMs; retry++) done = await send(random, retry, size, deadline);
      } catch {
        done = false;
      }
      if (!done && clock.now() < options.untilMs) figures.failed += 1;
    }
  };
  await Promise.all(Array.from({ length: options.workers }, (_, index) => worker(index)));
  return figures;
}

/** Another user of the same limits, whom nobody here sees: sends at a steady rate and gives up what is refused. */
export async function otherTenant(options: { readonly clock: Clock; readonly provider: Provider; readonly perMinute: number; readonly call: { prompt: number; max: number; output: number }; readonly seed: number; readonly untilMs: number }): Promise<number> {
  const { clock, provider } = options;
  const random = seededRandom('tenant', options.seed);
  let served = 0;
  while (clock.now() < options.untilMs) {
    // Evenly spaced give or take a quarter.
    await sleep(clock, (60_000 / options.perMinute) * (0.75 + random.next() / 2));
    if (provider.arrive(clock.now(), options.call.prompt, options.call.max, options.call.output).ok) served += 1;
  }
  return served;
}
