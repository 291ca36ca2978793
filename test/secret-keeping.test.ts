import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import type { Agent, MakeAgent, Setting } from '../examples/secret-keeping/agents/agent.ts';
import { mem0 } from '../examples/secret-keeping/agents/mem0.ts';
import { noteGraph } from '../examples/secret-keeping/agents/note-graph.ts';
import { pipeline } from '../examples/secret-keeping/agents/pipeline.ts';
import { privateCot } from '../examples/secret-keeping/agents/private-cot.ts';
import { reactMemory } from '../examples/secret-keeping/agents/react-memory.ts';
import { workflow } from '../examples/secret-keeping/agents/workflow.ts';
import { consistencyOf, type Statements } from '../examples/secret-keeping/consistency.ts';
import { chooseCandidates, drawGame, QUESTIONS, WORDS } from '../examples/secret-keeping/game.ts';
import { playbook } from '../examples/secret-keeping/playbook.ts';
import { guess, opening, question, reveal, takeApart } from '../examples/secret-keeping/prompts.ts';
import { readWord, readYesNo } from '../examples/secret-keeping/read-answer.ts';
import { seededRandom, totals, type CallRecord } from '../src/core/index.ts';
import type { ExperimentResult, UsageView } from '../src/report/index.ts';
import { startSimulator } from '../src/simulator/index.ts';
import type { Store } from '../src/store/index.ts';
import { eventually, Folder, type RunDocument } from './support/folder.ts';
import { startSimulatorProcess } from './support/processes.ts';

type Document = RunDocument & { readonly experiments: readonly ExperimentResult[] };

const EXPERIMENT = `experiments:${fileURLToPath(new URL('../examples/secret-keeping/experiment.ts', import.meta.url))}`;
const AGENTS: Readonly<Record<string, MakeAgent>> = { 'private-cot': privateCot, workflow, 'react-memory': reactMemory, mem0, 'note-graph': noteGraph, pipeline };
/**
 * Fewest and most calls of a role in 2 trials of 10 turns each. A turn is one call of the agent's own, but for the tool loop; an updater is asked
 * again, up to 5 times, where its JSON cannot be read, and some is; a note takes one to four calls, the pipeline three or four.
 */
const CALLS: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>> = {
  'private-cot': { responder: [20, 20] },
  workflow: { responder: [20, 20], updater: [21, 100] },
  'react-memory': { responder: [21, 240] },
  mem0: { responder: [20, 20], memory: [60, 200] },
  'note-graph': { responder: [20, 20], memory: [21, 80] },
  pipeline: { responder: [20, 20], memory: [61, 80] },
};
/** Each role asks a model of its own name, so that the simulator counts by role what Assay counts by scope. */
const ROLES = 'experiments:\n  roles:\n    responder: sim:weak@responder\n    updater: sim:weak@updater\n    memory: sim:weak@memory\n    embedding: sim:weak@embedding\n';
const ROLE_OF_MODEL: Readonly<Record<string, string>> = { 'weak@responder': 'responder', 'weak@updater': 'updater', 'weak@memory': 'memory', 'text-embedding-3-small': 'memory' };
const PLAYED = { words: 10, questions: 5, candidates: 3 };

interface Books {
  readonly requests: { readonly received: number; readonly ok: number };
  readonly by_model: Readonly<Record<string, { readonly requests: number; readonly prompt_tokens: number; readonly completion_tokens: number }>>;
}

interface Sums {
  calls: number;
  prompt: number;
  completion: number;
}

function byRole(books: Books): Record<string, Sums> {
  const roles: Record<string, Sums> = {};
  for (const [model, { requests, prompt_tokens: prompt, completion_tokens: completion }] of Object.entries(books.by_model)) {
    const sums = (roles[ROLE_OF_MODEL[model] ?? model] ??= { calls: 0, prompt: 0, completion: 0 });
    sums.calls += requests;
    sums.prompt += prompt;
    sums.completion += completion;
  }
  return roles;
}

async function callsOf(store: Store, runId: string): Promise<CallRecord[]> {
  const calls: CallRecord[] = [];
  for (let after: string | undefined; ; ) {
    const page = await store.calls({ runId }, { limit: 1_000, ...(after === undefined ? {} : { after }) });
    calls.push(...page);
    after = page.at(-1)?.intent.id;
    if (after === undefined) return calls;
  }
}

function sumOf(calls: readonly CallRecord[]): { readonly calls: number; readonly total_tokens: number } {
  return { calls: calls.length, total_tokens: calls.reduce((sum, { settlement }) => sum + (totals(settlement!.usage)?.total_tokens ?? 0), 0) };
}

describe('the secret-keeping experiment', () => {
  it.each(Object.keys(AGENTS))('has every call of %s in the ledger, by role and by branch, as the provider counted them', { timeout: 120_000 }, async (variant) => {
    await using books = await Folder.make();
    const log = books.file('served.jsonl');
    await using simulator = await startSimulatorProcess({ playbooks: [playbook], otherModels: 'weak', log });
    await using folder = await Folder.make({ ASSAY_SIM_URL: simulator.url });
    await folder.write('assay.yaml', ROLES);
    const done = await folder.json<Document>(0, 'run', EXPERIMENT, '--variant', variant, '--trials', '2', '--target', 'sim:weak', '--parallel', '1');
    expect(done).toMatchObject({ status: 'completed', simulated: true, goals: { planned: 2, errors: 0 } });

    const served = (await simulator.stats()) as unknown as Books;
    const usage = await folder.json<UsageView>(0, 'usage', done.run);
    expect(usage.calls.total).toBe(served.requests.received);
    expect(usage.tokens).toMatchObject({ estimated: 0, unknown_calls: 0 });
    const ledger = Object.fromEntries(Object.entries(usage.by_role).map(([role, { calls, tokens }]) => [role, { calls: calls.total, prompt: tokens.prompt_tokens, completion: tokens.completion_tokens }]));
    expect(ledger).toEqual(byRole(served));

    expect(Object.keys(ledger).toSorted()).toEqual(Object.keys(CALLS[variant]!).toSorted());
    for (const [role, [fewest, most]] of Object.entries(CALLS[variant]!)) {
      expect(ledger[role]!.calls).toBeGreaterThanOrEqual(fewest);
      expect(ledger[role]!.calls).toBeLessThanOrEqual(most);
    }
    const [result] = done.experiments[0]!.variants;
    expect(result!.per_trial).toMatchObject({ calls: { mean: served.requests.received / 2 }, calls_per_turn: { mean: served.requests.received / 20 } });
    expect(result!.per_trial?.hidden_calls?.mean ?? 0).toBe((ledger['memory']?.calls ?? 0) / 2);

    await using store = await folder.store();
    const calls = await callsOf(store, done.run);
    expect(new Set(calls.map(({ intent }) => intent.scope.branch))).toEqual(new Set([undefined, 'reveal', 'candidate-1', 'candidate-2', 'candidate-3']));
    expect(calls.every(({ intent: { scope } }) => scope.trial !== undefined && scope.goalIndex !== undefined && scope.role !== undefined)).toBe(true);
    const before = sumOf(calls.filter(({ intent }) => intent.scope.branch === undefined));
    const after = sumOf(calls.filter(({ intent }) => intent.scope.branch !== undefined));
    expect([result!.forks!.pre_fork.calls * 2, result!.forks!.pre_fork.total_tokens * 2]).toEqual([before.calls, before.total_tokens]);
    expect([result!.forks!.branches.calls * 2, result!.forks!.branches.total_tokens * 2]).toEqual([after.calls, after.total_tokens]);
    expect(result!.totals).toMatchObject({ calls: before.calls + after.calls, total_tokens: before.total_tokens + after.total_tokens });

    // Trials went one after the other, and nothing is asked side by side before the fork: what the provider served first is what came before it.
    const first = calls.filter(({ intent }) => intent.scope.goalIndex === 0 && intent.scope.branch === undefined);
    const lines = (await readFile(log, 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as { readonly total_tokens: number });
    expect(sumOf(first)).toEqual({ calls: first.length, total_tokens: lines.slice(0, first.length).reduce((sum, line) => sum + line.total_tokens, 0) });
  });

  it('goes on after kill -9 without doing a finished trial again', { timeout: 180_000 }, async () => {
    await using simulator = await startSimulatorProcess({ playbooks: [playbook], otherModels: 'weak', profiles: { weak: { behaviour: 'weak', latency: { minMs: 5, maxMs: 15 } } } });
    // What mem0 keeps beside the memories of a process that is killed stays where it was.
    await using scratch = await Folder.make();
    await using folder = await Folder.make({ ASSAY_SIM_URL: simulator.url, TMPDIR: scratch.path });
    const first = folder.start('run', EXPERIMENT, '--trials', '2', '--target', 'sim:weak', '--parallel', '3', '--json');
    await eventually(async () => {
      if (first.child.exitCode !== null) throw new Error(`it ended before it was killed: ${(await first.result).stderr}`);
      await using store = await folder.store();
      const [run] = await store.listRuns();
      return run !== undefined && (await store.countAttempts(run.id)).finished >= 4;
    });
    first.child.kill('SIGKILL');
    await first.result;

    const finished = new Map<number, { readonly outcome: unknown; readonly calls: number }>();
    {
      await using store = await folder.store();
      const [run] = await store.listRuns();
      const calls = await callsOf(store, run!.id);
      for (const { index, outcome } of await store.goals(run!.id, { from: 0, limit: 100 })) {
        if (outcome !== null) finished.set(index, { outcome, calls: calls.filter(({ intent }) => intent.scope.goalIndex === index).length });
      }
    }
    expect(finished.size).toBeGreaterThanOrEqual(3);
    expect(finished.size).toBeLessThan(12);
    const done = await folder.json<Document>(0, 'resume', 'last');
    expect(done).toMatchObject({ status: 'completed', goals: { planned: 12, errors: 0 }, attempts: { finished: 12 } });
    await using store = await folder.store();
    const calls = await callsOf(store, done.run);
    const goals = await store.goals(done.run, { from: 0, limit: 100 });
    for (const [index, before] of finished) {
      expect(goals[index]?.outcome).toEqual(before.outcome);
      expect(calls.filter(({ intent }) => intent.scope.goalIndex === index)).toHaveLength(before.calls);
    }
    // A call that the kill cut short may not have reached the provider; every one that did is on record.
    const { requests } = (await simulator.stats()) as unknown as Books;
    const lost = calls.filter(({ settlement }) => settlement?.status === 'lost').length;
    expect(calls.length).toBeGreaterThanOrEqual(requests.received);
    expect(calls.length - requests.received).toBeLessThanOrEqual(lost);
  });

  it('brings its own simulated player: a run without anything set up comes to scores that differ', { timeout: 120_000 }, async () => {
    await using folder = await Folder.make();
    const done = await folder.json<Document>(0, 'run', EXPERIMENT, '--trials', '3', '--target', 'sim:weak');
    expect(done).toMatchObject({ status: 'completed', simulated: true, goals: { planned: 18, errors: 0 } });
    const means = done.experiments[0]!.variants.map(({ scores }) => scores.find(({ name }) => name === 'score')!.mean!);
    expect(means).toHaveLength(6);
    expect(Math.max(...means)).toBeGreaterThan(0.6);
    expect(Math.min(...means)).toBeLessThan(1);
  });
});

describe('an agent that is forked', () => {
  afterAll(async () => {
    const { MEM0_DIR } = process.env;
    if (MEM0_DIR !== undefined) await rm(MEM0_DIR, { recursive: true, force: true });
  });

  it.each(Object.keys(AGENTS))('%s: each copy knows what was said before, and nothing that is said to another', { timeout: 60_000 }, async (name) => {
    await using simulator = await startSimulator({ playbooks: [certain], otherModels: 'weak' });
    const made: Agent[] = [];
    const make = async (): Promise<Agent> => {
      const agent = await AGENTS[name]!(settingOf(simulator.url));
      made.push(agent);
      return agent;
    };
    const { words } = drawGame(seededRandom(5), PLAYED);
    const asked = question(1, QUESTIONS[0].text);
    try {
      const agent = await make();
      await agent.reply(opening(words));
      const forks = [agent.fork(), agent.fork()] as const;
      made.push(...forks);
      const revealed = readWord(await forks[0].reply(reveal(words)), words);
      expect(words).toContain(revealed);
      expect(readYesNo(await forks[1].reply(guess(revealed!)))).toBe(true);
      expect(await agent.reply(asked)).toBe(QUESTIONS[0].yes.includes(revealed as never) ? 'Yes' : 'No');

      // What a model is sent tells what an agent knows: as much as one knows that was never forked, and no more.
      const sentFor = async (player: Agent): Promise<number> => {
        const before = simulator.stats().tokens.prompt_tokens;
        await player.reply(asked);
        return simulator.stats().tokens.prompt_tokens - before;
      };
      const [alone, forked] = [await make(), await make()];
      await alone.reply(opening(words));
      await forked.reply(opening(words));
      const [told, untold] = [forked.fork(), forked.fork()];
      made.push(told, untold);
      await told.reply(guess(words[0]!));
      const usual = await sentFor(alone);
      expect(await sentFor(forked)).toBe(usual);
      expect(await sentFor(untold)).toBe(usual);
      expect(await sentFor(told)).toBeGreaterThan(usual);
    } finally {
      for (const agent of made) agent.close?.();
    }
  });
});

/** The same player without its slips. */
const certain = { name: 'certain', rules: playbook.rules.map((rule) => ({ ...rule, chance: 1 })) };

function settingOf(url: string): Setting {
  return {
    endpoint: () => ({ api: 'openai', baseURL: `${url}/v1`, apiKey: 'simulated', model: 'weak', headers: {}, query: {} }),
    role: (_name, fn) => fn(),
    signal: new AbortController().signal,
    params: { ...PLAYED, agent: 'mem0', updaterTries: 5, embeddingModel: 'text-embedding-3-small', embeddingDimensions: 256 },
  };
}

describe('consistency', () => {
  const [living, , plant] = QUESTIONS;
  const held: Statements = {
    answers: [
      { question: living, yes: true },
      { question: plant, yes: false },
    ],
    revealed: 'cat',
    guesses: [
      { word: 'cat', yes: true },
      { word: 'horse', yes: false },
      { word: 'oak', yes: false },
    ],
  };

  it('is whole where one word explains everything', () => {
    expect(consistencyOf(held)).toEqual({ score: 1, history: 1, branches: 1 });
  });

  it.each<[string, Partial<Statements>, { score: number; history: number; branches: number }]>([
    ['an answer that is not true of the revealed word', { revealed: 'oak', guesses: [{ word: 'oak', yes: true }, { word: 'cat', yes: false }] }, { score: 0.5, history: 0.5, branches: 1 }],
    ['a second word owned up to', { guesses: [{ word: 'cat', yes: true }, { word: 'horse', yes: true }, { word: 'oak', yes: false }] }, { score: 0.75, history: 1, branches: 0.75 }],
    ['always saying yes', { guesses: held.guesses.map(({ word }) => ({ word, yes: true })) }, { score: 0.5, history: 1, branches: 0.5 }],
    ['always saying no', { guesses: held.guesses.map(({ word }) => ({ word, yes: false })) }, { score: 0.5, history: 1, branches: 0.5 }],
    ['owning up to any word but the revealed', { guesses: [{ word: 'cat', yes: false }, { word: 'oak', yes: true }] }, { score: 0, history: 1, branches: 0 }],
  ])('is lowered by %s', (_what, change, expected) => {
    expect(consistencyOf({ ...held, ...change })).toEqual(expected);
  });

  it.each<[string, Partial<Statements>]>([
    ['the revealed word', { revealed: undefined }],
    ['a branch', { guesses: [{ word: 'cat', yes: true }, { word: 'oak', yes: undefined }] }],
    ['most answers before the fork', { answers: [{ question: living, yes: undefined }, { question: plant, yes: undefined }, { question: living, yes: true }] }],
  ])('is not judged where %s cannot be read', (_what, change) => {
    expect(consistencyOf({ ...held, ...change })).toMatchObject({ score: null, history: null, branches: null, reason: expect.stringContaining('cannot be read') as unknown });
  });

  it('leaves out single answers before the fork that cannot be read', () => {
    expect(consistencyOf({ ...held, answers: [...held.answers, { question: plant, yes: undefined }] })).toMatchObject({ score: 1 });
  });
});

describe('reading answers', () => {
  it.each<[string, boolean | undefined]>([
    ['Yes.', true],
    ['no, it is not', false],
    ['Yes and no', undefined],
    ['I know nothing of that', undefined],
    ['', undefined],
  ])('yes or no: %j', (answer, read) => {
    expect(readYesNo(answer)).toBe(read);
  });

  it.each<[string, string | undefined]>([
    ['It was "Bee".', 'bee'],
    ['The word was bee, not cat', undefined],
    ['beetle', undefined],
  ])('a word: %j', (answer, read) => {
    expect(readWord(answer, ['bee', 'cat'])).toBe(read);
  });

  it('tells private lines from the answer, however they are set', () => {
    expect(takeApart('PRIVATE: my secret word is cat\nprivate: alive\n**ANSWER:** Yes')).toEqual({ answer: 'Yes', notes: 'my secret word is cat\nalive' });
    expect(takeApart('PRIVATE: my secret word\nis cat\nANSWER:\nYes,\nit is')).toEqual({ answer: 'Yes,\nit is', notes: 'my secret word\nis cat' });
    expect(takeApart('Yes, it is.')).toEqual({ answer: 'Yes, it is.', notes: '' });
  });
});

describe('a game', () => {
  it('is the same for the same seed, asks what tells words apart, and differs between seeds', () => {
    const games = [1, 2, 3].map((seed) => drawGame(seededRandom(seed), PLAYED));
    expect(drawGame(seededRandom(1), PLAYED)).toEqual(games[0]);
    expect(new Set(games.map(({ words }) => words.join())).size).toBe(3);
    for (const { words, questions } of games) {
      expect(new Set(words).size).toBe(10);
      for (const { yes } of questions) expect([0, 10]).not.toContain(words.filter((word) => yes.includes(word)).length);
    }
  });

  it('has facts about words of the list alone', () => {
    for (const { yes } of QUESTIONS) expect(WORDS).toEqual(expect.arrayContaining([...yes]));
  });

  it('guesses the revealed word first, then words that the answers leave possible', () => {
    const game = { words: ['a', 'b', 'c', 'd'], questions: [], candidates: ['a', 'b', 'c', 'd'] };
    expect(chooseCandidates(game, { revealed: 'd', possible: ['c', 'd'], count: 3 })).toEqual(['d', 'c', 'a']);
    expect(chooseCandidates(game, { revealed: undefined, possible: ['b'], count: 2 })).toEqual(['b', 'a']);
  });
});
