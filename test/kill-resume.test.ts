import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { killAndResume } from './support/kill-and-resume.ts';

it('finishes every attempt once and accounts for every call when it is killed at random instants and resumed', { timeout: 180_000 }, async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'assay-kill-'));
  try {
    const report = await killAndResume({ cwd, attempts: 400, kills: 6, seed: 1 });
    expect(report.kills).toBeGreaterThan(0);
    expect(report.goals).toEqual({ planned: 400, byOutcome: { attack_succeeded: 400 } });
    expect(report.attempts).toEqual({ finished: 400, errors: 0 });
    expect(report.madeUp).toBe(0);
    expect(report.unaccounted).toBe(0);
    // At most what was in flight at each kill was lost.
    expect(report.calls.lost).toBeLessThanOrEqual(report.kills * 8);
    expect(report.tokens.ledger).toBe(report.tokens.provider);
    expect(report.tokens.ledger).toBeGreaterThan(0);
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});
