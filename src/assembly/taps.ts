import { AssayError, describeError, UsageError } from '../core/index.ts';
import type { AdmitRequest, Budget, Reservation } from '../limiter/index.ts';
import type { Target } from '../models/index.ts';
import { noteRefusal } from '../suites/index.ts';
import { installNodeHttpTap, installUndiciTap, type MeterDeps, type Tap, type TapOptions } from '../transport/index.ts';
import type { Assembly } from './assembly.ts';

/** Taps that are on for one run. */
export interface ProcessTaps {
  /** Takes them off, once the calls under way are settled; what does not end within a few seconds is entered as aborted. Idempotent. */
  close(): Promise<void>;
}

export interface ProcessTapOptions {
  /** Calls of other clients to their addresses are named like their own. */
  readonly targets: readonly Target[];
  /** What the run may spend. */
  readonly budget: Budget;
  /** Turns away calls that wait to be admitted when this aborts. */
  readonly drain: AbortSignal;
  /** A line for whoever watches. */
  readonly announce: (line: string) => void;
}

/** How long calls that nobody waits for any more may take to end. */
const GRACE_MS = 5_000;

let tapped = false;

/**
 * Enters the model calls that libraries make in this process in the assembly's books, for as long as a run of experiments goes on.
 *
 * @throws UsageError where another run in this process has its taps on: whose calls are whose could not be told
 */
export function tapProcess(assembly: Assembly, { targets, budget, drain, announce }: ProcessTapOptions): ProcessTaps {
  if (tapped) throw new UsageError({ message: 'another run of experiments is going on in this process', hint: 'wait for it to end, or run each in a process of its own' });
  for (const target of targets) addPlace(assembly, target);
  const meter = refusingMeter(assembly, drain);
  const options: TapOptions = {
    meter: async () => meter,
    places: assembly.places,
    budgets: [budget],
    // What is not on record did not happen: a run does not go on without its books.
    strict: true,
    onUncounted: ({ host, path, module, reason }) => announce(`warning: ${module ?? 'a module'} calls ${host}${path}, which is not counted: ${reason}`),
    onFailure: (error) => {
      // Turned away because the run is stopping: that is told otherwise.
      if (!AssayError.isInstance(error) || error.code !== 'cancelled') announce(`warning: a call could not be entered: ${describeError(error)}`);
    },
  };
  const taps: Tap[] = [];
  tapped = true;
  const stopListening = surviveStrays(announce);
  const remove = (): void => {
    for (const tap of taps) tap.remove();
    stopListening();
    tapped = false;
  };
  try {
    taps.push(installUndiciTap(options), installNodeHttpTap(options));
  } catch (error) {
    remove();
    throw error;
  }
  let closed: Promise<void> | undefined;
  return {
    close: () => {
      closed ??= settle(taps, assembly).finally(remove);
      return closed;
    },
  };
}

async function settle(taps: readonly Tap[], { clock }: Assembly): Promise<void> {
  if (taps.every((tap) => tap.inFlight === 0)) return;
  const { promise: late, resolve } = Promise.withResolvers<'late'>();
  const cancel = clock.after(GRACE_MS, () => resolve('late'));
  const settled = Promise.all(taps.map((tap) => tap.settled()));
  if ((await Promise.race([settled, late])) === 'late') for (const tap of taps) tap.abandon();
  cancel();
}

/** Without it a client's calls would be another deployment's than the target's own, with limits of its own. */
function addPlace({ places }: Assembly, { endpoint, deployment, simulated }: Target): void {
  if (endpoint === undefined) return;
  const [provider = '', account = ''] = deployment.split('/', 2);
  places.add({ url: endpoint().baseURL, provider, account, simulated });
}

/** The assembly's books; what they refuse fails the trial that asked, whatever its libraries make of the refusal. */
function refusingMeter({ meter, config }: Assembly, drain: AbortSignal): MeterDeps {
  const { limiter } = meter;
  const admit = async (request: AdmitRequest): Promise<Reservation> => {
    try {
      if (config.budgets.usd !== undefined && request.usdFor?.(1, 1) === undefined) throw unpriced(request.deployment);
      return await limiter.admit({ ...request, drain: request.drain ?? drain });
    } catch (error) {
      noteRefusal(error, { callerEnded: request.signal?.aborted === true });
      throw error;
    }
  };
  return {
    ...meter,
    limiter: {
      admit,
      observe: (signal) => limiter.observe(signal),
      charge: (deployment, actual) => limiter.charge(deployment, actual),
      countsTokens: (deployment, about) => limiter.countsTokens(deployment, about),
    },
  };
}

function unpriced(deployment: string): AssayError {
  return new UsageError({
    code: 'config',
    message: `a budget in dollars cannot be kept: no price is known for ${deployment}`,
    hint: 'set it under prices: in the config, or cap tokens with --max-tokens',
  });
}

/**
 * A promise that a trial forgot, or an error that it throws where nobody catches it (in a timer, an event), would otherwise end the
 * process, and with it every other trial.
 */
function surviveStrays(announce: (line: string) => void): () => void {
  const onRejection = (reason: unknown): void => announce(`warning: an experiment left a promise that failed without anyone to hear of it: ${describeError(reason)}`);
  const onException = (error: unknown, origin: NodeJS.UncaughtExceptionOrigin): void => {
    if (origin === 'uncaughtException') announce(`warning: an experiment threw where nobody could catch it: ${describeError(error)}`);
  };
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onException);
  return () => {
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtException', onException);
  };
}
