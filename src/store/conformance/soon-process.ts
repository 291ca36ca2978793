/*
 * Opens and settles calls by `writeSoon` from a process of its own, eight at a time, with a branch and an ordinary write now and then, and
 * prints each write once it is acknowledged, until it is killed:
 *   node soon-process.ts LOCATION RUN
 */
import { writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { openStore } from '../open-store.ts';
import { sampleFork, sampleGoal, sampleIntent, sampleRun, sampleSettlement } from './samples.ts';

const [location, runId] = process.argv.slice(2) as [string, string];
const store = await openStore(location);
await store.write({ op: 'run.insert', run: sampleRun(runId) });

// Straight to the pipe: what has been printed must have been acknowledged, and nothing may wait in a buffer.
const tell = (what: string): void => void writeSync(1, `${what}\n`);

let next = 0;
const work = async (): Promise<never> => {
  for (;;) {
    const n = next++;
    const id = `${runId}-${String(n).padStart(7, '0')}`;
    const branch = n % 7 === 0 ? `b${n}` : undefined;
    const intent = sampleIntent(id, { scope: { runId, ...(branch === undefined ? {} : { branch }) } });
    await store.writeSoon(...(branch === undefined ? [] : [{ op: 'fork.add', fork: sampleFork(runId, branch, id) } as const]), { op: 'call.open', intent });
    tell(`open ${id}`);
    for (let turns = n % 5; turns > 0; turns--) await turn();
    await store.writeSoon({ op: 'call.settle', settlement: sampleSettlement(id) });
    tell(`settle ${id}`);
    if (n % 40 !== 0) continue;
    await store.write({ op: 'goal.plan', goal: sampleGoal(runId, n) });
    tell(`goal ${n}`);
  }
};
await Promise.all(Array.from({ length: 8 }, work));
