import { systemClock, type CallRecord, type Clock } from '../../core/index.ts';
import { Ledger, priceTable, type PriceTable } from '../../ledger/index.ts';
import { createLimiter, type DeploymentStats, type Limiter, type Limits } from '../../limiter/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import type { OutgoingCall } from '../outgoing-call.ts';
import type { RetryPolicy } from '../retry.ts';
import { Transport, type TransportOptions } from '../transport.ts';

export const DEPLOYMENT = 'compat/here/any-model';

/** Retries at once, so that tests need not wait. */
export const QUICK_RETRY: RetryPolicy = { tries: 4, deadlineMs: 10_000, baseDelayMs: 0, maxDelayMs: 0 };

export interface Rig extends AsyncDisposable {
  readonly store: Store;
  readonly limiter: Limiter;
  readonly ledger: Ledger;
  readonly transport: Transport;
  /** All ledger rows, oldest first. */
  rows(): Promise<CallRecord[]>;
  /** The one row there is. */
  row(): Promise<CallRecord>;
  statuses(): Promise<(string | undefined)[]>;
  stats(): DeploymentStats;
}

export interface RigOptions {
  readonly clock?: Clock;
  readonly limits?: Limits;
  readonly prices?: PriceTable;
  readonly dispatcher?: TransportOptions['dispatcher'];
  /** Stands between the ledger and its store. */
  readonly writing?: (store: Store) => Pick<Store, 'write'>;
  /** Stands between transport and the limiter. */
  readonly limiting?: (limiter: Limiter) => Limiter;
}

/** Transport over a real ledger, a real limiter and a store in memory. */
export async function openRig(options: RigOptions = {}): Promise<Rig> {
  const clock = options.clock ?? systemClock;
  const store = await openStore('sqlite::memory:');
  const limiter = createLimiter({ clock, limitsFor: () => options.limits, random: { next: () => 0 } });
  const ledger = new Ledger({ store: options.writing?.(store) ?? store });
  const transport = new Transport({
    limiter: options.limiting?.(limiter) ?? limiter,
    ledger,
    prices: options.prices ?? priceTable(),
    clock,
    random: { next: () => 0 },
    ...(options.dispatcher === undefined ? {} : { dispatcher: options.dispatcher }),
  });
  const rows = (): Promise<CallRecord[]> => store.calls({});
  return {
    store,
    limiter,
    ledger,
    transport,
    rows,
    row: async () => {
      const [row, ...others] = await rows();
      if (row === undefined || others.length > 0) throw new Error(`the ledger has ${others.length + (row === undefined ? 0 : 1)} rows, not one`);
      return row;
    },
    statuses: async () => (await rows()).map((row) => row.settlement?.status),
    stats: () => limiter.statsOf(DEPLOYMENT),
    [Symbol.asyncDispose]: async () => {
      await transport.close();
      await limiter.close();
      await store.close();
    },
  };
}

/** A chat completion of one message, to the server at `url` (`http://HOST:PORT`). */
export function chatCall(url: string, part: Partial<OutgoingCall> & { readonly ask?: Readonly<Record<string, unknown>> } = {}): OutgoingCall {
  const { ask, ...call } = part;
  return {
    url: `${url}/v1/chat/completions`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'any-model', messages: [{ role: 'user', content: 'hello' }], ...ask }),
    target: 'compat:here#any-model',
    deployment: DEPLOYMENT,
    simulated: false,
    retry: QUICK_RETRY,
    ...call,
  };
}
