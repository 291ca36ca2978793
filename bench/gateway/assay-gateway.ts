/**
 * The gateway as it runs for users: a durable ledger in a file, limits shared through a file that are counted and never come near, so that
 * prompts' tokens are estimated and not counted. Prints its port.
 * Usage: node assay-gateway.ts http://HOST:PORT FILE
 */
import { systemClock } from '../../src/core/index.ts';
import { startGateway } from '../../src/gateway/index.ts';
import { Ledger, priceTable } from '../../src/ledger/index.ts';
import { createLimiter, openSharedState } from '../../src/limiter/index.ts';
import { openStore } from '../../src/store/index.ts';
import { Places } from '../../src/transport/index.ts';

const [upstream, file] = process.argv.slice(2) as [string, string];
const store = await openStore(`sqlite:${file}`);
const shared = openSharedState(store.sharedStatePath!);
const limiter = createLimiter({
  clock: systemClock,
  limitsFor: () => ({ rpm: 1e9, tpm: 1e12, concurrency: 4_096 }),
  shared,
  history: (deployment, since) => store.callsSince(deployment, since),
  quotaUse: (deployment, since) => store.tokensSince(deployment, since),
});
const meter = { limiter, ledger: new Ledger({ store }), clock: systemClock, prices: priceTable() };
const gateway = await startGateway({ meter, limiter, store, places: new Places(), upstreams: [{ name: 'openai', kind: 'openai', url: `${upstream}/v1`, provider: 'openai' }], warn: console.error });
console.log(JSON.stringify({ port: gateway.port }));
process.stdin
  .on('end', () => {
    void gateway
      .close()
      .then(() => limiter.close())
      .then(() => store.close())
      .then(() => shared.close())
      .then(() => process.exit());
  })
  .resume();
