import { mkdir, readFile, symlink } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Goal } from '../src/core/index.ts';
import type { ExperimentResult, UsageView } from '../src/report/index.ts';
import { eventually, Folder, type RunDocument } from './support/folder.ts';
import { startOpenAiServer } from './support/openai-server.ts';
import { startSimulatorProcess } from './support/processes.ts';

type Document = RunDocument & { readonly experiments?: readonly ExperimentResult[] };
interface Failure {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null };
}

/** A folder with the packages of this project at hand, as a user's would have them. */
async function makeFolder(env: Readonly<Record<string, string>> = {}): Promise<Folder> {
  const folder = await Folder.make(env);
  await symlink(fileURLToPath(new URL('../node_modules', import.meta.url)), folder.file('node_modules'));
  return folder;
}

async function goalsOf(folder: Folder, run: string): Promise<Goal[]> {
  await using store = await folder.store();
  return await store.goals(run, { from: 0, limit: 1_000 });
}

async function linesOf(folder: Folder, name: string): Promise<string[]> {
  return (await readFile(folder.file(name), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
}

/** Asks the target, then the same model by the OpenAI SDK and by plain fetch. */
const THREE_WAYS = `
import OpenAI from 'openai';
const ask = (baseURL, model, content) => fetch(baseURL + '/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model, messages: [{ role: 'user', content }] }) });
export default {
  variants: { short: { words: 2 }, long: { words: 20 } },
  threshold: 0.5,
  run: async (ctx) => {
    const say = Array.from({ length: ctx.params.words }, (_, i) => 'word' + ctx.random.integer(1000)).join(' ');
    await ctx.target().generate({ messages: [{ role: 'user', content: say }] });
    const { baseURL, apiKey, model } = ctx.endpoint();
    const client = new OpenAI({ baseURL, apiKey });
    await ctx.role('memory', async () => {
      await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'remember ' + say }] });
      for await (const _chunk of await client.chat.completions.create({ model, stream: true, messages: [{ role: 'user', content: 'again ' + say }] }));
    });
    await Promise.all(['yes', 'no'].map((name) => ctx.branch(name, async () => (await ask(baseURL, model, name + ' ' + say)).json())));
    return { score: ctx.variant === 'short' ? 1 : 0, notes: { turns: 2, seed: ctx.seed, used: ctx.usage() } };
  },
};
`;

describe('trials of a function', () => {
  it('have every call of theirs in the ledger, by whatever library: equal to what the provider served', { timeout: 60_000 }, async () => {
    await using simulator = await startSimulatorProcess({ profiles: { echo: { behaviour: 'echo' } } });
    await using folder = await makeFolder({ ASSAY_SIM_URL: simulator.url });
    await folder.write('game.mjs', THREE_WAYS);
    const done = await folder.json<Document>(0, 'run', 'experiments:./game.mjs', '--trials', '6', '--target', 'sim:echo');
    expect(done).toMatchObject({ status: 'completed', simulated: true, goals: { planned: 12, verdicts: 12, errors: 0 } });

    const usage = await folder.json<UsageView>(0, 'usage', done.run);
    const served = (await simulator.stats()) as { readonly requests: Record<string, number>; readonly tokens: Record<string, number> };
    expect(usage.calls).toMatchObject({ total: 60, ok: 60 });
    expect(served.requests).toMatchObject({ received: 60, ok: 60 });
    expect(usage.tokens).toMatchObject({ prompt_tokens: served.tokens['prompt_tokens'], completion_tokens: served.tokens['completion_tokens'], estimated: 0, unknown_calls: 0 });
    expect(Object.keys(usage.by_role).toSorted()).toEqual(['memory', 'target']);
    expect(usage.by_role['memory']?.calls.total).toBe(24);

    const [experiment] = done.experiments!;
    expect(experiment!.variants.map(({ variant, scores, per_trial: used }) => [variant, scores[0]?.mean, used?.calls.mean, used?.hidden_calls?.mean, used?.calls_per_turn?.mean])).toEqual([
      ['short', 1, 5, 2, 2.5],
      ['long', 0, 5, 2, 2.5],
    ]);
    expect(experiment!.variants[0]!.forks).toMatchObject({ trials: 6, pre_fork: { calls: 3 }, branches: { calls: 2 } });
    // 6 pairs that all differ one way.
    expect(experiment!.comparisons.find(({ metric }) => metric === 'score')).toMatchObject({ difference: 1, p: 2 / 64, method: 'paired', n: 6 });
    const total = experiment!.variants.reduce((sum, { totals }) => sum + totals.total_tokens, 0);
    expect(total).toBe(usage.tokens.total_tokens);

    // Each trial saw the same as the ledger, and the same seed as its partner.
    await using store = await folder.store();
    const seeds = new Map<string, number[]>();
    for (const goal of await goalsOf(folder, done.run)) {
      const [attempt] = await store.attempts(done.run, goal.index);
      const { notes, llm_usage: log } = attempt!.notes as unknown as { readonly notes: { readonly seed: number; readonly used: object }; readonly llm_usage: Record<string, unknown> };
      const sums = (await store.sumCalls({ runId: done.run, goalIndex: goal.index }, 'all')).get('all')!;
      expect(log).toMatchObject({ total_calls: 5, failed_calls: 0, total_tokens: sums.total_tokens });
      expect(notes.used).toEqual(log);
      seeds.set(String(goal.repeat), [...(seeds.get(String(goal.repeat)) ?? []), notes.seed]);
    }
    expect([...seeds.values()].every(([one, other]) => one === other)).toBe(true);
    expect(new Set([...seeds.values()].flat()).size).toBe(6);
  });

  it('that are killed go on where they stood: a finished trial or step is not done again', { timeout: 90_000 }, async () => {
    await using simulator = await startSimulatorProcess({ profiles: { echo: { behaviour: 'echo', latency: { minMs: 40, maxMs: 120 } } } });
    await using folder = await makeFolder({ ASSAY_SIM_URL: simulator.url });
    await folder.write(
      'slow.mjs',
      `import { appendFileSync } from 'node:fs';
       export default { variants: ['a', 'b'], run: async (ctx) => {
         const draw = await ctx.step('setup', async () => { appendFileSync('steps.log', ctx.trial + '\\n'); return ctx.random.integer(100); });
         const { baseURL, model } = ctx.endpoint();
         for (const turn of [1, 2, 3]) {
           const answer = await fetch(baseURL + '/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model, messages: [{ role: 'user', content: 'turn ' + turn }] }) });
           await answer.json();
           appendFileSync('turns.log', ctx.trial + '\\n');
         }
         appendFileSync('ends.log', ctx.trial + '\\n');
         return { score: draw / 100, threshold: 0.5 };
       } };`,
    );
    const args = ['experiments:./slow.mjs', '--trials', '10', '--target', 'sim:echo', '--parallel', '4'];
    const first = folder.start('run', ...args, '--json');
    // Killed while a trial is under way that has made calls.
    await eventually(async () => {
      if (first.child.exitCode !== null) throw new Error((await first.result).stderr);
      const ends = (await linesOf(folder, 'ends.log')).length;
      return ends >= 5 && (await linesOf(folder, 'turns.log')).length > 3 * ends;
    });
    first.child.kill('SIGKILL');
    await first.result;

    const before = new Map<string, Goal>();
    {
      await using store = await folder.store();
      const [run] = await store.listRuns();
      for (const goal of await store.goals(run!.id, { from: 0, limit: 100 })) if (goal.outcome !== null) before.set(goal.text, goal);
    }
    expect(before.size).toBeGreaterThan(0);
    expect(before.size).toBeLessThan(20);
    const done = await folder.json<Document>(0, 'resume', 'last');
    expect(done).toMatchObject({ status: 'completed', goals: { planned: 20, verdicts: 20, errors: 0 }, attempts: { finished: 20 } });
    const ends = await linesOf(folder, 'ends.log');
    for (const [trial, goal] of before) {
      expect(ends.filter((line) => line === trial)).toHaveLength(1);
      expect((await goalsOf(folder, done.run)).find(({ text }) => text === trial)?.outcome).toEqual(goal.outcome);
    }
    // A step that was on record when the process died was not taken again; one that was cut short may have been.
    const steps = await linesOf(folder, 'steps.log');
    expect(new Set(steps).size).toBe(20);
    expect(steps.length).toBeLessThanOrEqual(24);
    const [experiment] = done.experiments!;
    const redone = experiment!.variants.reduce((sum, { trials }) => sum + (trials.redone ?? 0), 0);
    expect(redone).toBeGreaterThan(0);
    expect(experiment!.variants.every(({ per_trial: used }) => used?.calls.mean === 3)).toBe(true);
  });

  it('stop at the budget, and what a trial makes of refused calls is no score', { timeout: 60_000 }, async () => {
    await using simulator = await startSimulatorProcess({ profiles: { echo: { behaviour: 'echo' } } });
    await using folder = await makeFolder({ ASSAY_SIM_URL: simulator.url });
    await folder.write(
      'shy.mjs',
      `import OpenAI from 'openai';
       export default { threshold: 1, run: async (ctx) => {
         const { baseURL, apiKey, model } = ctx.endpoint();
         const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
         try {
           for (const turn of [1, 2]) await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'turn ' + turn }] });
           return 1;
         } catch { return 0; }
       } };`,
    );
    const stopped = await folder.json<Document>(3, 'run', 'experiments:./shy.mjs', '--trials', '6', '--target', 'sim:echo', '--max-calls', '7', '--parallel', '2');
    expect(stopped.status).toBe('stopped');
    const outcomes = (await goalsOf(folder, stopped.run)).map(({ outcome }) => outcome?.kind);
    expect(outcomes.filter((kind) => kind === 'passed')).toHaveLength(3);
    expect(outcomes).not.toContain('failed');
    expect((await simulator.stats())['requests']).toMatchObject({ received: 7 });
    const done = await folder.json<Document>(0, 'resume', 'last', '--max-calls', '100');
    expect(done).toMatchObject({ status: 'completed', goals: { planned: 6, verdicts: 6 } });
    expect(done.experiments![0]!.variants[0]!.trials).toMatchObject({ passed: 6, failed: 0 });
  });

  it('stop at the budget also where their calls cannot be held', { timeout: 60_000 }, async () => {
    await using simulator = await startSimulatorProcess({ profiles: { echo: { behaviour: 'echo' } } });
    await using folder = await makeFolder({ ASSAY_SIM_URL: simulator.url });
    await folder.write(
      'plain.mjs',
      `import axios from 'axios';
       export default async (ctx) => {
         const { baseURL, model } = ctx.endpoint();
         await axios.post(baseURL + '/chat/completions', { model, messages: [{ role: 'user', content: 'hello' }] }, { adapter: 'http' });
         return 1;
       };`,
    );
    const stopped = await folder.json<Document>(3, 'run', 'experiments:./plain.mjs', '--trials', '20', '--target', 'sim:echo', '--max-calls', '5', '--parallel', '1');
    expect(stopped).toMatchObject({ status: 'stopped', experiments: [{ variants: [{ totals: { calls: 5 } }] }] });
    expect((await simulator.stats())['requests']).toMatchObject({ received: 5 });
  });

  it('need no target where they make calls of their own, and say so where they ask for one', { timeout: 60_000 }, async () => {
    await using server = await startOpenAiServer(() => ({ text: 'yes' }));
    await using folder = await makeFolder();
    await folder.write(
      'own.mjs',
      `export default async (ctx) => {
         if (ctx.index === 1) ctx.target();
         const answer = await fetch('${server.url}/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }) });
         return (await answer.json()).choices[0].message.content === 'yes' ? 1 : 0;
       };`,
    );
    const done = await folder.json<Document>(0, 'run', 'experiments:./own.mjs', '--trials', '2');
    expect(done.experiments![0]!.variants[0]).toMatchObject({ target: 'none', trials: { undetermined: 1, errors: 1 }, totals: { calls: 1, total_tokens: 20 } });
    const [, asking] = await goalsOf(folder, done.run);
    expect(asking?.outcome).toMatchObject({ kind: 'error', source: 'framework', code: 'config', reason: 'the trial own#1 asks for the target, and the run has none' });
    expect(server.requests).toBe(1);
  });

  it('end in error where they throw: the target’s where a model call failed, with the line where it is their own', { timeout: 60_000 }, async () => {
    const closed = await startOpenAiServer(() => ({ text: 'never' }));
    await closed[Symbol.asyncDispose]();
    await using server = await startOpenAiServer(({ prompt }) => ({ status: prompt === 'bad' ? 400 : 500, text: 'no' }));
    await using folder = await makeFolder();
    const file = await folder.write(
      'wrong.mjs',
      `import OpenAI from 'openai';
import { generate } from './wrapped.mjs';
const client = new OpenAI({ baseURL: '${server.url}', apiKey: 'k', maxRetries: 1 });
const ways = [
  () => client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content: 'bad' }] }),
  (ctx) => generate(ctx),
  () => { throw new TypeError('mine'); },
  async () => 7,
  async () => { throw 'a text'; },
  () => fetch('${closed.url}/chat/completions', { method: 'POST', body: JSON.stringify({ model: 'm', messages: [] }) }),
  () => 0.5,
  () => { void Promise.reject(new Error('stray')); return new Promise((resolve) => setTimeout(() => resolve(1), 20)); },
  () => { setTimeout(() => { throw new Error('thrown in a timer'); }, 1); console.log('printed by an experiment'); return new Promise((resolve) => setTimeout(() => resolve(1), 20)); },
];
export default (ctx) => ways[ctx.index](ctx);
`,
    );
    await folder.write('wrapped.mjs', "export const generate = async (ctx) => { try { return await ctx.target().generate({ messages: [{ role: 'user', content: 'x' }] }); } catch (cause) { throw new Error('wrapped', { cause }); } };\n");
    const result = await folder.cli('run', 'experiments:./wrong.mjs', '--trials', '9', '--target', `compat:${server.url}#m`, '--tries', '1', '--json');
    expect(result.code).toBe(0);
    expect(result.stderr).toContain('an experiment left a promise that failed without anyone to hear of it: stray');
    expect(result.stderr).toContain('an experiment threw where nobody could catch it: thrown in a timer');
    // stdout is the one document's.
    expect(result.stderr).toContain('printed by an experiment');
    const { run, experiments } = JSON.parse(result.stdout) as Document;
    const outcomes = (await goalsOf(folder, run)).map(({ outcome }) => outcome);
    expect(outcomes).toMatchObject([
      { kind: 'error', source: 'target', code: 'call_failed', reason: expect.stringContaining('400') as unknown },
      { kind: 'error', source: 'target', code: 'call_failed' },
      { kind: 'error', source: 'framework', code: 'experiment_failed', reason: `TypeError: mine (${file}:7)` },
      { kind: 'error', source: 'framework', code: 'input', reason: 'the score is 7, which does not lie within 0 and 1' },
      { kind: 'error', source: 'framework', code: 'experiment_failed', reason: expect.stringContaining('a text') as unknown },
      { kind: 'error', source: 'target', code: 'network' },
      { kind: 'undetermined', reason: 'score 0.5, and no threshold says what passes' },
      { kind: 'undetermined' },
      { kind: 'undetermined' },
    ]);
    expect(experiments![0]!.variants[0]!.scores[0]).toMatchObject({ scored: 3, total: 9, mean: 2.5 / 3 });
  });

  it.each([
    ['ends the process while it is loaded', 'process.exit(0);', 3, 'ended the process (process.exit) before the command had ended'],
    ['ends the process in a trial', 'export default () => process.exit(0);', 3, 'ended the process (process.exit) before the command had ended'],
    ['awaits what never comes', 'await new Promise(() => {}); export default () => 1;', 2, 'odd.mjs: cannot load the experiment: its top level awaits something that never happens'],
  ])('are told where a module %s: it must not pass for success', { timeout: 60_000 }, async (_what, source, code, said) => {
    await using folder = await makeFolder();
    await folder.write('odd.mjs', source);
    const result = await folder.cli('run', 'experiments:./odd.mjs', '--trials', '1', '--target', 'sim:echo');
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(said);
  });

  it('that do not end are ended: by their time-out, and by a second Ctrl-C', { timeout: 60_000 }, async () => {
    await using folder = await makeFolder();
    await folder.write('hangs.mjs', `export default { timeoutSeconds: 0.2, run: () => new Promise((resolve) => setTimeout(resolve, 600_000).unref()) };`);
    const late = await folder.json<Document>(3, 'run', 'experiments:./hangs.mjs', '--trials', '1');
    expect((await goalsOf(folder, late.run))[0]?.outcome).toMatchObject({ kind: 'error', code: 'timeout', reason: 'the trial took longer than the 0.2 s that experiments.hangs allows' });

    await folder.write('forever.mjs', `import { writeFileSync } from 'node:fs'; export default () => { writeFileSync('begun', ''); return new Promise(() => setInterval(() => {}, 1_000)); };`);
    const { child, result } = folder.start('run', 'experiments:./forever.mjs', '--trials', '2', '--parallel', '1', '--json');
    await eventually(async () => child.exitCode !== null || (await readFile(folder.file('begun')).then(() => true, () => false)));
    child.kill('SIGINT');
    await eventually(() => child.exitCode !== null || child.signalCode !== null || (child.kill('SIGINT'), false));
    const { code, stdout } = await result;
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'cancelled', goals: { verdicts: 0, errors: 0, unfinished: 2 } });
  });
});

describe('an experiment that cannot be run', () => {
  it.each([
    ['has no default export', 'bad.mjs', 'export const run = () => 1;\n', 'config', 'bad.mjs: the module has no default export'],
    ['throws when it is loaded', 'bad.mjs', '\n\nthrow new TypeError("boom");\n', 'config', 'bad.mjs:3: cannot load the experiment: TypeError: boom'],
    ['has a syntax error', 'bad.mjs', 'export default () => 1;\nfoo bar\n', 'config', "bad.mjs:2: cannot load the experiment: SyntaxError: Unexpected identifier 'bar'"],
    ['has a syntax error in TypeScript', 'bad.ts', 'export default () => 1;\nconst x: number = ;\n', 'config', 'bad.ts:2: cannot load the experiment: SyntaxError: Expression expected'],
    ['uses what Node cannot strip', 'bad.ts', 'enum Colour { Red }\nexport default () => Colour.Red;\n', 'config', 'bad.ts:1: cannot load the experiment'],
    ['imports a file that is not there', 'bad.mjs', "import './nothing.mjs';\nexport default () => 1;\n", 'config', "bad.mjs: cannot load the experiment: Cannot find module"],
    ['imports what is not exported', 'bad.mjs', "import { nothing } from 'node:fs';\nexport default () => nothing;\n", 'config', "bad.mjs:1: cannot load the experiment: SyntaxError: The requested module 'node:fs' does not provide an export named 'nothing'"],
    ['is misspelt within', 'bad.mjs', 'export default { varients: [], run: () => 1 };\n', 'config', 'bad.mjs: an experiment has no "varients"'],
  ])('because it %s is refused with file and line, and no run is recorded', { timeout: 30_000 }, async (_what, name, text, code, message) => {
    await using folder = await makeFolder();
    await folder.write(name, text);
    const { error } = await folder.json<Failure>(2, 'run', `experiments:./${name}`, '--target', 'sim:echo');
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) as unknown, hint: expect.any(String) as unknown });
    await using store = await folder.store();
    expect(await store.listRuns()).toEqual([]);
  });

  it.each([
    ['a file that is not there', ['experiments:./none.ts'], 'input', 'cannot read none.ts'],
    ['a file that is no module', ['experiments:./prompts.txt'], 'input', 'prompts.txt is no module'],
    ['an experiment that does not come with Assay', ['experiments.nothing'], 'usage', 'there is no experiment "experiments.nothing"'],
    ['a variant nobody has', ['experiments:./good.mjs', '--variant', 'shrt'], 'usage', '--variant shrt: no experiment of this run has such a variant'],
    ['two of one name', ['experiments:./good.mjs', 'experiments:./other/good.mjs'], 'usage', 'two experiments are called good'],
    ['a budget of dollars for a target without a price', ['experiments:./good.mjs', '--max-usd', '1'], 'config', 'no price is known for echo'],
  ])('because of %s is refused', { timeout: 30_000 }, async (_what, args, code, message) => {
    await using folder = await makeFolder();
    await mkdir(folder.file('other'));
    await folder.prompts(1);
    for (const name of ['good.mjs', 'other/good.mjs']) await folder.write(name, "export default { variants: ['short', 'long'], run: () => 1 };\n");
    const { error } = await folder.json<Failure>(2, 'run', ...args, '--target', 'sim:echo');
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) as unknown });
  });

  it('because a file of it changed is not resumed, also where it is one that it imports', { timeout: 60_000 }, async () => {
    await using folder = await makeFolder();
    await folder.write('lib.mjs', 'export const value = 1;\n');
    await folder.write('game.mjs', "import { value } from './lib.mjs';\nexport default async (ctx) => { await ctx.target().generate({ messages: [{ role: 'user', content: 'hi' }] }); return value; };\n");
    const stopped = await folder.json<Document>(3, 'run', 'experiments:./game.mjs', '--trials', '4', '--target', 'sim:echo', '--max-calls', '2');
    await folder.write('lib.mjs', 'export const value = 0;\n');
    const { error } = await folder.json<Failure>(2, 'resume', stopped.run, '--max-calls', '9');
    expect(error).toMatchObject({ code: 'input', message: `${folder.file('lib.mjs')} has changed since the run was planned` });
    await folder.write('lib.mjs', 'export const value = 1;\n');
    expect(await folder.json<Document>(0, 'resume', stopped.run, '--max-calls', '9')).toMatchObject({ status: 'completed', goals: { undetermined: 4 } });
  });
});

describe('the settings of experiments', () => {
  it('come from the configuration: trials, variants, parameters, threshold and roles', { timeout: 60_000 }, async () => {
    await using folder = await makeFolder();
    await folder.write('assay.yaml', "suites: ['experiments:./game.ts']\ntargets: [sim:echo]\nexperiments:\n  trials: 3\n  variants: [long]\n  params: { turns: 4 }\n  threshold: 0.9\n  roles: { judge: 'sim:weak' }\n");
    await folder.write(
      'game.ts',
      `interface Params { readonly turns: number; readonly kind?: string }
       export default { name: 'played', variants: { short: { turns: 1 }, long: { turns: 2, kind: 'x' } } satisfies Record<string, Params>, threshold: 0.1, run: async (ctx: any) => {
         const [out] = await ctx.target('judge').generate({ messages: [{ role: 'user', content: 'hi' }] });
         await ctx.log({ model: out.model, params: ctx.params });
         ctx.score(0.5, { name: 'other', threshold: 0.4 });
         return ctx.params.turns / 8;
       } };`,
    );
    const done = await folder.json<Document>(0, 'run');
    expect(done.experiments).toMatchObject([{ experiment: 'experiments.played', variants: [{ variant: 'long', trials: { planned: 3, failed: 3 }, scores: [{ name: 'score', mean: 0.5 }, { name: 'other', mean: 0.5 }], by_role: { judge: { calls: 1 } } }] }]);
    const usage = await folder.json<UsageView>(0, 'usage', done.run);
    expect(Object.keys(usage.by_deployment)).toEqual(['sim/local/weak']);
    const shown = await folder.cli('show', done.run, '0');
    expect(shown.stdout).toContain('score 0.5 (failed at 0.9)');
    expect(shown.stdout).toContain('other 0.5 (passed at 0.4)');
    expect(shown.stdout).toContain('"kind": "x"');
    const some = await folder.json<Document>(0, 'run', '--trials', '1', '--variant', 'short');
    expect(some.experiments![0]!.variants.map(({ variant, trials }) => [variant, trials.planned])).toEqual([['short', 1]]);
  });

  it('may be tried without running: what a trial takes is told only where the experiment says', { timeout: 30_000 }, async () => {
    await using folder = await makeFolder();
    await folder.write('game.mjs', 'export default () => 1;\n');
    await folder.write('told.mjs', 'export default { expected: { calls: 2, promptTokens: 10, outputTokens: 5 }, run: () => 1 };\n');
    const plan = await folder.json<object>(0, 'run', 'experiments:./game.mjs', 'experiments:./told.mjs', '--trials', '3', '--target', 'sim:echo', '--dry-run');
    expect(plan).toMatchObject({ estimated: true, goals: 6, unestimated_goals: 3, calls: 6, prompt_tokens: 30 });
  });
});
