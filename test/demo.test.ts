import { expect, it } from 'vitest';
import type { RunListItem, UsageView } from '../src/report/index.ts';
import { Folder } from './support/folder.ts';

it('the demo ends by itself, its run killed and resumed to its whole, and both books agree', { timeout: 120_000 }, async () => {
  await using folder = await Folder.make();
  const startedAt = performance.now();
  const { code, stdout, stderr } = await folder.cli('demo');
  expect(code, stderr + stdout).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(120_000);
  const shared = stderr.match(/Killed with SIGKILL \(kill -9\) after (\d+) of (\d+) attempts/);
  expect(shared).not.toBeNull();
  expect(stdout).toContain('Every call the provider served is in the ledger, none is made up, and every reported token agrees.');
  const row = (what: string): string[] => new RegExp(`^${what} +([\\d,]+) +([\\d,]+)$`, 'm').exec(stdout)!.slice(1);
  for (const what of ['answered calls', 'answers spoiled on the way', String.raw`errors \(5xx\)`, 'tokens, reported']) {
    const [provider, ledger] = row(what);
    expect(ledger, what).toBe(provider);
  }
  expect(row('answered calls')[0]).not.toBe('0');
  const [experiment, program, run] = await folder.json<RunListItem[]>(0, 'runs');
  expect(run).toMatchObject({ status: 'completed', simulated: true, resumes: 1, name: 'demo' });
  expect(program).toMatchObject({ status: 'completed', simulated: true, resumes: 1, name: 'demo-program' });
  expect(experiment).toMatchObject({ status: 'completed', simulated: true, name: 'demo-experiment' });
  expect(stdout).toContain('the program is done: 60 of 60 notes summarised');
  // What was answered before the kill came from the store, and was served once.
  const replayed = await folder.json<UsageView>(0, 'usage', program!.run);
  expect(replayed.replayed).toBeGreaterThanOrEqual(25);
  expect(replayed.calls.ok).toBeGreaterThanOrEqual(60);
  const usage = await folder.json<UsageView>(0, 'usage', run!.run);
  expect(usage.calls.lost).toBeGreaterThan(0);
  expect(usage.in_flight).toBeUndefined();
});
