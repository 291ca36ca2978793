/**
 * A process of its own that takes as many places as it gets, for tests of shared state. Prints one line per place:
 * the time it was admitted. Arguments: path of the state, limits as JSON, how long to go on (ms), how long a call lasts (ms).
 */
import { AssayError, systemClock } from '../../core/index.ts';
import { createLimiter, openSharedState } from '../index.ts';
import type { Limits } from '../contract.ts';

const [path = '', limitsText = '{}', runMs = '0', callMs = '0'] = process.argv.slice(2);
const shared = openSharedState(path);
const limits = JSON.parse(limitsText) as Limits;
const limiter = createLimiter({ clock: systemClock, limitsFor: () => limits, shared });
const until = systemClock.now() + Number(runMs);

async function worker(): Promise<void> {
  while (systemClock.now() < until) {
    try {
      const asked = systemClock.now();
      const place = await limiter.admit({ deployment: 'shared', promptTokens: 1, maxOutputTokens: 1, deadline: until });
      // When it was admitted, not when this process came round to hear of it.
      process.stdout.write(`${asked + place.waitedMs}\n`);
      systemClock.after(Number(callMs), () => {
        place.settle({ promptTokens: 1, outputTokens: 1, costUsd: undefined });
        place.release();
      });
    } catch (error) {
      if (AssayError.isInstance(error) && error.code === 'rate_limited') return;
      throw error;
    }
  }
}

await Promise.all(Array.from({ length: 8 }, () => worker()));
await new Promise<void>((resolve) => void systemClock.after(Number(callMs) + 20, resolve));
await limiter.close();
shared.close();
