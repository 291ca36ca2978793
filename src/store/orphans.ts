import type { Store } from './contract.ts';
import { isHolderAlive } from './process-identity.ts';

/** More runs than any store has in progress at once. */
const ALL_RUNNING = 100_000;

/**
 * Ends runs whose process is gone: every run that is `running` while its lease is missing, expired or a dead process's becomes
 * `interrupted`, its calls in flight lost. Lost are also all other calls whose process on this host is gone. Doing it twice, or in
 * two processes at once, ends each once.
 *
 * @param now milliseconds since the epoch
 * @returns ids of the runs that this call ended
 */
export async function recoverOrphans(store: Store, now: number): Promise<string[]> {
  const recovered: string[] = [];
  for (const run of await store.listRuns({ status: 'running', limit: ALL_RUNNING })) {
    const lease = await store.getLease(run.id);
    const expired = lease !== undefined && lease.expiresAt <= now;
    const dead = lease !== undefined && !isHolderAlive(lease.holder);
    if (lease !== undefined && !expired && !dead) continue;
    if (lease !== undefined && dead) await store.breakLease(run.id, lease.holder.id);
    const who = lease === undefined ? '' : ` (process ${lease.holder.pid} on ${lease.holder.host})`;
    const reason = dead ? `its process ended without finishing it${who}` : expired ? `its process stopped reporting${who}` : 'no process was at work on it';
    if (await store.interruptOrphan(run.id, now, reason)) recovered.push(run.id);
  }
  // A process also leaves calls behind in runs that it does not lead, and in none.
  await store.markLostOfDead(isHolderAlive, now);
  return recovered;
}
