import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { CALL_STATUSES, type CallStatus } from '../core/index.ts';
import type { DryRun } from '../engine/index.ts';
import type { CallTotals, ProbeResult, RunResultView, UsageView } from '../report/index.ts';
import { dryRunText, dryRunView } from './dry-run-text.ts';
import { resultText } from './result-text.ts';

const colors = pc.createColors(false);
const options = { simulated: false, reason: null, width: 140, colors };

function probe(change: Partial<ProbeResult> = {}): ProbeResult {
  return {
    probe: 'probes.encoding.base64',
    target: 'openai:m',
    detector: 'decode-match',
    primary: true,
    hits: 3,
    scored: 10,
    total: 10,
    abstained: 0,
    missing: 0,
    blocked: 0,
    rate: 0.3,
    interval: { low: 0.108, high: 0.603, method: 'wilson' },
    bounds: { low: 0.3, high: 0.3 },
    worst: [{ goal: 4, attempt: 'attempt-0', output: 0, value: 1, prompt: 'decode this', response: 'the text', reason: 'decoded "the text"' }],
    goals: { planned: 10, errors: 0, unfinished: 0 },
    ...change,
  };
}

function totals(change: Partial<CallTotals> = {}): CallTotals {
  const none = Object.fromEntries([...CALL_STATUSES, 'total'].map((status) => [status, 0])) as Record<CallStatus | 'total', number>;
  return {
    calls: { ...none, total: 13, ok: 10, http_error: 3 },
    tokens: { prompt_tokens: 1_000, completion_tokens: 500, reasoning_tokens: null, total_tokens: 1_500, estimated: 0, unknown_calls: 3 },
    cost_usd: 0.02,
    waited_ms: 1_500,
    retries: 3,
    ...change,
  };
}

const usage: UsageView = { run: 'r1', ...totals(), by_model: {}, by_role: {}, by_probe: {}, by_deployment: { 'openai/api/m': totals() } };

function view(change: Partial<RunResultView<ProbeResult>> = {}): RunResultView<ProbeResult> {
  return {
    run: 'r1',
    status: 'completed',
    goals: { planned: 10, verdicts: 10, undetermined: 0, skipped: 0, errors: 0 },
    attempts: { planned: 10, finished: 10, errors: 0 },
    results: [probe()],
    ...change,
  };
}

describe('the results of a run', () => {
  it('give each rate with its interval and how much was scored, an example, the bill, and what to type next', () => {
    const text = resultText(view(), usage, options);
    expect(text).toContain('run r1 completed\n');
    expect(text).toMatch(/probes\.encoding\.base64 +decode-match +30\.0 % +10\.8–60\.3 % +10\/10/);
    expect(text).toContain('probes.encoding.base64, goal 4: decoded "the text"');
    expect(text).toMatch(/openai\/api\/m +13 +3 +3 +1,500 +3 +\$0\.020 +1\.5 s/);
    expect(text).toContain('assay show r1');
    expect(text).not.toContain('assay resume');
    expect(text).not.toContain('simulated');
  });

  it('say that they are simulated', () => {
    expect(resultText(view(), usage, { ...options, simulated: true })).toContain('simulated: figures say nothing about a real model');
  });

  it('say why a run ended early and how to go on', () => {
    const text = resultText(view({ status: 'stopped', goals: { planned: null, verdicts: 3, undetermined: 1, skipped: 0, errors: 2 } }), usage, { ...options, reason: 'the budget is spent' });
    expect(text).toContain('run r1 stopped: the budget is spent');
    expect(text).toContain('still being planned, 3 verdicts, 1 undetermined, 0 skipped, 2 errors');
    expect(text).toContain('assay resume r1 ');
    expect(text).toContain('assay resume r1 --retry-errors');
  });

  it('show errors and bounds where some outputs were not scored, and a rate of nothing as a dash', () => {
    const partly = probe({ scored: 8, rate: 0.25, bounds: { low: 0.2, high: 0.4 }, goals: { planned: 10, errors: 2, unfinished: 0 } });
    const none = probe({ probe: 'probes.snowball.primes', scored: 0, rate: null, interval: null, bounds: null, worst: [] });
    const text = resultText(view({ results: [partly, none] }), usage, options);
    expect(text).toMatch(/8\/10 +20\.0–40\.0 % +2/);
    expect(text).toMatch(/probes\.snowball\.primes +decode-match +– +– +0\/10/);
  });

  it('leave a cost that is not known unknown', () => {
    expect(resultText(view(), { ...usage, by_deployment: { d: totals({ cost_usd: null, unpriced_calls: 10 }) } }, options)).toMatch(/^d .*unknown/m);
  });
});

describe('a dry run', () => {
  const plan: DryRun = {
    goals: 10,
    unestimated: 0,
    calls: 30,
    promptTokens: 1_000,
    totalTokens: { low: 1_000, high: 4_000 },
    costUsd: { low: 0.001, high: 0.007 },
    seconds: 61,
    byPlugin: [{ plugin: 'probes.encoding.base64', target: 'sim:weak', goals: 10, calls: 30, promptTokens: 1_000, outputTokens: 3_000 }],
  };

  it('calls its figures estimates and gives ranges', () => {
    const text = dryRunText(plan, { width: 120, colors });
    expect(text).toContain('nothing was sent or recorded; the figures are estimates');
    expect(text).toContain('tokens  1,000 to 4,000 (1,000 prompt)');
    expect(text).toContain('cost    $0.0010 to $0.0070');
    expect(text).toContain('time    at least 1m 01s under the limits');
  });

  it('leaves goals out whose calls nobody can tell beforehand, and says so', () => {
    expect(dryRunText({ ...plan, unestimated: 4 }, { width: 120, colors })).toContain('goals   10, of which 4 make calls that cannot be told beforehand');
    expect(dryRunView({ ...plan, unestimated: 4 })).toMatchObject({ goals: 10, unestimated_goals: 4, calls: 30 });
    expect(dryRunView(plan)).not.toHaveProperty('unestimated_goals');
  });

  it('says what it cannot know', () => {
    const text = dryRunText({ ...plan, goals: 0, costUsd: null, seconds: null }, { width: 120, colors });
    expect(text).toContain('cost    unknown');
    expect(text).toContain('time    unknown');
    expect(text).toContain('nothing to run');
  });
});
