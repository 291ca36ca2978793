/*
 * Opens calls in no run and in a run that it does not lead, says so, and lives until it is killed or its input ends:
 *   node caller-process.ts LOCATION RUN NAME
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { openStore } from '../open-store.ts';
import { sampleIntent } from './samples.ts';

const [location, runId, name] = process.argv.slice(2) as [string, string, string];
const store = await openStore(location);
await store.write(
  { op: 'call.open', intent: sampleIntent(`${name}-1`) },
  { op: 'call.open', intent: sampleIntent(`${name}-2`, { scope: { runId } }) },
  { op: 'call.open', intent: sampleIntent(`${name}-3`, { scope: { runId, trial: name } }) },
);
writeSync(1, 'open\n');
await once(process.stdin.resume(), 'end');
await store.close();
