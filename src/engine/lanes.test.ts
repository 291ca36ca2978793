import { describe, expect, it } from 'vitest';
import type { Goal } from '../core/index.ts';
import { Lanes } from './lanes.ts';

const goal = (index: number, lane: string | null): Goal => ({
  runId: 'r',
  index,
  key: String(index),
  suite: 'probes',
  plugin: 'p',
  target: 't',
  text: '',
  item: index,
  variant: null,
  repeat: 0,
  tags: [],
  lane,
  data: null,
  outcome: null,
  startedAt: null,
  endedAt: null,
});

describe('Lanes', () => {
  it('lets goals without a lane pass at once', () => {
    const lanes = new Lanes();
    expect(lanes.enter(goal(0, null))).toBe(true);
    expect(lanes.enter(goal(1, null))).toBe(true);
  });

  it('runs goals of one lane in order, one at a time, and other lanes beside them', () => {
    const lanes = new Lanes();
    const [a0, a1, a2, b0] = [goal(0, 'a'), goal(1, 'a'), goal(2, 'a'), goal(3, 'b')];
    expect([a0, a1, a2, b0].map((each) => lanes.enter(each))).toEqual([true, false, false, true]);
    expect(lanes.leave(a0)).toBe(a1);
    expect(lanes.leave(a1)).toBe(a2);
    expect(lanes.leave(a2)).toBeUndefined();
    expect(lanes.enter(goal(4, 'a'))).toBe(true);
  });

  it('holds back the plan while too much waits, and goes on when a lane moves', async () => {
    const lanes = new Lanes();
    const first = goal(0, 'a');
    lanes.enter(first);
    for (let i = 1; i <= 4_096; i++) lanes.enter(goal(i, 'a'));
    let passed = false;
    const room = lanes.room().then(() => (passed = true));
    await Promise.resolve();
    expect(passed).toBe(false);
    lanes.leave(first);
    await room;
    expect(passed).toBe(true);
  });
});
