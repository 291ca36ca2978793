import { describe, expect, it } from 'vitest';
import type { RunListItem, UsageView } from '../src/report/index.ts';
import { Folder, type RunDocument } from './support/folder.ts';
import { startOpenAiServer } from './support/openai-server.ts';
import { cli, startSimulatorProcess } from './support/processes.ts';

const STATUSES = ['total', 'ok', 'blocked', 'http_error', 'rate_limited', 'timeout', 'aborted', 'cut', 'malformed', 'network_error', 'lost'];
const CUSTOM = ['probes.custom', '--prompts', 'prompts.txt', '--detector', 'contains:number'];

describe('the documents of a run', () => {
  it('have the promised shapes, and are cumulative over resumes', { timeout: 30_000 }, async () => {
    await using folder = await Folder.make();
    await folder.prompts(12);
    const stopped = await folder.json<RunDocument>(3, 'run', ...CUSTOM, '--target', 'sim:echo', '--max-calls', '5');
    expect(Object.keys(stopped)).toEqual(expect.arrayContaining(['run', 'status', 'goals', 'attempts', 'results']));
    expect(Object.keys(stopped.goals)).toEqual(expect.arrayContaining(['planned', 'verdicts', 'undetermined', 'skipped', 'errors']));
    expect(Object.keys(stopped.attempts)).toEqual(['planned', 'finished', 'errors']);
    expect(stopped).toMatchObject({
      status: 'stopped',
      goals: { planned: 12, verdicts: 5, undetermined: 0, skipped: 0, errors: 0 },
      attempts: { finished: 5, errors: 0 },
    });
    const done = await folder.json<RunDocument>(0, 'resume', stopped.run, '--max-calls', '100');
    expect(done).toMatchObject({
      run: stopped.run,
      status: 'completed',
      goals: { planned: 12, verdicts: 12, undetermined: 0, skipped: 0, errors: 0 },
      attempts: { planned: 12, finished: 12, errors: 0 },
      results: [{ probe: 'probes.custom', hits: 12, scored: 12, total: 12 }],
    });

    const usage = await folder.json<UsageView>(0, 'usage', done.run);
    expect(Object.keys(usage)).toEqual(expect.arrayContaining(['run', 'calls', 'tokens', 'cost_usd', 'waited_ms', 'by_model', 'by_role', 'by_deployment', 'by_probe']));
    expect(Object.keys(usage.calls)).toEqual(STATUSES);
    expect(Object.keys(usage.tokens)).toEqual(['prompt_tokens', 'completion_tokens', 'reasoning_tokens', 'total_tokens', 'estimated', 'unknown_calls']);
    expect(usage.calls).toMatchObject({ total: 12, ok: 12 });
    // A simulated model has no price: the cost is unknown, not zero.
    expect(usage.cost_usd).toBeNull();
    for (const [name, part] of [['by_model', 'echo'], ['by_role', 'target'], ['by_probe', 'probes.custom'], ['by_deployment', 'sim/local/echo']] as const) {
      expect(Object.keys(usage[name])).toEqual([part]);
      expect(usage[name][part]).toMatchObject({ calls: usage.calls, tokens: usage.tokens });
    }

    const second = await folder.json<RunDocument>(0, 'run', ...CUSTOM, '--target', 'sim:echo', '--name', 'second');
    const runs = await folder.json<RunListItem[]>(0, 'runs');
    expect(runs.map(({ run, status, resumes }) => ({ run, status, resumes }))).toEqual([
      { run: second.run, status: 'completed', resumes: 0 },
      { run: done.run, status: 'completed', resumes: 1 },
    ]);
  });

  it('of a run that is completed are printed again by a resume, which needs no key, no input file and no server', { timeout: 30_000 }, async () => {
    await using server = await startOpenAiServer(() => ({ text: 'a number' }));
    await using folder = await Folder.make();
    await folder.prompts(3);
    const target = `compat:${server.url}#m`;
    const keyed = await cli(['run', ...CUSTOM, '--target', target, '--api-key-env', 'MY_KEY', '--json'], { cwd: folder.path, env: { MY_KEY: 'not-a-real-key-123456' } });
    await folder.write('prompts.txt', 'changed');
    const again = await folder.json<RunDocument>(0, 'resume', 'last');
    expect(again).toEqual(JSON.parse(keyed.stdout));
    expect(again.status).toBe('completed');
    expect(server.requests).toBe(3);
  });
});

describe('exit codes', () => {
  it.each([
    ['no suite', ['run', '--target', 'sim:weak'], 'usage'],
    ['no target', ['run', 'probes.encoding'], 'usage'],
    ['an unknown probe', ['run', 'probes.nothing', '--target', 'sim:weak'], 'usage'],
    ['an unknown option', ['run', 'probes', '--targget', 'sim:weak'], 'usage'],
    ['a missing key', ['run', 'probes.encoding', '--target', 'openai:gpt-4.1-mini', '--engagement', 'me'], 'missing_key'],
    ['a run nobody knows', ['resume', 'nothing'], 'not_found'],
    ['a prompts file that is not there', ['run', 'probes.custom', '--prompts', 'none.txt', '--target', 'sim:weak'], 'input'],
    ['a budget of dollars for a model without a price', ['run', 'probes.encoding', '--target', 'sim:weak', '--max-usd', '1'], 'config'],
  ])('are 2 for %s, which starts nothing', async (_what, args, code) => {
    await using folder = await Folder.make({ OPENAI_API_KEY: '' });
    const { error } = await folder.json<{ readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } }>(2, ...args);
    expect(error.code).toBe(code);
    expect(error.message).not.toBe('');
    await using store = await folder.store();
    expect(await store.listRuns()).toEqual([]);
  });

  it('are 3 for a run in which every goal fails, which says why, and 0 once a retry of the errors went well', { timeout: 30_000 }, async () => {
    let broken = true;
    await using server = await startOpenAiServer(() => (broken ? { status: 500, text: 'the model is unwell' } : { text: 'a number' }));
    await using folder = await Folder.make();
    await folder.prompts(3);
    const failed = await folder.json<RunDocument>(3, 'run', ...CUSTOM, '--target', `compat:${server.url}#m`, '--tries', '1');
    expect(failed).toMatchObject({ status: 'failed', goals: { planned: 3, verdicts: 0, errors: 3 }, attempts: { finished: 0, errors: 3 } });
    const [listed] = await folder.json<RunListItem[]>(0, 'runs');
    expect(listed!.reason).toContain('the model is unwell');
    broken = false;
    const plain = await folder.json<RunDocument>(3, 'resume', 'last');
    expect(plain).toMatchObject({ status: 'failed', goals: { errors: 3 } });
    const retried = await folder.json<RunDocument>(0, 'resume', 'last', '--retry-errors');
    expect(retried).toMatchObject({ status: 'completed', goals: { planned: 3, verdicts: 3, errors: 0 }, attempts: { planned: 3, finished: 3, errors: 0 } });
    expect(server.requests).toBe(6);
  });
});

describe('budgets', () => {
  const RUN = ['run', 'probes.custom', '--prompts', 'prompts.txt', '--detector', 'contains:number', '--target', 'sim:weak', '--max-output-tokens', '60'];
  // The simulated model's price makes one token cost a tenth of a cent.
  const CONFIG = 'prices:\n  weak: { input: 1000, output: 1000 }\n';

  it.each([
    ['calls', ['--max-calls', '10'], ['--max-calls', '1000'], (usage: UsageView) => usage.calls.total, 10],
    ['tokens', ['--max-tokens', '2000'], ['--max-tokens', '100000'], (usage: UsageView) => usage.tokens.total_tokens, 2_000],
    ['dollars', ['--max-usd', '2'], ['--max-usd', '100'], (usage: UsageView) => usage.cost_usd!, 2],
  ] as const)('of %s end a run as stopped, are never overrun, and a larger one completes it', { timeout: 30_000 }, async (_what, small, large, used, limit) => {
    await using folder = await Folder.make();
    await folder.write('assay.yaml', CONFIG);
    await folder.prompts(60);
    const stopped = await folder.json<RunDocument>(3, ...RUN, ...small);
    expect(stopped.status).toBe('stopped');
    expect(stopped.goals.errors).toBe(0);
    const spent = used(await folder.json<UsageView>(0, 'usage', stopped.run));
    expect(spent).toBeLessThanOrEqual(limit);
    // Not stopped for nothing either: the next call might not have fitted.
    expect(spent).toBeGreaterThan(limit * 0.8);
    const text = await folder.cli('resume', stopped.run);
    expect(text.code).toBe(3);
    expect(text.stdout).toMatch(/is spent/);
    expect(used(await folder.json<UsageView>(0, 'usage', stopped.run))).toBeLessThanOrEqual(limit);
    const done = await folder.json<RunDocument>(0, 'resume', stopped.run, ...large);
    expect(done).toMatchObject({ status: 'completed', goals: { planned: 60, verdicts: 60 }, attempts: { finished: 60 } });
  });
});

describe('a quota', () => {
  it('that is used up stops the run, after alerts on stderr that tell what remains', { timeout: 30_000 }, async () => {
    await using folder = await Folder.make();
    await folder.write('assay.yaml', 'deployments:\n  "sim/local/echo":\n    quota: { tokens: 1000, period: day, onExhausted: stop }\n');
    await folder.prompts(100);
    const run = await folder.cli('run', ...CUSTOM, '--target', 'sim:echo', '--max-output-tokens', '20', '--parallel', '4', '--json');
    expect(run.code).toBe(3);
    const { run: id, status } = JSON.parse(run.stdout) as RunDocument;
    expect(status).toBe('stopped');
    const alerts = run.stderr.split('\n').filter((line) => line.startsWith('quota at '));
    expect(alerts).toHaveLength(3);
    expect(alerts[2]).toMatch(/^quota at 9[5-9]\.\d % on sim\/local\/echo \(\d+ of 1000 tokens\): at least \d+ attempts remaining$/);
    const usage = await folder.json<UsageView>(0, 'usage', id);
    expect(usage.tokens.total_tokens).toBeLessThanOrEqual(1_000);
    expect(usage.tokens.total_tokens).toBeGreaterThan(900);
    await using store = await folder.store();
    const events = (await store.events({ runId: id, after: 0, limit: 10_000 })).filter((event) => event.type === 'quota.alert');
    expect(events.map((event) => event.data['threshold'])).toEqual([80, 90, 95]);
    const [attempt] = await store.attempts(id, 0);
    expect(attempt!.notes.rate_limiting!.quota_percentage).toBeGreaterThan(0);
  });
});

describe('a dry run', () => {
  it('says what it would take and sends nothing', async () => {
    await using simulator = await startSimulatorProcess({ seed: 1 });
    await using folder = await Folder.make({ ASSAY_SIM_URL: simulator.url });
    await folder.write('assay.yaml', 'prices:\n  weak: { input: 1, output: 2 }\n');
    const args = ['run', 'probes.encoding', '--target', 'sim:weak', '--rpm', '60', '--generations', '2', '--dry-run'];
    const text = await folder.cli(...args);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/dry run: nothing was sent or recorded; the figures are estimates/);
    expect(text.stdout).toMatch(/calls {3}260, without retries/);
    expect(text.stdout).toMatch(/tokens {2}[\d,]+ to [\d,]+/);
    expect(text.stdout).toMatch(/cost {4}\$\d+\.\d{4} to \$\d+\.\d{4}/);
    expect(text.stdout).toMatch(/time {4}at least 4m 20s under the limits/);
    const plan = await folder.json<{ readonly goals: number; readonly calls: number; readonly seconds: number; readonly estimated: boolean; readonly total_tokens: { readonly low: number; readonly high: number } }>(0, ...args);
    expect(plan).toMatchObject({ estimated: true, goals: 130, calls: 260, seconds: 260 });
    expect(plan.total_tokens.high).toBeGreaterThan(plan.total_tokens.low);
    expect(await simulator.stats()).toMatchObject({ requests: { received: 0 } });
    await using store = await folder.store();
    expect(await store.listRuns()).toEqual([]);
  });
});
