import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { CALL_STATUSES, type CallStatus } from '../core/index.ts';
import type { CallTotals, UsageView } from '../report/index.ts';
import { usageText } from './usage-tables.ts';

function totals(calls: number, tokens: number, patch: Partial<CallTotals> = {}): CallTotals {
  const statuses = Object.fromEntries(CALL_STATUSES.map((status) => [status, status === 'ok' ? calls : 0])) as Record<CallStatus, number>;
  return {
    calls: { total: calls, ...statuses },
    tokens: { prompt_tokens: tokens, completion_tokens: 0, reasoning_tokens: null, total_tokens: tokens, estimated: 0, unknown_calls: 0 },
    cost_usd: 0,
    waited_ms: 0,
    ...patch,
  };
}

function usage(patch: Partial<UsageView>): UsageView {
  return { run: 'r1', ...totals(3, 30), by_model: { m: totals(3, 30) }, by_role: { unattributed: totals(3, 30) }, by_deployment: { d: totals(3, 30) }, by_probe: { unattributed: totals(3, 30) }, ...patch };
}

const text = (patch: Partial<UsageView>): string => usageText(usage(patch), { width: 120, colors: pc.createColors(false) });
const titles = (shown: string): string[] => [...shown.matchAll(/\n\n(\S+)/g)].map(([, title]) => title!);

describe('what a run used, as text', () => {
  it('has a table for every part that something in the run has, and none for the others', () => {
    expect(titles(text({}))).toEqual(['model', 'role', 'deployment']);
    expect(titles(text({ by_probe: { 'probes.encoding.base64': totals(3, 30) } }))).toEqual(['model', 'role', 'deployment', 'probe']);
    const all = text({
      by_probe: { 'experiments.secret': totals(3, 30) },
      by_variant: { v: totals(3, 30) },
      by_trial: { t: totals(3, 30) },
      by_phase: { p: totals(3, 30) },
      by_branch: { '(trunk)': { own: totals(3, 30), inclusive: totals(3, 30), pre_fork: totals(0, 0) } },
    });
    expect(titles(all)).toEqual(['model', 'role', 'deployment', 'plugin', 'variant', 'trial', 'phase', 'branch']);
  });

  it('names the trial it is about in place of a table of one', () => {
    const shown = text({ trial: 't', by_trial: { t: totals(3, 30) } });
    expect(shown).toMatch(/^r1, trial t\n/);
    expect(titles(shown)).toEqual(['model', 'role', 'deployment']);
  });

  it('cuts a table of thousands after its largest rows, and says what it left out', () => {
    const by_trial = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`trial-${n}`, totals(2, n === 999 ? 50 : 10)]));
    const shown = text({ by_trial }).split('\n');
    const rows = shown.filter((line) => line.startsWith('trial-')).map((line) => line.split(' ')[0]);
    expect(rows).toHaveLength(25);
    expect(rows.slice(0, 4)).toEqual(['trial-999', 'trial-0', 'trial-1', 'trial-2']);
    expect(shown.at(-1)).toBe('… 975 more with 1,950 calls and 9,750 tokens in all; --json shows every one');
  });

  it('shows both ways of attributing a branch, and does not call unknown what came before nothing', () => {
    const shown = text({
      by_branch: {
        '(trunk)': { own: totals(4, 400), inclusive: totals(6, 600), pre_fork: totals(0, 0) },
        ask: { own: totals(2, 200), inclusive: totals(2, 200), pre_fork: totals(3, 300) },
        late: { own: totals(1, 1), inclusive: totals(1, 1), pre_fork: null },
      },
    });
    const cells = shown.split('\n').map((line) => line.split(/ {2,}/));
    expect(cells.slice(-4)).toEqual([
      ['branch', 'calls', 'tokens', 'cost', 'incl. calls', 'incl. tokens', 'pre-fork calls', 'pre-fork tokens'],
      ['(trunk)', '4', '400', '$0.00', '6', '600', '0', '0'],
      ['ask', '2', '200', '$0.00', '2', '200', '3', '300'],
      ['late', '1', '1', '$0.00', '1', '1', 'unknown', 'unknown'],
    ]);
  });

  it('says what was answered from the store, where anything was', () => {
    expect(text({})).not.toContain('replayed');
    const shown = text({ replayed: 2, by_model: { m: totals(3, 30, { replayed: 2 }) } });
    expect(shown).toContain('note    2 more requests were answered from the store, free');
    expect(shown).toMatch(/^model .*replayed/m);
    expect(shown).not.toMatch(/^role .*replayed/m);
  });

  it('says so where a simulator answered all, or some', () => {
    expect(text({ simulated: true })).toMatch(/^r1 \(simulated\)\n/);
    expect(text({ simulated: true, simulated_calls: 1 })).toMatch(/^r1 \(in part simulated: 1 call\)\n/);
  });

  it('keeps control characters in names from the terminal', () => {
    expect(text({ by_trial: { 'a\u001B[2Jb': totals(1, 1) } })).not.toContain('\u001B[2J');
  });
});
