import { exportScope, Ledger, priceTable, scopeFromText, setProcessScope } from '../../ledger/index.ts';
import { systemClock } from '../../core/index.ts';
import { createLimiter } from '../../limiter/index.ts';
import { openStore } from '../../store/index.ts';
import { Places } from '../place.ts';
import { installNodeHttpTap } from '../taps/node-http-tap.ts';
import { installWorkerPatch } from '../taps/worker-patch.ts';
import { workerThread } from '../taps/worker-handover.ts';

/** What a thread of these tests is handed over. */
export interface Given {
  readonly location: string;
  readonly scope: string;
}

// A meter in miniature, loaded by a thread before its own code: as `assay/register` does, without its configuration.
const thread = workerThread();
if (thread !== undefined) {
  const given = thread.given as Given;
  const { scope, forks } = scopeFromText(given.scope);
  setProcessScope(scope, thread.counter, forks);
  const opening = openStore(given.location).then((store) => ({
    limiter: createLimiter({ clock: systemClock, limitsFor: () => undefined, random: { next: () => 0 } }),
    ledger: new Ledger({ store }),
    store,
    clock: systemClock,
    prices: priceTable(),
  }));
  installNodeHttpTap({ meter: () => opening, places: new Places(), onUncounted: () => undefined });
  installWorkerPatch({
    registerUrl: import.meta.url,
    exportScope: () => ({ ...given, scope: exportScope() }) satisfies Given,
    onWorkerCall: () => undefined,
    onUnsettled: (settlements) => void opening.then(({ store }) => store.write(...settlements.map((settlement) => ({ op: 'call.settle', settlement }) as const))),
  });
}
