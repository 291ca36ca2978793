import { describe, expect, it } from 'vitest';
import { chooseFault, FAULT_KINDS, type FaultKey } from './faults.ts';
import { generationName } from './generation.ts';
import { FAULTY_RATES } from './profiles.ts';
import { RetryCounter } from './retries.ts';

const key = (goal: string, more: Partial<FaultKey> = {}): FaultKey => ({ seed: 1, variant: '', goal, turn: 0, generation: '#0', retry: 0, ...more });

describe('chooseFault', () => {
  it('draws each kind at its rate', () => {
    const counts = new Map<string | undefined, number>();
    for (let i = 0; i < 20_000; i++) {
      const fault = chooseFault(FAULTY_RATES, key(`goal ${i}`));
      counts.set(fault, (counts.get(fault) ?? 0) + 1);
    }
    for (const kind of FAULT_KINDS) {
      const rate = FAULTY_RATES[kind]!;
      const sigma = Math.sqrt(20_000 * rate * (1 - rate));
      expect(Math.abs(counts.get(kind)! - 20_000 * rate)).toBeLessThan(4 * sigma);
    }
  });

  it('draws none at rate 0 and always at rate 1', () => {
    expect(chooseFault({}, key('a'))).toBeUndefined();
    expect(chooseFault({ cut: 1 }, key('a'))).toBe('cut');
  });

  it('depends on the key alone, and gives a retry its own draw', () => {
    const rates = { error500: 0.5 };
    const goals = Array.from({ length: 200 }, (_, index) => `goal ${index}`);
    const first = goals.map((goal) => chooseFault(rates, key(goal)));
    expect(goals.map((goal) => chooseFault(rates, key(goal)))).toEqual(first);
    const again = goals.map((goal) => chooseFault(rates, key(goal, { retry: 1 })));
    expect(again.filter((fault, index) => fault !== first[index]).length).toBeGreaterThan(50);
  });
});

describe('RetryCounter', () => {
  it('believes the header, and counts sightings where there is none', () => {
    const retries = new RetryCounter();
    expect(retries.count({ header: '3', identity: 'a' })).toBe(3);
    expect(retries.count({ header: undefined, identity: 'a' })).toBe(0);
    expect(retries.count({ header: undefined, identity: 'b' })).toBe(0);
    expect(retries.count({ header: undefined, identity: 'a' })).toBe(1);
    expect(retries.count({ header: 'soon', identity: 'a' })).toBe(2);
  });
});

describe('generationName', () => {
  it('names choice i of one call as the separate call with header i', () => {
    expect(generationName({ seed: undefined, header: undefined }, 2)).toBe(generationName({ seed: undefined, header: '2' }, 0));
    expect(generationName({ seed: '7', header: '1' }, 1)).toBe(generationName({ seed: '7', header: '2' }, 0));
  });

  it('keeps seeds and odd headers apart', () => {
    const names = [generationName({ seed: '1', header: undefined }, 0), generationName({ seed: '2', header: undefined }, 0), generationName({ seed: undefined, header: 'x' }, 0), generationName({ seed: undefined, header: 'x' }, 1)];
    expect(new Set(names).size).toBe(4);
  });
});
