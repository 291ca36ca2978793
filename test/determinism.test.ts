import { expect, it } from 'vitest';
import { Folder, type RunDocument } from './support/folder.ts';

it('the same seed gives the same outcome for every goal, at any parallelism, with faults', { timeout: 60_000 }, async () => {
  await using folder = await Folder.make();
  // As sim:faulty, less what takes long: calls that hang.
  await folder.write(
    'assay.yaml',
    'simulator:\n  faults: { error500: 0.05, error503: 0.03, reset: 0.03, cut: 0.04, malformed: 0.03, missingUsage: 0.03, contentFilter: 0.03, empty: 0.03 }\n',
  );
  const run = (parallel: string, seed: string): Promise<RunDocument> =>
    folder.json<RunDocument>(0, 'run', 'probes.promptinject', 'probes.snowball', '--generations', '2', '--target', 'sim:weak', '--seed', seed, '--parallel', parallel, '--rpm', '60000');
  const [one, many, other] = [await run('9', '11'), await run('64', '11'), await run('64', '12')];
  await using store = await folder.store();
  const outcomes = async ({ run: id }: RunDocument): Promise<string[]> =>
    (await store.goals(id, { from: 0, limit: 10_000 })).map((goal) => `${goal.key} ${goal.outcome?.kind} ${JSON.stringify(goal.outcome)}`);
  expect(await outcomes(many)).toEqual(await outcomes(one));
  expect(await outcomes(other)).not.toEqual(await outcomes(one));
  expect(one.results).toEqual(many.results);
});
