import type { Budget } from '../../limiter/index.ts';
import type { MeterDeps } from '../metered-call.ts';
import type { Places } from '../place.ts';

/** What a tap enters the calls it sees in, and how it treats them. */
export interface TapOptions {
  /** Opened at the first call that is seen; until then a tap costs nothing but a look at method and path. */
  readonly meter: () => Promise<MeterDeps>;
  readonly places: Places;
  /** Budgets that calls seen here draw on. */
  readonly budgets?: readonly Budget[];
  /** Longest wait for the limiter before a held call leaves all the same, in ms; it is then charged like one that cannot be held. */
  readonly longestWaitMs?: number;
  /**
   * Address of a gateway of ours, e.g. `http://127.0.0.1:4100`: it counts what goes there, so a tap does not. The tap tells it whom the
   * call is charged to, in `x-assay-*` headers.
   */
  readonly gatewayUrl?: string;
  /** Told once for each host and module that makes model calls past the books. */
  readonly onUncounted: (uncounted: Uncounted) => void;
  /** Told when the books failed (the store cannot be opened or written): the call in question goes uncounted. */
  readonly onFailure?: (error: unknown) => void;
  /** Calls that can be held do not leave where the books failed; by default they leave uncounted. */
  readonly strict?: boolean;
}

/** What looks like a model call on the wire and did not reach the ledger. */
export interface Uncounted {
  readonly host: string;
  readonly path: string;
  /** The package or file that made it, from the stack, or `null` where that cannot be told. */
  readonly module: string | null;
  /** Why it was not counted. */
  readonly reason: string;
}

export interface Tap {
  /** Calls under way that are entered and not yet settled. */
  readonly inFlight: number;
  /** Resolves once every call seen so far is settled. */
  settled(): Promise<void>;
  /**
   * Enters every call under way as aborted, at once: for the last moment of a process, which nothing outlives. Their rows are handed to the
   * store before it returns.
   */
  abandon(): void;
  /** Takes the tap off; calls under way are still settled. */
  remove(): void;
}
