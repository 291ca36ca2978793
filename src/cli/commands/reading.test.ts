import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CallIntent, Scope } from '../../core/index.ts';
import { openStore } from '../../store/index.ts';
import { EXIT } from '../exit-code.ts';
import { main } from '../main.ts';
import { RecordingIo } from '../testing/recording-io.ts';
import { aRun, plantCalls, plantRun } from '../testing/stored-run.ts';

const OLD = '20261120-080000-aaaa';
const NEW = '20261121-080000-bbbb';
const LEAKED = `sk-leaked${'0123456789abcdef'.repeat(2)}`;

let folder: string;
let db: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
  db = `sqlite:${join(folder, 'assay.db')}`;
  const store = await openStore(db);
  await plantRun(store, aRun({ id: OLD, createdAt: Date.parse('2026-11-20T08:00:00Z'), status: 'stopped', reason: 'budget', simulated: false }), []);
  await plantRun(store, aRun({ id: NEW }), [
    { outcome: { kind: 'attack_succeeded' }, answer: `here is the key ${LEAKED}` },
    { outcome: { kind: 'attack_failed', blocked: true }, text: 'second\u001B[2J goal' },
    { outcome: { kind: 'error', source: 'target', code: 'rate_limited', reason: 'gave up' }, plugin: 'probes.encoding.hex' },
  ]);
  await plantCalls(store, NEW, [
    { status: 'ok', tokens: [100, 20], costUsd: 0.01 },
    { status: 'ok', tokens: [50, 5] },
    { status: 'rate_limited' },
    { status: 'in_flight' },
  ]);
  await store.close();
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function assay(...argv: string[]): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const io = new RecordingIo(folder, { ASSAY_DB: db });
  const code = await main(argv, io);
  return { code, out: io.stdout.text, err: io.stderr.text };
}

describe('assay runs', () => {
  it('is an array, newest first, with run and status', async () => {
    const { out } = await assay('runs', '--json');
    expect(JSON.parse(out)).toMatchObject([
      { run: NEW, status: 'completed', simulated: true },
      { run: OLD, status: 'stopped', reason: 'budget', simulated: false },
    ]);
  });

  it('filters and limits', async () => {
    expect(JSON.parse((await assay('runs', '--json', '--status', 'stopped')).out)).toMatchObject([{ run: OLD }]);
    expect(JSON.parse((await assay('runs', '--json', '--limit', '1')).out)).toHaveLength(1);
  });

  it('is a table that marks simulated runs', async () => {
    const { out } = await assay('runs');
    expect(out).toMatch(new RegExp(`${NEW}\\s+completed \\(simulated\\)\\s+3 .*probes.encoding → sim:weak`));
    expect(out).not.toContain('\u001B');
  });

  it('does not make a store by looking', async () => {
    const missing = join(folder, 'none', 'assay.db');
    expect(JSON.parse((await assay('runs', '--json', '--db', `sqlite:${missing}`)).out)).toEqual([]);
    const { code, err } = await assay('show', 'last', '--db', `sqlite:${missing}`);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain(`there are no results at sqlite:${missing} yet`);
    expect(existsSync(missing)).toBe(false);
  });

  it('ends a run whose process is gone', async () => {
    const store = await openStore(db);
    await store.write({ op: 'run.insert', run: aRun({ id: '20261121-090000-cccc', status: 'running', createdAt: Date.parse('2026-11-21T09:00:00Z') }) });
    await store.close();
    expect(JSON.parse((await assay('runs', '--json', '--limit', '1')).out)).toMatchObject([{ run: '20261121-090000-cccc', status: 'interrupted' }]);
  });
});

describe('assay show', () => {
  it('lists goals with their outcomes, control characters made visible', async () => {
    const { out } = await assay('show', NEW);
    expect(out).toContain('3 goals: ');
    expect(out).toMatch(/0 {2}attack_succeeded\s+probes\.encoding\.base64\s+sim:weak\s+goal 0/);
    expect(out).toContain('attack_failed (blocked)');
    expect(out).toContain('error (target: rate_limited)');
    expect(out).toContain('second␛[2J goal');
    expect(out).not.toContain('\u001B');
  });

  it('filters by outcome and plugin', async () => {
    const goals = async (...argv: string[]): Promise<unknown> => (JSON.parse((await assay('show', NEW, '--json', ...argv)).out) as { goals: { index: number }[] }).goals.map((goal) => goal.index);
    expect(await goals('--outcome', 'error')).toEqual([2]);
    expect(await goals('--plugin', 'probes.encoding.hex')).toEqual([2]);
    expect(await goals('--limit', '2')).toEqual([0, 1]);
    expect(await goals('--from', '1')).toEqual([1, 2]);
  });

  it("reads one goal's transcript", async () => {
    const { out } = await assay('show', 'last', '0');
    expect(out).toContain('[user]\n  decode 0');
    expect(out).toContain(`[answer]\n  here is the key ${LEAKED}`);
    expect(out).toContain('decode-match 1 (hit at 0.5)');
    expect(out).toContain('simulated');
  });

  it('gives one goal whole with --json', async () => {
    expect(JSON.parse((await assay('show', NEW, '2', '--json')).out)).toMatchObject({
      run: NEW,
      index: 2,
      outcome: { kind: 'error' },
      attempts: [{ key: 'attempt-0', status: 'error', error: { code: 'rate_limited' } }],
      scores: [{ grader: 'decode-match' }],
      history: [{ outcome: { kind: 'error' } }],
    });
  });

  it.each([
    [['show', NEW, '9'], `run ${NEW} has no goal 9`, 'its goals are numbered 0 to 2'],
    [['show', NEW, 'first'], "'first' is not a goal's number", ''],
    [['show', 'nothing-like-it'], 'nothing-like-it', ''],
  ])('says what is wrong with %j', async (argv, message, hint) => {
    const { code, err } = await assay(...argv);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain(message);
    expect(err).toContain(hint);
  });
});

describe('assay usage', () => {
  it('has the documented shape', async () => {
    const usage = JSON.parse((await assay('usage', NEW, '--json')).out) as Record<string, unknown>;
    const totals = {
      calls: { total: 3, ok: 2, blocked: 0, http_error: 0, rate_limited: 1, timeout: 0, aborted: 0, cut: 0, malformed: 0, network_error: 0, lost: 0 },
      tokens: { prompt_tokens: 150, completion_tokens: 25, reasoning_tokens: null, total_tokens: 175, estimated: 0, unknown_calls: 1 },
      cost_usd: 0.01,
      waited_ms: expect.any(Number) as number,
      unpriced_calls: 1,
      in_flight: 1,
    };
    const part = { ...totals, retries: 0 };
    expect(usage).toEqual({
      run: NEW,
      simulated: true,
      ...totals,
      by_model: { weak: expect.objectContaining({ tokens: totals.tokens }) as object },
      by_role: { target: part },
      by_deployment: { 'sim/local/weak': part },
      by_probe: { 'probes.encoding.base64': part },
    });
  });

  it('shows calls in flight apart and an unknown part of the cost as such', async () => {
    const { out } = await assay('usage', NEW);
    expect(out).toContain('calls   3 (2 ok, 1 rate_limited), and 1 in flight');
    expect(out).toContain('cost    ≥ $0.010');
    expect(out).toContain('usage of 1 call is unknown');
    expect(out).toContain('(simulated)');
  });

  it('shows one trial of a run, and calls of no run', async () => {
    const store = await openStore(db);
    const call = (id: string, scope: Scope): CallIntent => ({ id, logicalId: id, retry: 0, scope, target: null, deployment: 'openai/api.example/m', via: 'undici', protocol: 'openai-chat', modelAsked: 'm', stream: false, simulated: false, queuedAt: 1, sentAt: 1, waitedMs: 0, reservedTokens: 1 });
    const calls = [call('a1', { runId: OLD, trial: 'one' }), call('a2', { runId: OLD, trial: 'two' }), call('a3', {}), call('a4', {})];
    await store.write(...calls.map((intent) => ({ op: 'call.open' as const, intent })));
    await store.close();
    expect(JSON.parse((await assay('usage', OLD, '--trial', 'one', '--json')).out)).toMatchObject({ run: OLD, trial: 'one', in_flight: 1, by_trial: { one: { in_flight: 1 } } });
    expect(JSON.parse((await assay('usage', '--no-run', '--json')).out)).toMatchObject({ run: null, in_flight: 2, by_role: { unattributed: { in_flight: 2 } } });
    expect((await assay('usage', '--no-run')).out).toMatch(/^calls of no run\ncalls {3}0, and 2 in flight\n/);
    expect((await assay('usage', OLD)).out).toMatch(/^trial .*\none .*\ntwo /m);
  });

  it.each([
    [['usage'], 'the use of which run?', '--no-run'],
    [['usage', NEW, '--no-run'], 'name a run or say --no-run, not both', 'assay runs'],
    [['usage', NEW, '--trial', 'x'], `in run ${NEW} no call belongs to a trial 'x'`, `assay usage ${NEW}`],
    [['usage', '--no-run', '--trial', 'x'], "outside all runs no call belongs to a trial 'x'", 'assay usage --no-run'],
  ])('says what is wrong with %j', async (argv, message, hint) => {
    const { code, err } = await assay(...argv);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain(message);
    expect(err).toContain(hint);
  });

  it('is all zeros for a run without calls, its cost known', async () => {
    expect(JSON.parse((await assay('usage', OLD, '--json')).out)).toMatchObject({ run: OLD, calls: { total: 0, lost: 0 }, tokens: { total_tokens: 0, reasoning_tokens: null }, cost_usd: 0, by_model: {} });
  });
});

describe('assay report', () => {
  it('writes the run, then its goals, with credentials taken out and simulation marked', async () => {
    const { out } = await assay('report', NEW);
    const lines = out.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map((line) => line['type'])).toEqual(['run', 'goal', 'goal', 'goal']);
    expect(lines.every((line) => line['simulated'] === true)).toBe(true);
    expect(lines[1]).toMatchObject({ index: 0, outcome: { kind: 'attack_succeeded' }, attempts: [{ key: 'attempt-0' }], scores: [{ grader: 'decode-match', value: 1 }] });
    expect(out).not.toContain(LEAKED);
    expect(out).toContain('[redacted:api-key]');
  });

  it('takes out the values of keys in the environment', async () => {
    const io = new RecordingIo(folder, { ASSAY_DB: db, MY_API_KEY: 'an answer' });
    await main(['report', NEW], io);
    expect(io.stdout.text).toContain('[redacted:MY_API_KEY]');
  });

  it('writes a file for its owner alone, whole or not at all', async () => {
    const file = join(folder, 'run.jsonl');
    expect((await assay('report', NEW, '--out', 'run.jsonl')).err).toBe('wrote run.jsonl\n');
    expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(4);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { code, err } = await assay('report', NEW, '--out', 'no/such/folder.jsonl');
    expect(code).toBe(EXIT.usage);
    expect(err).toContain('cannot write');
  });

  it('stops writing when the reader leaves', async () => {
    const io = new RecordingIo(folder, { ASSAY_DB: db });
    io.stdout.readsUntil = 1;
    expect(await main(['report', NEW], io)).toBe(EXIT.done);
    expect(io.stdout.writes).toBe(2);
  });
});

describe('assay purge', () => {
  const left = async (): Promise<string[]> => (JSON.parse((await assay('runs', '--json')).out) as { run: string }[]).map(({ run }) => run);

  it('deletes what is named', async () => {
    expect((await assay('purge', NEW, '--yes')).out).toBe('deleted 1 run and 4 calls\n');
    expect(await left()).toEqual([OLD]);
  });

  it('deletes what is older than a day', async () => {
    expect(JSON.parse((await assay('purge', '--before', '2026-11-21', '--yes', '--json')).out)).toEqual({ runs: 1, calls: 0, purged: [OLD] });
    expect(await left()).toEqual([NEW]);
  });

  it('deletes all', async () => {
    await assay('purge', '--all', '--yes');
    expect(await left()).toEqual([]);
  });

  it.each([
    [['purge', '--all'], 'this would delete 2 runs', 'say --yes to do it'],
    [['purge', '--yes'], 'which runs are to go?', 'name them, or say --all or --before DATE'],
    [['purge', NEW, '--all', '--yes'], 'name runs, or say --all or --before, not both', ''],
    [['purge', '--before', 'yesterday', '--yes'], 'It must be a date', ''],
  ])('deletes nothing on %j', async (argv, message, hint) => {
    const { code, err } = await assay(...argv);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain(message);
    expect(err).toContain(hint);
    expect(await left()).toEqual([NEW, OLD]);
  });

  it('leaves a run that is in progress alone', async () => {
    const store = await openStore(db);
    const io = new RecordingIo(folder, { ASSAY_DB: db });
    const id = '20261121-090000-cccc';
    await store.write({ op: 'run.insert', run: aRun({ id, status: 'running' }) });
    const { thisProcess } = await import('../../store/index.ts');
    await store.acquireLease(id, thisProcess(), io.clock.now(), 60_000);
    expect(await main(['purge', id, '--yes'], io)).toBe(EXIT.usage);
    expect(io.stderr.text).toContain(`run ${id} is in progress (process ${process.pid}`);
    await store.close();
  });
});
