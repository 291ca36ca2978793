import { systemClock } from '../../core/index.ts';
import { priceTable } from '../../ledger/index.ts';
import type { Tap, TapOptions, Uncounted } from '../taps/contract.ts';
import { installNodeHttpTap } from '../taps/node-http-tap.ts';
import { Places } from '../place.ts';
import { openRig, type Rig, type RigOptions } from './rig.ts';

/** A tap on node:http over real books. */
export interface TappedRig extends Rig {
  readonly tap: Tap;
  readonly uncounted: readonly Uncounted[];
  readonly failures: readonly unknown[];
  /** What became of the one call there is, once it has ended. */
  fate(): Promise<string | undefined>;
}

/** Taps node:http in this process until it is disposed of; then no call may be left open. */
export async function openTappedRig(options: RigOptions & { readonly tap?: Partial<TapOptions> } = {}): Promise<TappedRig> {
  const rig = await openRig(options);
  const uncounted: Uncounted[] = [];
  const failures: unknown[] = [];
  const { limiter, ledger } = rig;
  const meter = { limiter, ledger, clock: systemClock, prices: options.prices ?? priceTable() };
  const tap = installNodeHttpTap({
    meter: () => Promise.resolve(meter),
    places: new Places(),
    onUncounted: (one) => uncounted.push(one),
    onFailure: (error) => failures.push(error),
    ...options.tap,
  });
  return {
    ...rig,
    tap,
    uncounted,
    failures,
    fate: async () => {
      await tap.settled();
      if (failures.length > 0) throw failures[0];
      return (await rig.row()).settlement?.status;
    },
    [Symbol.asyncDispose]: async () => {
      tap.remove();
      await tap.settled();
      await rig[Symbol.asyncDispose]();
    },
  };
}
