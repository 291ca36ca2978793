/**
 * Runs a few probes as a library: node examples/run-probes.ts
 * In a project of your own, import from 'assay'.
 */
import { Assembly, createRun, parseConfig, summarizeProbes, usageView } from '../src/index.ts';

const config = parseConfig({ suites: ['probes.snowball'], targets: ['sim:weak'], budgets: { calls: 500 } });
const assembly = await Assembly.open({ config, location: 'sqlite::memory:' });
try {
  const handle = await createRun(assembly);
  const end = await handle.execute({ announce: (line) => console.error(line) });
  console.log(`run ${handle.run.id} ${end.status}, simulated: ${handle.run.simulated}`);
  for (const { probe, hits, scored, total } of await summarizeProbes(assembly.store, handle.run.id)) {
    console.log(`${probe}: ${hits} hits, scored ${scored}/${total}`);
  }
  const { calls, tokens } = await usageView(assembly.store, handle.run.id);
  console.log(`${calls.total} calls, ${tokens.total_tokens} tokens`);
} finally {
  await assembly.close();
}
