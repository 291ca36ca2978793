import { systemClock } from '../../core/index.ts';
import { priceTable } from '../../ledger/index.ts';
import { Places } from '../place.ts';
import type { Tap, TapOptions, Uncounted } from '../taps/contract.ts';
import { installUndiciTap } from '../taps/undici-tap.ts';
import { openRig, type Rig, type RigOptions } from './rig.ts';

/** A tap on undici over real books. */
export interface UndiciRig extends Rig {
  readonly tap: Tap;
  readonly uncounted: readonly Uncounted[];
  readonly failures: readonly unknown[];
}

/** Taps undici in this process until it is disposed of; then no call may be left open. */
export async function openUndiciRig(options: RigOptions & { readonly tap?: Partial<TapOptions> } = {}): Promise<UndiciRig> {
  const rig = await openRig(options);
  const uncounted: Uncounted[] = [];
  const failures: unknown[] = [];
  const { limiter } = rig;
  const meter = { limiter: options.limiting?.(limiter) ?? limiter, ledger: rig.ledger, clock: systemClock, prices: options.prices ?? priceTable() };
  const tap: Tap = installUndiciTap({
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
    [Symbol.asyncDispose]: async () => {
      tap.remove();
      await tap.settled();
      await rig[Symbol.asyncDispose]();
    },
  };
}
