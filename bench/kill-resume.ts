/**
 * Kills a run of 2,000 attempts with SIGKILL at 50 random instants, resumes it each time, and compares the ledger with the
 * provider's own log. Usage: node bench/kill-resume.ts [attempts] [kills] [seed]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killAndResume } from '../test/support/kill-and-resume.ts';

const [attempts = 2_000, kills = 50, seed = 1] = process.argv.slice(2).map(Number);
const cwd = await mkdtemp(join(tmpdir(), 'assay-kill-bench-'));
try {
  console.log(JSON.stringify(await killAndResume({ cwd, attempts, kills, seed, slowestMs: 250 }), undefined, 2));
} finally {
  await rm(cwd, { recursive: true, force: true });
}
