import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, type CallIntent, type Clock } from '../core/index.ts';
import { mergeFlags, parseConfig, type AssayConfigInput, type ConfigFlags } from '../config/index.ts';
import { Assembly } from './assembly.ts';
import { checkEngagement } from './engagement.ts';
import { withoutSecrets } from './error-redaction.ts';
import { createRun, planDryRun, resumedConfig, resumeRun } from './run-handle.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'assay-assembly-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

async function open(config: AssayConfigInput, change: { readonly clock?: Clock; readonly flags?: ConfigFlags } = {}): Promise<Assembly & AsyncDisposable> {
  const assembly = await Assembly.open({
    config: mergeFlags(parseConfig(config), change.flags ?? {}),
    location: `sqlite:${join(cwd, 'assay.db')}`,
    env: {},
    cwd,
    ...(change.clock === undefined ? {} : { clock: change.clock }),
  });
  return Object.assign(assembly, { [Symbol.asyncDispose]: () => assembly.close() });
}

const BEYOND: AssayConfigInput = { suites: ['probes.encoding.base64'], targets: ['compat:http://192.0.2.1/v1#m'] };
const HERE: AssayConfigInput = { suites: ['probes.encoding.base64'], targets: ['sim:weak'] };

describe('an engagement', () => {
  const target = (host: string): { readonly spec: string; readonly host: string } => ({ spec: `compat:http://${host}/v1#m`, host });
  const until = { by: 'Jo', scope: 'probing', until: '2027-01-31' };

  it.each(['127.0.0.1', 'localhost', '::1', 'api.localhost'])('is not needed for %s', (host) => {
    expect(checkEngagement({}, ['probes'], [target(host)], 0)).toBeNull();
  });

  it.each(['192.0.2.1', 'api.openai.com', '10.0.0.1', '127.0.0.1.example.com', '0.0.0.0', '[2001:db8::1]'])('is needed for %s', (host) => {
    expect(() => checkEngagement({}, ['probes'], [target('127.0.0.1'), target(host)], 0)).toThrow(expect.objectContaining({ code: 'engagement_required' }));
  });

  it('is not needed for suites that attack nothing, and is stored all the same', () => {
    expect(checkEngagement({ engagement: 'Jo allows it' }, ['evals'], [target('192.0.2.1')], 0)).toBe('Jo allows it');
  });

  it('of blanks allows nothing', () => {
    expect(() => checkEngagement({ engagement: '  ' }, ['probes'], [target('192.0.2.1')], 0)).toThrow(expect.objectContaining({ code: 'engagement_required' }));
  });

  it('holds to the end of its last day, and no longer', () => {
    const check = (now: string): string | null => checkEngagement({ engagement: until }, ['probes'], [target('192.0.2.1')], Date.parse(now));
    expect(check('2027-01-31T23:59:59Z')).toBe('Jo allows probing until 2027-01-31');
    expect(() => check('2027-02-01T00:00:00Z')).toThrow('the engagement ended on 2027-01-31');
  });

  it('with a date nobody can read is refused', () => {
    expect(() => checkEngagement({ engagement: { ...until, until: 'soon' } }, ['probes'], [target('192.0.2.1')], 0)).toThrow(expect.objectContaining({ code: 'config', hint: 'write it as YYYY-MM-DD' }));
  });

  it('that ended keeps a run from going on until there is a new one, which is stored with it', async () => {
    let days = 0;
    const clock: Clock = { now: () => Date.parse('2027-01-30T00:00:00Z') + days * 86_400_000, after: (ms, callback) => systemClock.after(ms, callback) };
    await using assembly = await open({ ...BEYOND, engagement: until }, { clock });
    const { run } = await createRun(assembly);
    expect(run.engagement).toBe('Jo allows probing until 2027-01-31');
    days = 5;
    await expect(resumeRun(assembly, run)).rejects.toMatchObject({ code: 'engagement_required' });
    await using renewed = await open(BEYOND, { clock, flags: { engagement: 'Jo allows it again' } });
    const { run: resumed } = await resumeRun(renewed, run);
    expect(resumed.engagement).toBe('Jo allows it again');
    expect(resumedConfig(resumed, {}).engagement).toBe('Jo allows it again');
  });
});

describe('a budget of dollars', () => {
  it('is refused for a model whose price nobody knows, for a new run and a resumed one', async () => {
    await using plain = await open(HERE);
    const { run } = await createRun(plain);
    await using capped = await open({ ...HERE, budgets: { usd: 1 } });
    const refusal = { code: 'config', message: 'a budget in dollars (--max-usd, budgets.usd) cannot be kept: no price is known for weak (sim:weak)', hint: expect.stringContaining('prices: { "weak"') as unknown };
    await expect(createRun(capped)).rejects.toMatchObject(refusal);
    await expect(resumeRun(capped, run)).rejects.toMatchObject(refusal);
    expect(await plain.store.listRuns()).toHaveLength(1);
    await using priced = await open({ ...HERE, budgets: { usd: 1 }, prices: { weak: { input: 1, output: 1 } } });
    await expect(createRun(priced)).resolves.toMatchObject({ run: { status: 'pending' } });
  });
});

describe('a resumed budget', () => {
  it('reckons with what was reserved for calls whose use nobody knows', async () => {
    await using assembly = await open({ ...HERE, budgets: { tokens: 10_000 } });
    const { run } = await createRun(assembly);
    const intent = (id: string): CallIntent => ({
      id,
      logicalId: id,
      retry: 0,
      scope: { runId: run.id, goalIndex: 0 },
      target: 'sim:weak',
      deployment: 'sim/local/weak',
      protocol: 'openai-chat',
      modelAsked: 'weak',
      stream: false,
      simulated: true,
      queuedAt: 1,
      sentAt: 1,
      waitedMs: 0,
      reservedTokens: 300,
    });
    await assembly.store.write({ op: 'call.open', intent: intent('a') }, { op: 'call.open', intent: intent('b') }, { op: 'call.open', intent: intent('c') });
    const fate = { httpStatus: null, modelAnswered: null, costUsd: null, firstTokenMs: null, totalMs: null, finishReason: null, requestId: null, error: null };
    const unknown = { inputFresh: undefined, cacheRead: undefined, cacheWrite: undefined, outputText: undefined, reasoning: undefined, source: 'unknown' as const };
    await assembly.store.write(
      { op: 'call.settle', settlement: { id: 'a', status: 'ok', ...fate, usage: { ...unknown, inputFresh: 40, outputText: 10, source: 'reported' } } },
      // Refused: nothing was used.
      { op: 'call.settle', settlement: { id: 'b', status: 'rate_limited', ...fate, usage: unknown } },
    );
    await assembly.store.markLost(run.id, 2);
    const { budget } = await resumeRun(assembly, run);
    expect(budget.used).toEqual({ calls: 3, tokens: 50 + 300, usd: 0 });
  });
});

describe('input files', () => {
  it('are fingerprinted with the run, and a resume refuses one that changed or is gone, by name', async () => {
    const file = join(cwd, 'prompts.txt');
    writeFileSync(file, 'one\ntwo\n');
    await using assembly = await open({ suites: ['probes.custom'], targets: ['sim:weak'], probes: { prompts: 'prompts.txt' } });
    const { run } = await createRun(assembly);
    expect((await resumeRun(assembly, run)).run).toMatchObject({ id: run.id, resumes: 1 });
    writeFileSync(file, 'one\ntwo\nthree\n');
    await expect(resumeRun(assembly, run)).rejects.toMatchObject({ code: 'input', message: `${file} has changed since the run was planned` });
    rmSync(file);
    await expect(resumeRun(assembly, run)).rejects.toMatchObject({ code: 'input', message: expect.stringContaining(`cannot read ${file}`) as unknown });
  });
});

describe('a dry run', () => {
  it('records nothing and adds up calls, tokens, cost and the time under the limits', async () => {
    await using assembly = await open({ ...HERE, generations: 3, limits: { rpm: 30 }, prices: { weak: { input: 1, output: 2 } }, parameters: { maxOutputTokens: 50 } });
    const plan = await planDryRun(assembly);
    expect(plan).toMatchObject({ goals: 10, calls: 30, seconds: 60 });
    expect(plan.totalTokens.high - plan.totalTokens.low).toBe(30 * 50);
    expect(plan.costUsd!.low).toBeCloseTo(plan.promptTokens / 1e6, 9);
    expect(plan.costUsd!.high).toBeCloseTo((plan.promptTokens + 2 * 30 * 50) / 1e6, 9);
    expect(await assembly.store.listRuns()).toEqual([]);
  });
});

describe('an error', () => {
  it('loses the secrets in its message, its stack and its causes, and stays itself', () => {
    const cause = new TypeError('sent hunter2-hunter2');
    const error = new RangeError('got hunter2-hunter2 back', { cause });
    const clean = withoutSecrets(error, { metadata: (text) => text.replaceAll('hunter2-hunter2', '***') });
    expect(clean).toBe(error);
    expect([error.message, cause.message]).toEqual(['got *** back', 'sent ***']);
    expect(`${error.stack}${cause.stack}`).not.toContain('hunter2-hunter2');
  });
});
