import type { Lease, LeaseHolder } from '../core/index.ts';
import type { Step } from './backend.ts';
import { compileHot, slot, slots } from './hot-query.ts';
import type { Db, LeasesTable } from './schema.ts';

/** Statements about leases. Each is one statement, so each is atomic in any database. */
export interface LeaseSteps {
  acquire(runId: string, holder: LeaseHolder, now: number, ttlMs: number): Step;
  renew(runId: string, holderId: string, now: number, ttlMs: number): Step;
  /** Deletes the lease if this holder has it. */
  drop(runId: string, holderId: string): Step;
}

export function leaseSteps(db: Db): LeaseSteps {
  const acquire = compileHot(
    db
      .insertInto('leases')
      .values(slots<LeasesTable>(['run_id', 'holder_id', 'host', 'pid', 'pid_started_at', 'heartbeat_at', 'expires_at']))
      .onConflict((conflict) =>
        conflict
          .column('run_id')
          .doUpdateSet((set) => ({
            holder_id: set.ref('excluded.holder_id'),
            host: set.ref('excluded.host'),
            pid: set.ref('excluded.pid'),
            pid_started_at: set.ref('excluded.pid_started_at'),
            heartbeat_at: set.ref('excluded.heartbeat_at'),
            expires_at: set.ref('excluded.expires_at'),
          }))
          .where((where) => where.or([where('leases.expires_at', '<=', slot<number>('heartbeat_at')), where('leases.holder_id', '=', slot<string>('holder_id'))])),
      ),
  );
  const renew = compileHot(
    db
      .updateTable('leases')
      .set({ heartbeat_at: slot<number>('heartbeat_at'), expires_at: slot<number>('expires_at') })
      .where('run_id', '=', slot<string>('run_id'))
      .where('holder_id', '=', slot<string>('holder_id')),
  );
  const drop = compileHot(db.deleteFrom('leases').where('run_id', '=', slot<string>('run_id')).where('holder_id', '=', slot<string>('holder_id')));
  return {
    acquire: (runId, holder, now, ttlMs) => ({
      sql: acquire.sql,
      values: acquire.bind({
        run_id: runId,
        holder_id: holder.id,
        host: holder.host,
        pid: holder.pid,
        pid_started_at: holder.pidStartedAt,
        heartbeat_at: now,
        expires_at: now + ttlMs,
      }),
    }),
    renew: (runId, holderId, now, ttlMs) => ({
      sql: renew.sql,
      values: renew.bind({ run_id: runId, holder_id: holderId, heartbeat_at: now, expires_at: now + ttlMs }),
    }),
    drop: (runId, holderId) => ({ sql: drop.sql, values: drop.bind({ run_id: runId, holder_id: holderId }) }),
  };
}

export function decodeLease(row: LeasesTable): Lease {
  return {
    runId: row.run_id,
    holder: { id: row.holder_id, host: row.host, pid: row.pid, pidStartedAt: row.pid_started_at },
    heartbeatAt: row.heartbeat_at,
    expiresAt: row.expires_at,
  };
}
