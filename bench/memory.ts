/**
 * Peak memory (resident set, as the kernel counts it) of a run of 10,000 and of one of 100,000 attempts against a local server in
 * another process. Usage: node bench/memory.ts [small] [large]
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCli, startSimulatorProcess } from '../test/support/processes.ts';

const [small = 10_000, large = 100_000] = process.argv.slice(2).map(Number);
const cwd = await mkdtemp(join(tmpdir(), 'assay-memory-'));
try {
  const rows = [await measure(small), await measure(large)];
  console.table(rows);
  console.log(`peak at ${large} / peak at ${small}: ${(rows[1]!.peakMb / rows[0]!.peakMb).toFixed(3)}`);
} finally {
  await rm(cwd, { recursive: true, force: true });
}

async function measure(attempts: number): Promise<{ readonly attempts: number; readonly peakMb: number; readonly seconds: number; readonly perSecond: number; readonly exit: number | null }> {
  await using simulator = await startSimulatorProcess({ seed: 1 });
  const prompts = join(cwd, `${attempts}.txt`);
  const file = createWriteStream(prompts);
  for (let i = 0; i < attempts; i++) file.write(`Say the number ${i} in words.\n`);
  await new Promise((resolve) => file.end(resolve));
  const startedAt = performance.now();
  const { child, result } = startCli(['run', 'probes.custom', '--prompts', prompts, '--detector', 'contains:words', '--target', `compat:${simulator.url}/v1#echo`, '--quiet', '--json'], {
    cwd,
    env: { ASSAY_DB: `sqlite:${join(cwd, `${attempts}.db`)}` },
  });
  let peakMb = 0;
  const sample = async (): Promise<void> => {
    const status = await readFile(`/proc/${String(child.pid)}/status`, 'utf8').catch(() => '');
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
    if (peak !== undefined) peakMb = Math.max(peakMb, Number(peak) / 1_024);
  };
  const timer = setInterval(() => void sample(), 200);
  const { code } = await result;
  clearInterval(timer);
  const seconds = (performance.now() - startedAt) / 1_000;
  return { attempts, peakMb: Math.round(peakMb), seconds: Number(seconds.toFixed(1)), perSecond: Math.round(attempts / seconds), exit: code };
}
