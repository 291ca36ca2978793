import { describe, expect, it } from 'vitest';
import { CancelledError, RequestTooLargeError } from '../core/index.ts';
import { DEPLOYMENT, setUp } from './testing/set-up.ts';
import { NO_FACTS } from './testing/traffic.ts';

describe('waiting', () => {
  it('admits first in, first out, and a large request is not overtaken by small ones', async () => {
    const { clock, limiter, ask } = setUp({ tpm: 6_000, counts: 'reserved' });
    const order: string[] = [];
    void ask({ promptTokens: 3_000 });
    const wait = (name: string, promptTokens: number) => limiter.admit({ deployment: DEPLOYMENT, promptTokens, maxOutputTokens: 0 }).then(() => order.push(name));
    const all = [wait('large', 3_000), wait('small', 1), wait('tiny', 1)];
    await clock.runAll();
    await Promise.all(all);
    expect(order).toEqual(['large', 'small', 'tiny']);
  });

  it('sends a retry before what never left', async () => {
    const { clock, limiter } = setUp({ concurrency: 1 });
    const held = await limiter.admit({ deployment: DEPLOYMENT, promptTokens: 1, maxOutputTokens: 1 });
    const order: string[] = [];
    const wait = (name: string, retry: number) =>
      limiter.admit({ deployment: DEPLOYMENT, promptTokens: 1, maxOutputTokens: 1, retry }).then((place) => {
        order.push(name);
        place.release();
      });
    const all = [wait('fresh', 0), wait('retry', 1)];
    held.release();
    await clock.advance(0);
    await Promise.all(all);
    expect(order).toEqual(['retry', 'fresh']);
  });

  it('lets a waiting call be cancelled at any place in line, and the rest go on', async () => {
    const { clock, limiter, granted, errors, ask } = setUp({ concurrency: 1 });
    await ask();
    const [head, middle] = [new AbortController(), new AbortController()];
    void ask({ signal: head.signal });
    void ask({ signal: middle.signal });
    void ask();
    middle.abort();
    head.abort();
    await clock.advance(0);
    expect(errors).toHaveLength(2);
    expect(errors.every((error) => error instanceof CancelledError)).toBe(true);
    expect(limiter.statsOf(DEPLOYMENT).waiting).toBe(1);
    granted[0]!.release();
    await clock.advance(0);
    expect(granted).toHaveLength(2);
  });

  it('refuses what is cancelled before it asks', async () => {
    const { errors, ask } = setUp(undefined);
    await ask({ signal: AbortSignal.abort() });
    expect(errors[0]).toBeInstanceOf(CancelledError);
  });

  it('gives a waiting call up at its deadline, wherever it stands in line', async () => {
    const { clock, errors, ask } = setUp({ concurrency: 1 });
    await ask();
    void ask();
    void ask({ deadline: clock.now() + 5_000 });
    await clock.advance(4_999);
    expect(errors).toEqual([]);
    await clock.advance(1);
    expect(errors).toMatchObject([{ code: 'rate_limited' }]);
  });

  it('keeps one timer for a deployment, however many wait', async () => {
    const { clock, ask } = setUp({ rpm: 60 });
    for (let calls = 0; calls < 50; calls++) void ask({ deadline: clock.now() + 600_000 + calls });
    await clock.advance(0);
    expect(clock.pending).toBe(1);
  });

  it('turns away who waits when it is closed, and leaves no timer', async () => {
    const { clock, limiter, errors, ask } = setUp({ rpm: 60 });
    for (let calls = 0; calls < 5; calls++) void ask();
    await limiter.close();
    await clock.advance(0);
    expect(errors.every((error) => error instanceof CancelledError)).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('says how long a call waited', async () => {
    const { clock, granted, ask } = setUp({ concurrency: 1 });
    await ask();
    void ask();
    await clock.advance(1_234);
    granted[0]!.release();
    await clock.advance(0);
    expect(granted[1]!.waitedMs).toBe(1_234);
  });
});

describe('reserving and settling', () => {
  it('keeps exactly to a known concurrency', async () => {
    const { clock, limiter, granted, ask } = setUp({ concurrency: 3 });
    for (let calls = 0; calls < 10; calls++) void ask();
    await clock.advance(0);
    expect(granted).toHaveLength(3);
    expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ in_flight: 3, waiting: 7, concurrency: 3, utilization: 1 });
    granted[0]!.release();
    granted[0]!.release();
    await clock.advance(0);
    expect(granted).toHaveLength(4);
  });

  it('reserves prompt and max output where the provider counts so, and gives nothing back', async () => {
    const { clock, limiter, granted, ask, done } = setUp({ tpm: 1_000, counts: 'reserved' });
    await ask({ promptTokens: 100, maxOutputTokens: 400 });
    expect(granted[0]).toMatchObject({ promptTokens: 100, outputTokens: 400 });
    done(granted[0]!, 100, 5);
    await clock.advance(0);
    expect(limiter.statsOf(DEPLOYMENT).utilization).toBe(0.5);
  });

  it('charges a prompt that turned out larger even there', async () => {
    const { limiter, granted, ask, done } = setUp({ tpm: 1_000, counts: 'reserved' });
    await ask({ promptTokens: 100, maxOutputTokens: 400 });
    done(granted[0]!, 250, 5);
    expect(limiter.statsOf(DEPLOYMENT).utilization).toBe(0.65);
  });

  it('settles both ways where actual use counts', async () => {
    const { limiter, granted, ask, done } = setUp({ tpm: 1_000 });
    await ask({ promptTokens: 100, maxOutputTokens: 400 });
    done(granted[0]!, 90, 10);
    expect(limiter.statsOf(DEPLOYMENT).utilization).toBe(0.1);
  });

  it('gives the window back when the call never left', async () => {
    const { limiter, granted, ask } = setUp({ rpm: 60, tpm: 1_000, counts: 'reserved' });
    await ask({ promptTokens: 500, maxOutputTokens: 400 });
    granted[0]!.release();
    expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ utilization: 0, in_flight: 0, cumulative_tokens: 0 });
  });

  it('gives tokens back after a refusal and keeps the request counted', async () => {
    const { limiter, granted, ask } = setUp({ rpm: 10, tpm: 1_000, counts: 'reserved' });
    await ask({ promptTokens: 500, maxOutputTokens: 400 });
    granted[0]!.settle({ promptTokens: undefined, outputTokens: undefined, costUsd: undefined }, 'limited');
    granted[0]!.release();
    expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ utilization: 0.1, cumulative_tokens: 0 });
  });

  it('takes effect once, however often it is settled and released', async () => {
    const { limiter, granted, ask, done } = setUp({ tpm: 1_000 });
    await ask();
    done(granted[0]!);
    done(granted[0]!, 500, 500);
    expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ in_flight: 0, cumulative_tokens: 20 });
  });

  it('refuses a request that no window could ever hold', async () => {
    const { errors, ask } = setUp({ tpm: 1_000, counts: 'reserved' });
    await ask({ promptTokens: 600, maxOutputTokens: 500 });
    expect(errors[0]).toBeInstanceOf(RequestTooLargeError);
  });

  it('does not take a bound far above the limit for a need, where actual use counts', async () => {
    const { errors, granted, ask } = setUp({ tpm: 1_000 });
    await ask({ promptTokens: 100, maxOutputTokens: 16_000 });
    expect(errors).toEqual([]);
    expect(granted[0]!.outputTokens).toBe(900);
  });

  it('learns how much a deployment answers', async () => {
    const { granted, ask, done } = setUp({ tpm: 1_000_000 });
    for (let calls = 0; calls < 20; calls++) {
      await ask({ maxOutputTokens: 2_000 });
      done(granted.at(-1)!, 10, 50);
    }
    await ask({ maxOutputTokens: 2_000 });
    expect(granted.at(-1)!.outputTokens).toBe(50);
  });

  it('books a tapped call after the fact', async () => {
    const { limiter } = setUp({ rpm: 10, tpm: 1_000 });
    limiter.charge(DEPLOYMENT, { promptTokens: 200, outputTokens: 300, costUsd: undefined });
    expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ utilization: 0.5, cumulative_tokens: 500 });
  });

  it('refuses figures that are not numbers', async () => {
    const { errors, ask } = setUp(undefined);
    await ask({ promptTokens: Number.NaN });
    expect(errors).toMatchObject([{ code: 'internal' }]);
  });
});

describe('refusals', () => {
  it('pauses for as long as the provider asks, then goes on', async () => {
    const { clock, limiter, granted, ask } = setUp({ rpm: 600 });
    await ask();
    limiter.observe({ deployment: DEPLOYMENT, sentAt: clock.now(), limited: true, rate: { ...NO_FACTS, retryAfterMs: 7_000 } });
    void ask();
    expect(limiter.statsOf(DEPLOYMENT)).toMatchObject({ limited_count: 1, paused_until: clock.now() + 7_000 });
    await clock.advance(6_999);
    expect(granted).toHaveLength(1);
    await clock.advance(1);
    expect(granted).toHaveLength(2);
  });

  it('sends one call after a pause, and the rest when it was not refused at once', async () => {
    const { clock, limiter, granted, ask } = setUp({ rpm: 60_000 });
    await ask();
    await ask();
    limiter.observe({ deployment: DEPLOYMENT, sentAt: clock.now(), limited: true, rate: { ...NO_FACTS, retryAfterMs: 1_000 } });
    for (const place of granted.splice(0)) place.release();
    for (let calls = 0; calls < 5; calls++) void ask();
    await clock.advance(1_249);
    expect(granted).toHaveLength(1);
    await clock.advance(10);
    expect(granted).toHaveLength(5);
  });

  it('waits twice as long each time in a row where nobody says how long', async () => {
    const { clock, limiter, granted, ask } = setUp(undefined);
    const pauses: number[] = [];
    await ask();
    for (let refusals = 0; refusals < 4; refusals++) {
      limiter.observe({ deployment: DEPLOYMENT, sentAt: clock.now(), limited: true, rate: NO_FACTS });
      granted.at(-1)!.release();
      const until = limiter.statsOf(DEPLOYMENT).paused_until!;
      pauses.push(until - clock.now());
      const count = granted.length;
      void ask();
      await clock.advance(until - clock.now());
      expect(granted).toHaveLength(count + 1);
      await clock.advance(1);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  it('starts at 16 in flight where nothing is known, and keeps to the cap', async () => {
    const { clock, limiter, granted, ask, done } = setUp(undefined, { defaultConcurrency: 40 });
    for (let calls = 0; calls < 200; calls++) void ask();
    await clock.advance(0);
    expect(granted).toHaveLength(16);
    for (let round = 0; round < 4; round++) {
      for (const place of granted.splice(0)) done(place);
      await clock.advance(0);
    }
    expect(granted).toHaveLength(40);
    expect(limiter.statsOf(DEPLOYMENT).concurrency).toBe(40);
  });
});

describe('at start', () => {
  it('replays the last minute before the first call goes', async () => {
    const past = (now: number) => Array.from({ length: 30 }, (_, index) => ({ at: now - 30_000 + index * 1_000, tokens: 10 }));
    const { clock, limiter, granted, ask } = setUp({ rpm: 30 }, { history: async (_deployment, since) => past(since + 60_500) });
    void ask();
    await clock.advance(0);
    expect(granted).toHaveLength(0);
    expect(limiter.statsOf(DEPLOYMENT).utilization).toBe(1);
    await clock.advance(29_000);
    expect(granted).toHaveLength(0);
    await clock.advance(3_000);
    expect(granted).toHaveLength(1);
  });

  it('turns calls away when the ledger can not be read, and tries again with the next', async () => {
    let broken = true;
    const { granted, errors, ask } = setUp({ rpm: 60 }, {
      history: async () => {
        if (broken) throw new Error('disk');
        return [];
      },
    });
    await ask();
    broken = false;
    await ask();
    expect(errors).toMatchObject([{ code: 'store' }]);
    expect(granted).toHaveLength(1);
  });
});

describe('turning away who waits', () => {
  it('ends calls at once when the provider asks for a longer pause than they may wait', async () => {
    const { clock, limiter, granted, errors, ask } = setUp({ rpm: 600 });
    await ask();
    limiter.observe({ deployment: DEPLOYMENT, sentAt: clock.now(), limited: true, rate: { ...NO_FACTS, retryAfterMs: 3_600_000 } });
    await ask({ longestPauseMs: 120_000 });
    await ask({ longestPauseMs: 120_000 });
    expect(granted).toHaveLength(1);
    expect(errors).toMatchObject([{ code: 'rate_limited' }, { code: 'rate_limited' }]);
    expect(limiter.statsOf(DEPLOYMENT).waiting).toBe(0);
  });

  it('waits out a pause that is short enough', async () => {
    const { clock, limiter, granted, errors, ask } = setUp({ rpm: 600 });
    await ask();
    limiter.observe({ deployment: DEPLOYMENT, sentAt: clock.now(), limited: true, rate: { ...NO_FACTS, retryAfterMs: 60_000 } });
    void ask({ longestPauseMs: 120_000 });
    await clock.advance(61_000);
    expect(granted).toHaveLength(2);
    expect(errors).toEqual([]);
  });

  it('turns away on a drain those who wait, and lets those who come later wait as ever', async () => {
    const { clock, granted, errors, ask } = setUp({ rpm: 60 });
    const drain = new AbortController();
    for (let i = 0; i < 5; i++) void ask({ drain: drain.signal });
    await clock.advance(1);
    const before = granted.length;
    drain.abort();
    await clock.advance(1);
    expect(errors).toHaveLength(5 - before);
    void ask({ drain: drain.signal });
    await clock.advance(5_000);
    expect(granted).toHaveLength(before + 1);
  });
});

describe('a call that leaves late', () => {
  it('counts from its leaving, so that the window closes where the server closes it', async () => {
    const { clock, limiter, granted, ask } = setUp({ rpm: 60 });
    await ask();
    await clock.advance(5_000);
    granted[0]!.left();
    // Admitted at 0 and left at 5 s: a minute after its admission it still counts.
    await clock.advance(56_500);
    expect(limiter.statsOf(DEPLOYMENT).utilization).toBeGreaterThan(0);
    await clock.advance(5_000);
    expect(limiter.statsOf(DEPLOYMENT).utilization).toBe(0);
  });
});

describe('whether the tokens of a request must be counted', () => {
  const use = async (limits: Parameters<typeof setUp>[0], tokens: number) => {
    const rig = setUp(limits);
    const place = await rig.limiter.admit({ deployment: DEPLOYMENT, promptTokens: tokens, maxOutputTokens: 0 });
    place.settle({ promptTokens: tokens, outputTokens: 0, costUsd: undefined });
    place.release();
    return rig;
  };

  it('does not depend on how many there are where only requests are limited', async () => {
    const { limiter } = await use({ rpm: 60, concurrency: 2 }, 10);
    expect([limiter.countsTokens(DEPLOYMENT), limiter.countsTokens(DEPLOYMENT, 1_000_000)]).toEqual([false, false]);
  });

  it('is so for any until the first call shows how things stand', () => {
    expect(setUp({ tpm: 1_000_000 }).limiter.countsTokens(DEPLOYMENT, 1)).toBe(true);
  });

  it.each([
    ['tokens a minute', { tpm: 100_000 }],
    ['input tokens a minute', { itpm: 100_000 }],
    ['a quota', { quota: { tokens: 100_000, period: 'day', alerts: [], onExhausted: 'stop' } }],
  ] as const)('is not so for one that is small beside what is left of the first half of %s', async (_what, limits) => {
    const { limiter, clock } = await use(limits, 2_000);
    expect(limiter.countsTokens(DEPLOYMENT, 100)).toBe(false);
    expect(limiter.countsTokens(DEPLOYMENT, 7_000)).toBe(true);
    expect(limiter.countsTokens(DEPLOYMENT)).toBe(true);
    const asking = limiter.admit({ deployment: DEPLOYMENT, promptTokens: 60_000, maxOutputTokens: 0 });
    await clock.advance(60_000);
    const more = await asking;
    expect(limiter.countsTokens(DEPLOYMENT, 1)).toBe(true);
    more.release();
    expect(limiter.countsTokens(DEPLOYMENT, 100)).toBe(false);
  });
});
