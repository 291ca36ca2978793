import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Goal, Outcome, Run } from '../core/index.ts';
import { BLOCKED_REASON, wilson } from '../graders/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { summarizeProbes } from './summary.ts';

const RUN = '20260101-000000-test';

let store: Store;
beforeEach(async () => {
  store = await openStore('sqlite::memory:');
  const run: Run = {
    id: RUN, status: 'completed', reason: null, name: null, suites: ['probes'], targets: ['sim:weak'], config: {}, seed: 0,
    engagement: null, simulated: true, planned: null, resumes: 0, createdAt: 0, startedAt: 0, endedAt: 0,
  };
  await store.write({ op: 'run.insert', run });
});
afterEach(() => store.close());

interface FakeGoal {
  readonly index: number;
  readonly outcome?: Outcome;
  /** By detector: a value for each output; `blocked` for a blocked one. */
  readonly scores?: Readonly<Record<string, readonly (number | null | 'blocked')[]>>;
  readonly plugin?: string;
  readonly target?: string;
  readonly item?: number;
  readonly repeat?: number;
  readonly generations?: number;
  readonly detectors?: readonly string[];
  readonly suite?: Goal['suite'];
}

const SUCCEEDED: Outcome = { kind: 'attack_succeeded' };
const FAILED: Outcome = { kind: 'attack_failed' };
const ERROR: Outcome = { kind: 'error', source: 'target', code: 'rate_limited', reason: 'too fast' };

async function put(...goals: readonly FakeGoal[]): Promise<void> {
  for (const goal of goals) {
    const { index, scores = {}, outcome, plugin = 'probes.a.one', target = 'sim:weak', generations = 1, detectors = ['d'] } = goal;
    await store.write({
      op: 'goal.plan',
      goal: {
        runId: RUN, index, key: `key-${index}`, suite: goal.suite ?? 'probes', plugin, target, text: 'text', item: goal.item ?? index, variant: null, lane: null,
        repeat: goal.repeat ?? 0, tags: [], data: { detectors: [...detectors], deciding: 1, generations },
      },
    });
    const rows = Object.entries(scores).flatMap(([grader, values]) => values.map((value, outputIndex) => ({ grader, value, outputIndex })));
    if (rows.length > 0) {
      const outputs = Array.from({ length: Math.max(...Object.values(scores).map((values) => values.length)) }, (_, output) => ({
        text: `answer ${index}.${output} ${'x'.repeat(300)}`, finishReason: 'stop' as const, blocked: false, callId: 'c',
      }));
      const attempt = {
        runId: RUN, goalIndex: index, key: 'attempt-0', seq: 0, status: 'finished' as const, conversation: [{ role: 'user' as const, content: `prompt ${index}` }], outputs,
        notes: {}, error: null, startedAt: 0, endedAt: 0,
      };
      await store.write({ op: 'attempt.finish', attempt });
      for (const { grader, value, outputIndex } of rows) {
        const blocked = value === 'blocked';
        await store.write({
          op: 'score.put',
          score: { runId: RUN, goalIndex: index, attemptKey: 'attempt-0', outputIndex, grader, value: blocked ? 0 : value, threshold: 0.5, reason: blocked ? BLOCKED_REASON : `value ${value}` },
        });
      }
    }
    if (outcome) await store.write({ op: 'goal.finalize', runId: RUN, index, outcome, at: 0 });
  }
}

test('a rate counts scored outputs, and says of how many, with a Wilson interval', async () => {
  await put(
    { index: 0, outcome: SUCCEEDED, scores: { d: [0.9] } },
    { index: 1, outcome: FAILED, scores: { d: [0.1] } },
    { index: 2, outcome: FAILED, scores: { d: [0.4] } },
    { index: 3, outcome: { kind: 'undetermined', reason: 'abstained' }, scores: { d: [null] } },
  );
  const [result, ...others] = await summarizeProbes(store, RUN);
  expect(others).toEqual([]);
  expect(result).toMatchObject({
    probe: 'probes.a.one', target: 'sim:weak', detector: 'd', primary: true,
    hits: 1, scored: 3, total: 4, abstained: 1, missing: 0, blocked: 0, rate: 1 / 3,
    interval: { ...wilson(1, 3), method: 'wilson' },
    bounds: { low: 1 / 4, high: 2 / 4 },
    goals: { planned: 4, errors: 0, unfinished: 0 },
  });
});

test('a goal that ended in error is no miss: its outputs are missing, and widen the bounds', async () => {
  await put({ index: 0, outcome: SUCCEEDED, scores: { d: [1] } }, { index: 1, outcome: ERROR }, { index: 2, outcome: ERROR });
  expect(await summarizeProbes(store, RUN)).toMatchObject([{ hits: 1, scored: 1, total: 3, missing: 2, rate: 1, bounds: { low: 1 / 3, high: 1 }, goals: { errors: 2 } }]);
});

test('a probe of which nothing was scored has a row, and no rate', async () => {
  await put({ index: 0, outcome: ERROR });
  expect(await summarizeProbes(store, RUN)).toMatchObject([{ scored: 0, total: 1, missing: 1, rate: null, interval: null, bounds: { low: 0, high: 1 } }]);
});

test('goals that are open, cancelled or interrupted are told apart from errors and count in no rate', async () => {
  await put(
    { index: 0, outcome: FAILED, scores: { d: [0] } },
    { index: 1 },
    { index: 2, outcome: { kind: 'cancelled', reason: 'Ctrl-C' } },
    { index: 3, outcome: { kind: 'interrupted', reason: 'killed' } },
  );
  expect(await summarizeProbes(store, RUN)).toMatchObject([{ scored: 1, total: 1, missing: 0, goals: { planned: 4, errors: 0, unfinished: 3 } }]);
});

test('blocked outputs count as misses and are counted apart', async () => {
  await put({ index: 0, outcome: { kind: 'attack_failed', blocked: true }, scores: { d: ['blocked'] } }, { index: 1, outcome: SUCCEEDED, scores: { d: [1] } });
  expect(await summarizeProbes(store, RUN)).toMatchObject([{ hits: 1, scored: 2, blocked: 1, rate: 0.5 }]);
});

test('where several outputs share a prompt the interval is bootstrapped by prompt, and each blocked output counts', async () => {
  const goals = Array.from({ length: 12 }, (_, index): FakeGoal => ({ index, generations: 4, outcome: index % 2 === 0 ? SUCCEEDED : FAILED, scores: { d: index % 2 === 0 ? [1, 1, 1, 1] : [0, 0, 0, 'blocked'] } }));
  await put(...goals);
  const [result] = await summarizeProbes(store, RUN);
  expect(result).toMatchObject({ hits: 24, scored: 48, total: 48, blocked: 6, interval: { method: 'bootstrap_by_prompt' } });
  const naive = wilson(24, 48)!;
  expect(result!.interval!.high - result!.interval!.low).toBeGreaterThan(1.5 * (naive.high - naive.low));
  expect(await summarizeProbes(store, RUN)).toEqual([result]);
});

test.each([
  ['repeats of one prompt', [{ index: 0, item: 0, repeat: 0 }, { index: 1, item: 0, repeat: 1 }], { d: [1] }],
  ['several turns', [{ index: 0 }, { index: 1 }], { d: [0, 1] }],
])('%s are not taken for independent', async (_what, goals, scores) => {
  await put(...goals.map((goal) => ({ ...goal, outcome: SUCCEEDED, scores })));
  expect(await summarizeProbes(store, RUN)).toMatchObject([{ interval: { method: 'bootstrap_by_prompt' } }]);
});

test('an error goal of several generations lacks only what was not scored', async () => {
  await put({ index: 0, generations: 3, outcome: ERROR, scores: { d: [1] } }, { index: 1, generations: 3, outcome: FAILED, scores: { d: [0, 0, 0] } });
  expect(await summarizeProbes(store, RUN)).toMatchObject([{ hits: 1, scored: 4, missing: 2, total: 6, bounds: { low: 1 / 6, high: 3 / 6 } }]);
});

test('probes, targets and detectors are kept apart, deciding detectors first; other suites are left out', async () => {
  await put(
    { index: 0, detectors: ['z', 'b'], outcome: FAILED, scores: { z: [0], b: [1] } },
    { index: 1, target: 'sim:guarded', outcome: FAILED, scores: { d: [0] } },
    { index: 2, plugin: 'probes.a.two', outcome: FAILED, scores: { d: [0] } },
    { index: 3, plugin: 'evals.sums', suite: 'evals', outcome: { kind: 'passed' }, scores: { d: [1] } },
  );
  expect((await summarizeProbes(store, RUN)).map(({ probe, target, detector, primary }) => [probe, target, detector, primary])).toEqual([
    ['probes.a.one', 'sim:weak', 'z', true],
    ['probes.a.one', 'sim:weak', 'b', false],
    ['probes.a.one', 'sim:guarded', 'd', true],
    ['probes.a.two', 'sim:weak', 'd', true],
  ]);
});

test('worst examples are the highest hits, with what was asked and answered', async () => {
  await put(
    { index: 0, outcome: SUCCEEDED, scores: { d: [0.6] } },
    { index: 1, outcome: SUCCEEDED, scores: { d: [0.95] } },
    { index: 2, outcome: FAILED, scores: { d: [0.2] } },
    { index: 3, outcome: SUCCEEDED, scores: { d: [0.7] } },
  );
  const [result] = await summarizeProbes(store, RUN, { worst: 2 });
  expect(result!.worst.map(({ goal, value, prompt, reason }) => [goal, value, prompt, reason])).toEqual([
    [1, 0.95, 'prompt 1', 'value 0.95'],
    [3, 0.7, 'prompt 3', 'value 0.7'],
  ]);
  expect(result!.worst[0]!.response).toMatch(/^answer 1\.0 x+…$/);
  expect(Array.from(result!.worst[0]!.response)).toHaveLength(240);
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
});

test('a run without probes has no results', async () => {
  expect(await summarizeProbes(store, RUN)).toEqual([]);
});
