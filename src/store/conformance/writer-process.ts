/*
 * Writes goals to a store from a process of its own, twenty at a time, and prints the index of each once it is acknowledged:
 *   node writer-process.ts LOCATION RUN COUNT
 */
import { writeSync } from 'node:fs';
import { openStore } from '../open-store.ts';
import { sampleGoal, sampleRun } from './samples.ts';

const [location, runId, count] = process.argv.slice(2) as [string, string, string];
const store = await openStore(location);
await store.write({ op: 'run.insert', run: sampleRun(runId) });

let next = 0;
await Promise.all(
  Array.from({ length: 20 }, async () => {
    while (next < Number(count)) {
      const index = next++;
      await store.write({ op: 'goal.plan', goal: sampleGoal(runId, index) }, { op: 'event.add', event: { runId, at: index, type: 'goal', data: { index } } });
      // Straight to the pipe: what has been printed must have been acknowledged, and nothing may wait in a buffer.
      writeSync(1, `${index}\n`);
      if (index < 100 && Number(count) > 100) await store.updateValue('shared', (current) => ({ count: Number(current?.['count'] ?? 0) + 1 }));
    }
  }),
);
await store.close();
