import type { JsonObject, RunStatus } from '../core/index.ts';
import type { QuotaAlert } from '../limiter/index.ts';
import type { Execution } from './execute-run.ts';

const TICK_MS = 1_000;

/** Records how the run stands now, with an event. */
export async function recordStatus({ store, run, clock }: Execution, status: RunStatus, reason: string | null): Promise<void> {
  const at = Math.round(clock.now());
  // Written only once the lease is held: a resume that finds the run busy changes nothing.
  const times = status === 'running' ? { startedAt: run.startedAt ?? at, endedAt: null, resumes: run.resumes, config: run.config, engagement: run.engagement } : { endedAt: at };
  await store.write(
    { op: 'run.update', id: run.id, patch: { status, reason, ...times } },
    { op: 'event.add', event: { runId: run.id, at, type: 'run.status', data: { status, reason } } },
  );
}

/** One event a second while the run goes on, for live views. Returns how to stop. */
export function ticking({ store, clock, run, progress }: Execution): () => void {
  let cancel = (): void => {};
  let last = '';
  const tick = (): void => {
    cancel = clock.after(TICK_MS, () => {
      const data = { ...progress.snapshot() };
      const text = JSON.stringify(data);
      // A store that cannot be written shows in the goals' own writes.
      if (text !== last) store.write({ op: 'event.add', event: { runId: run.id, at: Math.round(clock.now()), type: 'tick', data } }).catch(() => {});
      last = text;
      tick();
    });
  };
  tick();
  return () => cancel();
}

/** Says that a quota passed one of its alert percentages, and what is still to come. */
export function announceQuota(alert: QuotaAlert, { progress, announce, store, run, clock, halt }: Execution): void {
  const { planned, finished } = progress.snapshot();
  const remaining = planned === null ? null : planned - finished;
  const left = remaining === null ? 'more attempts are being planned' : `at least ${remaining} attempts remaining`;
  announce(`quota at ${alert.percentage.toFixed(1)} % on ${alert.deployment} (${alert.cumulativeTokens} of ${alert.quotaTokens} tokens): ${left}`);
  const data: JsonObject = { deployment: alert.deployment, threshold: alert.threshold, percentage: alert.percentage, remaining_attempts: remaining };
  store
    .write({ op: 'event.add', event: { runId: run.id, at: Math.round(clock.now()), type: 'quota.alert', data } })
    .catch((error: unknown) => halt.fail(error));
}
