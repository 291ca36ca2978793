import type { CallSums } from '../store/contract.ts';
import { count, dollars, duration } from './format.ts';

/** What a run of commands came to, in one line: `12 calls (1 failed), 3,456 tokens, $0.012, waited 1.2 s, run 2026…`. */
export function execSummary(sums: CallSums | undefined, { run, simulated }: { readonly run: string; readonly simulated: boolean }): string {
  if (sums === undefined || (sums.calls.total === 0 && sums.calls.replayed === 0)) return `no model calls, run ${run}`;
  const { calls } = sums;
  const failed = calls.total - calls.ok - calls.blocked - calls.in_flight;
  const aside = [
    failed > 0 ? `${count(failed)} failed` : '',
    calls.in_flight > 0 ? `${count(calls.in_flight)} under way` : '',
    calls.replayed > 0 ? `${count(calls.replayed)} more replayed` : '',
  ].filter((part) => part !== '');
  const unknown = sums.unknown_calls > 0 ? ` (unknown for ${count(sums.unknown_calls)} ${sums.unknown_calls === 1 ? 'call' : 'calls'})` : '';
  // Where calls were made and none has a price, zero dollars would be a lie.
  const cost = sums.cost_usd === 0 && sums.unpriced > 0 ? null : sums.cost_usd;
  return [
    `${count(calls.total)} ${calls.total === 1 ? 'call' : 'calls'}${aside.length === 0 ? '' : ` (${aside.join(', ')})`}`,
    `${count(sums.total_tokens)} tokens${unknown}`,
    cost === null ? 'cost unknown' : dollars(cost, sums.unpriced),
    ...(sums.waited_ms > 0 ? [`waited ${duration(sums.waited_ms)}`] : []),
    `run ${run}${simulated ? ' (simulated)' : ''}`,
  ].join(', ');
}
