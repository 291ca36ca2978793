import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallFate, CallRecord, Run } from '../src/core/index.ts';
import { llmUsage, TRUNK, type UsageSums } from '../src/ledger/index.ts';
import type { CallSums, Store } from '../src/store/index.ts';
import { Folder } from './support/folder.ts';
import type { Way } from './support/trial-plan.ts';
import type { ProgramResult } from './support/trial-program.ts';
import type { ServedSums } from './support/trial-server.ts';

const TRIALS = 1_000;
const CALLS = 20;
const SEED = 7;

const support = (file: string): string => fileURLToPath(new URL(`support/${file}`, import.meta.url));

/** No limit of these binds; with a rate given, the number in flight does not have to be found out first. */
const CONFIG = 'deployments:\n  "*": { rpm: 100000000, concurrency: 400 }\n';

/** What the ledger may say of a call that went so. An answer that said its usage is whole, whatever became of its connection. */
const FATES: Readonly<Record<Way, readonly CallFate[]>> = {
  answer: ['ok'],
  silent: ['ok'],
  quiet: ['ok'],
  refuse: ['http_error'],
  limit: ['rate_limited'],
  'refuse-again': ['http_error'],
  'limit-again': ['rate_limited'],
  cut: ['cut'],
  'cut-late': ['ok'],
  hang: ['aborted'],
  leave: ['aborted'],
  'leave-late': ['ok'],
  gone: ['aborted', 'ok'],
};

interface Sums {
  calls: number;
  retries: number;
  prompt: number;
  completion: number;
  reasoning: number | null;
  fates: Partial<Record<CallFate, number>>;
}

/** 1,000 trials at once in a program that Assay watches, against a provider that keeps its own books. */
describe('a thousand concurrent trials', () => {
  let folder: Folder;
  let store: Store & AsyncDisposable;
  let run: Run;
  let program: ProgramResult;
  let served: readonly ServedSums[];
  let rows: readonly CallRecord[];

  beforeAll(async () => {
    folder = await Folder.make();
    await folder.write('assay.yaml', CONFIG);
    const server = spawn(process.execPath, [support('trial-server.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(server, 'exit');
    try {
      const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
      const { url } = JSON.parse(line) as { url: string };
      program = await runProgram(url, folder.path);
      served = (await (await fetch(`${url}/books`)).json()) as ServedSums[];
    } finally {
      server.stdin.end();
      await ended;
    }
    store = await folder.store();
    run = await store.findRun('last');
    const all: CallRecord[] = [];
    for (let page = await store.calls({ runId: run.id }, { limit: 5_000 }); page.length > 0; page = await store.calls({ runId: run.id }, { limit: 5_000, after: all.at(-1)!.intent.id })) all.push(...page);
    rows = all;
  }, 400_000);

  afterAll(async () => {
    await store[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const certain = (name: string): boolean => name.startsWith('trial-');

  it('went for their callers as without a meter', () => {
    expect(program.surprises).toEqual([]);
    expect(program.trials.filter(({ name }) => certain(name))).toHaveLength(TRIALS);
    expect(run).toMatchObject({ status: 'completed', suites: ['experiments'] });
  });

  it('are in the ledger call for call: by trial, branch, role, phase and model, with the tokens that were served', () => {
    const theirs = new Map<string, Sums>();
    for (const sums of served.filter(({ trial }) => certain(trial))) {
      const fates: Sums['fates'] = {};
      for (const [way, count] of Object.entries(sums.ways) as [Way, number][]) {
        const [fate] = FATES[way] as [CallFate];
        fates[fate] = (fates[fate] ?? 0) + count;
      }
      theirs.set(keyOf(sums), { calls: sums.calls, retries: sums.retries, prompt: sums.prompt, completion: sums.completion, reasoning: sums.reasoning, fates });
    }
    const ours = sumRows(rows.filter(({ intent }) => certain(intent.scope.trial ?? '')));
    expect(differences(ours, theirs)).toEqual([]);
    expect(ours.size).toBeGreaterThan(TRIALS * 10);
    expect([...ours.values()].reduce((sum, { calls }) => sum + calls, 0)).toBeGreaterThanOrEqual(TRIALS * CALLS);
  });

  it('had every kind of trouble', () => {
    const { gone: _gone, ...troubles } = FATES;
    for (const way of Object.keys(troubles) as Way[]) expect(served.reduce((sum, { ways }) => sum + (ways[way] ?? 0), 0), way).toBeGreaterThan(100);
    expect(rows.filter(({ intent }) => intent.retry > 0).length).toBeGreaterThan(500);
    expect(new Set(rows.map(({ intent }) => intent.scope.branch?.split('/').length ?? 0))).toEqual(new Set([0, 1, 2, 3]));
  });

  it.each(['trial', 'branch', 'role', 'phase'] as const)('sum by %s in the store to what each was served', async (grouping) => {
    const ours = await store.sumCalls({ runId: run.id }, grouping);
    const theirs = new Map<string, { calls: number; prompt: number; completion: number }>();
    for (const sums of served.filter(({ trial }) => certain(trial))) {
      const group = sums[grouping] === '' ? 'unattributed' : sums[grouping];
      const sum = theirs.get(group) ?? { calls: 0, prompt: 0, completion: 0 };
      theirs.set(group, { calls: sum.calls + sums.calls, prompt: sum.prompt + sums.prompt, completion: sum.completion + sums.completion });
    }
    const gone = grouping === 'trial' ? undefined : goneBy(grouping);
    const silent = silentBy(grouping);
    for (const [group, sums] of theirs) {
      const found = ours.get(group)!;
      const apart = { calls: (gone?.get(group)?.calls ?? 0), prompt: (gone?.get(group)?.prompt ?? 0) + (silent.get(group)?.prompt ?? 0), completion: (gone?.get(group)?.completion ?? 0) + (silent.get(group)?.completion ?? 0) };
      expect({ group, calls: found.calls.total - apart.calls, prompt: found.prompt_tokens - apart.prompt, completion: found.completion_tokens - apart.completion }).toEqual({ group, ...sums });
    }
  });

  /** Sums of what is not in the provider's books, from the rows. */
  function sumsOf(grouping: 'trial' | 'branch' | 'role' | 'phase', keep: (row: CallRecord) => boolean): Map<string, { calls: number; prompt: number; completion: number }> {
    const groups = new Map<string, { calls: number; prompt: number; completion: number }>();
    for (const row of rows.filter(keep)) {
      const group = row.intent.scope[grouping] ?? 'unattributed';
      const sum = groups.get(group) ?? { calls: 0, prompt: 0, completion: 0 };
      const { inputFresh = 0, outputText = 0, reasoning = 0 } = row.settlement!.usage;
      groups.set(group, { calls: sum.calls + 1, prompt: sum.prompt + inputFresh, completion: sum.completion + outputText + reasoning });
    }
    return groups;
  }
  const goneBy = (grouping: 'branch' | 'role' | 'phase') => sumsOf(grouping, ({ intent }) => !certain(intent.scope.trial!));
  const silentBy = (grouping: 'trial' | 'branch' | 'role' | 'phase') => sumsOf(grouping, ({ intent, settlement }) => certain(intent.scope.trial!) && settlement!.usage.source === 'estimated');

  it('leave no call unattributed, in flight, or charged elsewhere', async () => {
    expect(rows.filter(({ intent }) => intent.scope.trial === undefined)).toEqual([]);
    expect(rows.filter(({ settlement }) => settlement === null)).toEqual([]);
    expect((await store.sumCalls({ runId: run.id }, 'trial')).has('unattributed')).toBe(false);
    expect(await store.calls({ runId: null }, { limit: 1 })).toEqual([]);
    expect(new Set(rows.map(({ intent }) => intent.via))).toEqual(new Set(['undici']));
  });

  it('estimate answers without usage, and make up nothing for calls that never said theirs', () => {
    const known = rows.filter(({ intent }) => certain(intent.scope.trial!));
    const silent = served.reduce((sum, { ways }) => sum + (ways.silent ?? 0), 0);
    expect(known.filter(({ settlement }) => settlement!.usage.source === 'estimated')).toHaveLength(silent);
    const without: readonly Way[] = ['refuse', 'limit', 'refuse-again', 'limit-again', 'cut', 'hang', 'leave'];
    const unknown = served.filter(({ trial }) => certain(trial)).reduce((sum, { ways }) => sum + without.reduce((each, way) => each + (ways[way] ?? 0), 0), 0);
    expect(known.filter(({ settlement }) => settlement!.usage.source === 'unknown')).toHaveLength(unknown);
  });

  it('have a row for every call that was aborted as soon as it was made, if the provider saw it, and none twice', () => {
    const gone = rows.filter(({ intent }) => intent.scope.trial!.startsWith('gone-'));
    const seen = served.filter(({ trial }) => trial.startsWith('gone-')).reduce((sum, { calls }) => sum + calls, 0);
    expect(gone.length).toBeGreaterThanOrEqual(seen);
    expect(gone.length).toBeLessThanOrEqual((TRIALS / 50) * CALLS);
    for (const { settlement } of gone) expect(FATES.gone).toContain(settlement!.status);
  });

  it('are told to their trackers as the ledger has them, branches and what came before them included', async () => {
    const told = new Map(program.trials.flatMap(({ name, usage }) => Object.entries(usage.by_branch).map(([path, sums]) => [`${name} ${path}`, sums] as const)));
    const recorded = new Map((await store.sumBranches({ runId: run.id })).map(({ trial, branch, own, inclusive, preFork }) => [`${trial} ${branch ?? TRUNK}`, { own: shown(own), inclusive: shown(inclusive), pre_fork: preFork === null ? null : shown(preFork) }]));
    expect(differences(told, recorded)).toEqual([]);
    for (const { name, usage } of program.trials.filter((_trial, index) => index % 50 === 0)) expect(await llmUsage(store, { runId: run.id, trial: name })).toEqual(usage);
  });

  it('are told to the process as the ledger has them', async () => {
    expect(program.usage).toEqual(await llmUsage(store, { runId: run.id }));
  });

  it('put what had ended when a branch was first forked before it, and nothing else', () => {
    const wrong: object[] = [];
    let known = 0;
    for (const { name, usage, preForkCalls } of program.trials) {
      for (const [path, calls] of Object.entries(preForkCalls)) {
        known++;
        const found = usage.by_branch[path]?.pre_fork?.calls;
        if (found !== calls) wrong.push({ name, path, calls, found });
      }
    }
    expect(wrong).toEqual([]);
    expect(known).toBeGreaterThan(1_000);
  });

  it('have inclusive sums that are those of their branches, up to the whole trial', () => {
    for (const { usage } of program.trials) {
      expect(usage.by_branch[TRUNK]?.inclusive.calls ?? 0).toBe(usage.total_calls);
      expect(Object.values(usage.by_branch).reduce((sum, { own }) => sum + own.total_tokens, 0)).toBe(usage.total_tokens);
      expect(Object.values(usage.by_role).reduce((sum, { calls }) => sum + calls, 0)).toBe(usage.total_calls);
    }
  });
});

async function runProgram(url: string, cwd: string): Promise<ProgramResult> {
  const child = spawn(process.execPath, [support('trial-program.ts'), url, String(SEED), String(TRIALS), String(CALLS)], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close') as Promise<[number | null]>]);
  if (code !== 0 || stderr !== '') throw new Error(`the program ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as ProgramResult;
}

function shown({ calls, estimated, unknown_calls, prompt_tokens, completion_tokens, reasoning_tokens, total_tokens }: CallSums): UsageSums {
  return { calls: calls.total, failed_calls: calls.total - calls.ok - calls.blocked, prompt_tokens, completion_tokens, reasoning_tokens, total_tokens, unknown_calls, estimated_calls: estimated };
}

function keyOf({ trial, branch, role, phase, model }: Pick<ServedSums, 'trial' | 'branch' | 'role' | 'phase' | 'model'>): string {
  return JSON.stringify([trial, branch, role, phase, model]);
}

/** Tokens of answers that said what they used. */
function sumRows(rows: readonly CallRecord[]): Map<string, Sums> {
  const groups = new Map<string, Sums>();
  for (const { intent, settlement } of rows) {
    const { trial = '', branch = '', role = '', phase = '' } = intent.scope;
    const key = keyOf({ trial, branch, role, phase, model: intent.modelAsked! });
    let sums = groups.get(key);
    if (sums === undefined) groups.set(key, (sums = { calls: 0, retries: 0, prompt: 0, completion: 0, reasoning: null, fates: {} }));
    const { status, usage } = settlement!;
    sums.calls++;
    sums.fates[status] = (sums.fates[status] ?? 0) + 1;
    if (intent.retry > 0) sums.retries++;
    if (usage.source !== 'reported') continue;
    sums.prompt += usage.inputFresh ?? 0;
    sums.completion += (usage.outputText ?? 0) + (usage.reasoning ?? 0);
    if (usage.reasoning !== undefined) sums.reasoning = (sums.reasoning ?? 0) + usage.reasoning;
  }
  return groups;
}

/** Where two maps differ; the first few, so that a failure can be read. */
function differences<T>(ours: ReadonlyMap<string, T>, theirs: ReadonlyMap<string, T>): object[] {
  const found: object[] = [];
  for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
    const [our, their] = [ours.get(key), theirs.get(key)];
    try {
      expect(our).toEqual(their);
    } catch {
      found.push({ key, ours: our, theirs: their });
    }
    if (found.length === 5) break;
  }
  return found;
}
