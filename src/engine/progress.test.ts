import { describe, expect, it } from 'vitest';
import type { CallIntent, CallSettlement, Usage } from '../core/index.ts';
import { ProgressCounter } from './progress.ts';

const intent = (retry: number, waitedMs: number): CallIntent => ({ retry, waitedMs }) as CallIntent;
const known: Usage = { inputFresh: 7, cacheRead: 3, cacheWrite: undefined, outputText: 4, reasoning: 1, source: 'reported' };
const settled = (usage: Usage, costUsd: number | null): CallSettlement => ({ usage, costUsd }) as CallSettlement;

describe('progress', () => {
  it('goes on from what earlier processes did', () => {
    const progress = new ProgressCounter({ planned: 10, finished: 4, verdicts: 3, errors: 1 });
    progress.goalStarted(null);
    expect(progress.snapshot()).toMatchObject({ finished: 4, inFlight: 1 });
    progress.goalEnded({ kind: 'passed' });
    expect(progress.snapshot()).toMatchObject({ planned: 10, finished: 5, verdicts: 4, errors: 1, inFlight: 0 });
  });

  it('counts a goal that is tried again once, by its new outcome', () => {
    const failed = { kind: 'error', source: 'target', code: 'timeout', reason: 'slow' } as const;
    const progress = new ProgressCounter({ finished: 1, errors: 1 });
    progress.goalStarted(failed);
    expect(progress.snapshot()).toMatchObject({ finished: 0, errors: 0, inFlight: 1 });
    progress.goalEnded({ kind: 'attack_failed' });
    expect(progress.snapshot()).toMatchObject({ finished: 1, verdicts: 1, errors: 0 });
  });

  it('keeps the old outcome of a goal whose new one could not be recorded', () => {
    const before = { kind: 'interrupted', reason: 'killed' } as const;
    const progress = new ProgressCounter({ finished: 1 });
    progress.goalStarted(before);
    progress.goalEnded(before);
    expect(progress.snapshot()).toMatchObject({ finished: 1, verdicts: 0, inFlight: 0 });
  });

  it('sums what is known of calls, and counts those without a price', () => {
    const progress = new ProgressCounter();
    progress.callSettled(intent(0, 5), settled(known, 0.5));
    progress.callSettled(intent(1, 10), settled(known, null));
    progress.callSettled(intent(2, 0), settled({ ...known, source: 'unknown' }, null));
    expect(progress.snapshot()).toMatchObject({ calls: 3, retries: 2, waitedMs: 15, promptTokens: 20, completionTokens: 10, costUsd: 0.5, unpriced: 2 });
  });

  it('hands out a copy', () => {
    const progress = new ProgressCounter();
    const before = progress.snapshot();
    progress.plannedNow(3);
    expect(before.planned).toBeNull();
    expect(progress.snapshot().planned).toBe(3);
  });
});
