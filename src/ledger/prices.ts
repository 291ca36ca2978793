import { type Usage } from '../core/index.ts';
import { SHIPPED_PRICES } from './shipped-prices.ts';

/** US dollars per million tokens. An absent figure is unknown, except that cache figures fall back to `input`. */
export interface Price {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
}

/** Prices by model name or glob (`*`). */
export type PriceList = Readonly<Record<string, Price>>;

export interface PriceTable {
  /** The price of a model, or `undefined` where it is unknown. */
  priceOf(model: string): Price | undefined;
  /** Cost of what was used, or `null` where usage or price is unknown. */
  costOf(model: string | null, usage: Usage): number | null;
}

/**
 * Prices shipped with Assay, with the user's own on top. An exact name wins over a glob, the longest glob over shorter
 * ones, and a dated model (`gpt-4.1-2025-04-14`) has the price of its undated name.
 */
export function priceTable(overrides: PriceList = {}): PriceTable {
  const lists = [overrides, SHIPPED_PRICES.models];
  const known = new Map<string, Price | undefined>();
  const look = (model: string): Price | undefined => {
    for (const list of lists) {
      for (const name of namesOf(model)) {
        if (Object.hasOwn(list, name)) return list[name];
        const glob = Object.keys(list)
          .filter((key) => key.includes('*') && globMatches(key, name))
          .toSorted((a, b) => b.length - a.length)[0];
        if (glob !== undefined) return list[glob];
      }
    }
    return undefined;
  };
  const priceOf = (model: string): Price | undefined => {
    if (!known.has(model)) known.set(model, look(model));
    return known.get(model);
  };
  return {
    priceOf,
    costOf: (model, usage) => {
      const price = model === null ? undefined : priceOf(model);
      return price === undefined ? null : cost(price, usage);
    },
  };
}

/** A model's own name, its name without a provider prefix, then each without its date. */
function namesOf(model: string): string[] {
  const bare = model.slice(model.lastIndexOf('/') + 1);
  return [...new Set([model, bare, model.replace(DATE, ''), bare.replace(DATE, '')])];
}

const DATE = /-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$/;

function globMatches(glob: string, name: string): boolean {
  const pattern = glob.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)).join('.*');
  return new RegExp(`^${pattern}$`).test(name);
}

function cost(price: Price, usage: Usage): number | null {
  if (usage.source === 'unknown') return null;
  const parts = [usage.inputFresh, usage.cacheRead, usage.cacheWrite, usage.outputText, usage.reasoning];
  if (parts.every((part) => part === undefined)) return null;
  const millionths =
    (usage.inputFresh ?? 0) * price.input +
    (usage.cacheRead ?? 0) * (price.cacheRead ?? price.input) +
    (usage.cacheWrite ?? 0) * (price.cacheWrite ?? price.input) +
    ((usage.outputText ?? 0) + (usage.reasoning ?? 0)) * price.output;
  return millionths / 1_000_000;
}
