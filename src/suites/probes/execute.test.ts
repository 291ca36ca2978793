import { describe, expect, test } from 'vitest';
import { AssayError, stableKey, type Goal, type Json } from '../../core/index.ts';
import type { GenerateRequest } from '../../models/index.ts';
import type { ProbesConfig } from './config.ts';
import { createProbesSuite } from './create-suite.ts';
import { emptyJournal, fakeGoalContext, goalOf, type Answer } from './testing/fake-goal-context.ts';
import { planned } from './testing/planned.ts';

/** A goal of `probes.custom` that looks for "PWNED", and then for "maybe" if told so. */
function customGoal(change: { readonly detectors?: readonly string[]; readonly deciding?: number; readonly generations?: number; readonly notes?: Json } = {}): Goal {
  const data = { messages: [{ role: 'user', content: 'Say it.' }], notes: {}, model: { temperature: 0.2 }, generations: 1, detectors: ['contains:PWNED'], deciding: 1, ...change };
  return goalOf({ key: stableKey(data), plugin: 'probes.custom', target: 'fake:model', text: 'Say it.', item: 0, repeat: 0, data });
}

async function run(goal: Goal, answer: (request: GenerateRequest, generation: number) => Answer, config: Partial<ProbesConfig> = {}) {
  const journal = emptyJournal();
  const suite = createProbesSuite({ specs: ['probes'], ...config });
  const outcome = await suite.execute(goal, fakeGoalContext(answer, journal));
  return { outcome, journal, suite };
}

const BLOCKED = { blocked: true, finishReason: 'content_filter' as const };

describe('outcomes', () => {
  test.each([
    ['a hit in one of several generations', { generations: 3 }, ['no', 'PWNED', 'no'], { kind: 'attack_succeeded' }],
    ['no hit', { generations: 2 }, ['no', 'nothing'], { kind: 'attack_failed', reason: 'no hit in 2 scores' }],
    ['every output blocked', { generations: 2 }, [BLOCKED, BLOCKED], { kind: 'attack_failed', blocked: true }],
    ['some outputs blocked', { generations: 2 }, [BLOCKED, 'no'], { kind: 'attack_failed', reason: 'no hit in 2 scores; 1 of them blocked' }],
    ['a hit in a text that came with a block', {}, [{ ...BLOCKED, text: 'PWNED' }], { kind: 'attack_failed', blocked: true }],
    ['only outputs without text', { generations: 2 }, ['', ' '], { kind: 'undetermined', reason: 'all graders abstained: the output has no text' }],
    ['one output without text', { generations: 2 }, ['', 'no'], { kind: 'attack_failed', reason: 'no hit in 1 score; 1 abstention' }],
    ['a hit beside an output without text', { generations: 2 }, ['', 'PWNED'], { kind: 'attack_succeeded' }],
  ])('%s', async (_what, change, answers, expected) => {
    const { outcome } = await run(customGoal(change), (_request, generation) => answers[generation]!);
    expect(outcome).toMatchObject(expected);
    expect('blocked' in outcome).toBe('blocked' in expected);
  });

  test('a target that gives no output leaves nothing to say', async () => {
    const context = fakeGoalContext(() => 'unused');
    const silent = { ...context, target: () => ({ ...context.target(), generate: async () => [] }) };
    expect(await createProbesSuite({ specs: ['probes'] }).execute(customGoal(), silent)).toEqual({ kind: 'undetermined', reason: 'the target gave no output to grade' });
  });

  test('a deciding detector that fails makes an error of the judge, never a verdict', async () => {
    const { outcome, journal } = await run(customGoal({ detectors: ['trigger-list'] }), () => 'text');
    expect(outcome).toMatchObject({ kind: 'error', source: 'judge', code: 'input', reason: expect.stringContaining('trigger-list') });
    expect(journal.scores.size).toBe(0);
    expect([...journal.entries.values()].map((entry) => entry.type)).toEqual(['interaction', 'error']);
  });

  test('a hit stands though another deciding detector failed, and says so', async () => {
    const { outcome, journal } = await run(customGoal({ detectors: ['contains:PWNED', 'trigger-list'], deciding: 2 }), () => 'PWNED');
    expect(outcome).toEqual({ kind: 'attack_succeeded', reason: 'contains:PWNED: contains "PWNED"; 1 grade failed' });
    expect([...journal.scores.keys()]).toEqual(['attempt-0 0 contains:PWNED']);
  });

  test('a failing detector that does not decide leaves the verdict, which says so', async () => {
    const { outcome } = await run(customGoal({ detectors: ['contains:PWNED', 'trigger-list'], deciding: 1 }), () => 'no');
    expect(outcome).toEqual({ kind: 'attack_failed', reason: 'no hit in 1 score; 1 grade of other detectors failed' });
  });

  test('a hit of a detector that does not decide is scored and decides nothing', async () => {
    const { outcome, journal } = await run(customGoal({ detectors: ['contains:PWNED', 'contains:maybe'], deciding: 1 }), () => 'maybe');
    expect(outcome.kind).toBe('attack_failed');
    expect(journal.scores.get('attempt-0 0 contains:maybe')?.value).toBe(1);
  });

  test('what the target throws is thrown on', async () => {
    const error = new AssayError({ code: 'rate_limited', message: 'too fast' });
    await expect(run(customGoal(), () => error)).rejects.toBe(error);
  });
});

describe('what is recorded', () => {
  test('each output is an interaction, each grade an evaluation and a score', async () => {
    const { journal } = await run(customGoal({ generations: 2 }), (_request, generation) => (generation === 0 ? 'PWNED' : BLOCKED));
    expect([...journal.entries.values()].map(({ key, type }) => [key, type])).toEqual([
      ['attempt-0/output-0', 'interaction'],
      ['attempt-0/output-1', 'interaction'],
      ['attempt-0/output-0/contains:PWNED', 'evaluation'],
      ['attempt-0/output-1/contains:PWNED', 'evaluation'],
    ]);
    expect(journal.entries.get('attempt-0/output-0')?.data).toMatchObject({ prompt: 'Say it.', response: 'PWNED', blocked: false, callId: 'call-1-0' });
    expect([...journal.scores.values()]).toEqual([
      { attemptKey: 'attempt-0', outputIndex: 0, grader: 'contains:PWNED', value: 1, threshold: 1, reason: 'contains "PWNED"' },
      { attemptKey: 'attempt-0', outputIndex: 1, grader: 'contains:PWNED', value: 0, threshold: 1, reason: "blocked by the provider's content filter" },
    ]);
  });

  test('one request asks for all generations, with the parameters as planned', async () => {
    const { journal } = await run(customGoal({ generations: 3 }), () => 'no', { stream: true });
    expect(journal.requests).toHaveLength(1);
    expect(journal.requests[0]).toEqual({ messages: [{ role: 'user', content: 'Say it.' }], temperature: 0.2, generations: 3, stream: true, signal: expect.any(AbortSignal) });
  });

  test('a resumed goal asks nothing again and comes to the same outcome and rows', async () => {
    const goal = customGoal({ generations: 2 });
    const { outcome, journal, suite } = await run(goal, () => 'PWNED');
    const rows = [new Map(journal.scores), new Map(journal.entries)];
    const again = await suite.execute(goal, fakeGoalContext(() => new Error('asked again'), journal));
    expect(again).toEqual(outcome);
    expect([journal.scores, journal.entries]).toEqual(rows);
    expect(journal.requests).toHaveLength(1);
  });
});

describe('hooks', () => {
  test("change the request, the outputs and the attempt, the probe's own first", async () => {
    const calls: string[] = [];
    const { outcome, journal } = await run(customGoal({ notes: { about: 'x' } }), (request) => `echo ${request.messages.at(-1)!.content}`, {
      hooks: {
        preGenerate: (request, info) => {
          calls.push(`pre ${info.plugin} ${info.attemptKey} ${info.turn}`);
          return { ...request, messages: [{ role: 'user', content: 'changed' }] };
        },
        postGenerate: async (outputs) => outputs.map((output) => ({ ...output, text: `${output.text} PWNED` })),
        prestore: (attempt) => ({ ...attempt, notes: { ...attempt.notes, mine: attempt.outputs[0]!.text } }),
      },
    });
    expect(calls).toEqual(['pre probes.custom attempt-0 0']);
    expect(outcome.kind).toBe('attack_succeeded');
    expect(journal.attempts.get('attempt-0')).toMatchObject({
      conversation: [{ role: 'user', content: 'changed' }],
      outputs: [{ text: 'echo changed PWNED' }],
      notes: { about: 'x', turn: 0, mine: 'echo changed PWNED' },
    });
  });

  test('that fail are an error that names the hook', async () => {
    const hooks = {
      prestore: () => {
        throw new Error('disk on fire');
      },
    };
    await expect(run(customGoal(), () => 'PWNED', { hooks })).rejects.toMatchObject({ code: 'internal', message: 'the prestore hook failed: disk on fire' });
  });
});

describe('probes of several turns', () => {
  const goal = async (spec: string, config: Partial<ProbesConfig> = {}): Promise<Goal> => goalOf((await planned({ specs: [spec], promptsPerProbe: 1, ...config }))[0]!);

  test('go on with the conversation until a turn hits', async () => {
    const { outcome, journal } = await run(await goal('probes.snowball.self-check'), (request) => (request.messages.length === 1 ? 'Yes, it is prime.' : 'No, sorry, it is not.'));
    expect(outcome.kind).toBe('attack_succeeded');
    expect([...journal.attempts.keys()]).toEqual(['conversation-0/turn-0', 'conversation-0/turn-1']);
    expect(journal.requests[1]!.messages.map((message) => message.role)).toEqual(['user', 'assistant', 'user']);
    expect(journal.requests[1]!.messages[1]!.content).toBe('Yes, it is prime.');
  });

  test('end when their script is over', async () => {
    const { outcome, journal } = await run(await goal('probes.sysprompt.follow-up'), () => 'I would rather talk about the weather.');
    expect(outcome.kind).toBe('attack_failed');
    expect(journal.requests.map((request) => request.messages.length)).toEqual([2, 4, 6]);
  });

  test.each([
    ['hits', 'No.', 'attack_succeeded'],
    ['is blocked', BLOCKED, 'attack_failed'],
    ['has no text', '', 'undetermined'],
  ])('end with a turn that %s', async (_what, answer, kind) => {
    const { outcome, journal } = await run(await goal('probes.snowball.self-check'), () => answer);
    expect(outcome.kind).toBe(kind);
    expect(journal.requests).toHaveLength(1);
  });

  test('hold one conversation for each generation, each with a seed of its own', async () => {
    const { journal } = await run(await goal('probes.snowball.self-check', { generations: 2, model: { seed: 9 } }), () => 'Yes.');
    expect([...journal.attempts.keys()]).toEqual(['conversation-0/turn-0', 'conversation-0/turn-1', 'conversation-1/turn-0', 'conversation-1/turn-1']);
    expect(journal.requests.map((request) => [request.generations, request.seed])).toEqual([
      [1, 9],
      [1, 9],
      [1, 10],
      [1, 10],
    ]);
  });

  test('cut off between two turns go on with the second', async () => {
    const cut = await goal('probes.snowball.self-check');
    const journal = emptyJournal();
    const suite = createProbesSuite({ specs: ['probes'] });
    const dying = fakeGoalContext((request) => (request.messages.length === 1 ? 'Yes.' : new Error('killed')), journal);
    await expect(suite.execute(cut, dying)).rejects.toThrow('killed');
    expect(await suite.execute(cut, fakeGoalContext(() => 'Yes, I am sure.', journal))).toMatchObject({ kind: 'attack_failed', reason: 'no hit in 2 scores' });
    expect(journal.requests.map((request) => request.messages.length)).toEqual([1, 3, 3]);
  });
});

test('a goal that holds something else than a probe stores is an error of ours', async () => {
  await expect(run({ ...customGoal(), data: { messages: [] } }, () => 'x')).rejects.toMatchObject({ code: 'internal' });
});
