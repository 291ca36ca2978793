import { systemClock, type CallRecord, type Clock } from '../../core/index.ts';
import { Ledger, priceTable, type PriceTable } from '../../ledger/index.ts';
import { createLimiter, type Limiter, type Limits } from '../../limiter/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { Places } from '../../transport/index.ts';
import type { Gateway, GatewayOptions, Upstream } from '../contract.ts';
import { startGateway } from '../start-gateway.ts';

export interface GatewayRig extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly url: string;
  readonly store: Store;
  readonly limiter: Limiter;
  readonly warnings: readonly string[];
  /** All ledger rows, oldest first. */
  rows(): Promise<CallRecord[]>;
  /** Waits until so many rows are settled, and returns all. */
  settled(count: number): Promise<CallRecord[]>;
  statuses(): Promise<(string | undefined)[]>;
}

export interface GatewayRigOptions extends Partial<Omit<GatewayOptions, 'meter' | 'limiter' | 'store' | 'places'>> {
  readonly limits?: Limits;
  readonly prices?: PriceTable;
  readonly clock?: Clock;
  /** An open store, which the caller closes; one in memory by default. */
  readonly on?: Store;
  /** Stands between the gateway and its store. */
  readonly storing?: (store: Store) => Store;
}

/** An upstream of OpenAI's kind at `url` (`http://HOST:PORT`). */
export function openAiAt(url: string, part: Partial<Upstream> = {}): Upstream {
  return { name: 'openai', kind: 'openai', url: `${url}/v1`, ...part };
}

/** A gateway over a real ledger, a real limiter and a real store. */
export async function openGatewayRig(options: GatewayRigOptions = {}): Promise<GatewayRig> {
  const { limits, prices, clock = systemClock, on, storing, upstreams = [], ...rest } = options;
  const opened = on ?? (await openStore('sqlite::memory:'));
  const store = storing?.(opened) ?? opened;
  const limiter = createLimiter({ clock, limitsFor: () => limits, random: { next: () => 0 } });
  const warnings: string[] = [];
  const meter = { limiter, ledger: new Ledger({ store }), clock, prices: prices ?? priceTable() };
  const gateway = await startGateway({ meter, limiter, store, places: new Places(), upstreams, warn: (message) => warnings.push(message), ...rest });
  const rows = (): Promise<CallRecord[]> => opened.calls({});
  return {
    gateway,
    url: gateway.url,
    store: opened,
    limiter,
    warnings,
    rows,
    settled: async (count) => {
      for (;;) {
        const all = await rows();
        if (all.filter((row) => row.settlement !== null).length >= count) return all;
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
      }
    },
    statuses: async () => (await rows()).map((row) => row.settlement?.status),
    [Symbol.asyncDispose]: async () => {
      await gateway.close({ graceMs: 0 });
      await limiter.close();
      if (on === undefined) await opened.close();
    },
  };
}

/** The store with some of its methods replaced. */
export function storeWith(store: Store, replaced: Partial<Store>): Store {
  return new Proxy(store, {
    get: (target, name) => {
      const own = (replaced as Readonly<Record<string | symbol, unknown>>)[name];
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
