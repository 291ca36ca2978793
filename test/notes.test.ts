import { expect, it } from 'vitest';
import type { UsageView } from '../src/report/index.ts';
import { Folder, type RunDocument } from './support/folder.ts';
import { startSimulatorProcess } from './support/processes.ts';

const TOKEN_NOTES = ['prompt_tokens', 'completion_tokens', 'reasoning_tokens', 'total_tokens', 'model', 'deployment'];
const RATE_NOTES = ['tokens_this_attempt', 'cumulative_tokens', 'quota_percentage', 'deployment', 'waited_ms', 'timestamp'];

it('every attempt notes just its own tokens and waits: together they are what the run used, with faults, several answers each and 64 at once', { timeout: 60_000 }, async () => {
  await using simulator = await startSimulatorProcess({ seed: 5, profiles: { weak: { behaviour: 'weak', latency: { minMs: 1, maxMs: 40 } } }, faults: { error500: 0.08, malformed: 0.04, cut: 0.04, missingUsage: 0.05, contentFilter: 0.03 } });
  await using folder = await Folder.make({ ASSAY_SIM_URL: simulator.url });
  const { run, attempts } = await folder.json<RunDocument>(0, 'run', 'probes.encoding', 'probes.snowball', '--target', 'sim:weak', '--generations', '3', '--parallel', '64');
  expect(attempts.finished).toBeGreaterThan(200);
  const usage = await folder.json<UsageView>(0, 'usage', run);
  expect(usage.calls.total).toBeGreaterThan(usage.calls.ok);
  await using store = await folder.store();
  const sums = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  let most = 0;
  let counted = 0;
  for (const goal of await store.goals(run, { from: 0, limit: 10_000 })) {
    for (const attempt of await store.attempts(run, goal.index)) {
      counted++;
      const { tokens, rate_limiting: rate } = attempt.notes;
      expect(Object.keys(tokens!)).toEqual(TOKEN_NOTES);
      expect(Object.keys(rate!)).toEqual(RATE_NOTES);
      expect(tokens).toMatchObject({ model: 'weak', deployment: rate!.deployment, total_tokens: tokens!.prompt_tokens! + tokens!.completion_tokens! });
      expect(rate).toMatchObject({ tokens_this_attempt: tokens!.total_tokens, quota_percentage: null });
      expect(new Date(rate!.timestamp).toISOString()).toBe(rate!.timestamp);
      // Just this attempt's calls, as the ledger has them.
      const own = (await store.sumCalls({ runId: run, goalIndex: goal.index, attemptKey: attempt.key }, 'all')).get('all')!;
      expect(tokens).toMatchObject({ prompt_tokens: own.prompt_tokens, completion_tokens: own.completion_tokens, total_tokens: own.total_tokens });
      expect(rate!.waited_ms).toBe(own.waited_ms);
      for (const name of ['prompt_tokens', 'completion_tokens', 'total_tokens'] as const) sums[name] += tokens![name]!;
      most = Math.max(most, rate!.cumulative_tokens);
    }
  }
  expect(counted).toBe(attempts.finished + attempts.errors);
  expect(usage.tokens).toMatchObject(sums);
  // The deployment's own count, which no other run shared, has seen them all.
  expect(most).toBeGreaterThanOrEqual(sums.total_tokens);
});
