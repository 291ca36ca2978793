import type { IncomingMessage } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Places, RetriedCalls } from '../transport/index.ts';
import type { Access } from './access.ts';
import type { CallFigures } from './call-figures.ts';
import type { ClientConnection } from './client-connection.ts';
import type { GatewayOptions } from './contract.ts';
import type { ErrorDialect } from './error-answer.ts';
import type { ReplayBook } from './replay-book.ts';
import type { Charged, ScopeRegistry } from './scope-registry.ts';
import type { Mount, UpstreamTable } from './upstream-table.ts';

/** What every request of a gateway is handled with. */
export interface GatewayCore extends Pick<GatewayOptions, 'meter' | 'limiter' | 'store'> {
  readonly places: Places;
  readonly retriedCalls: RetriedCalls;
  readonly table: UpstreamTable;
  readonly access: Access;
  readonly scopes: ScopeRegistry;
  readonly unscoped: Charged;
  readonly figures: CallFigures;
  readonly dispatcher: Dispatcher;
  readonly longestWaitMs: number;
  readonly maxBodyBytes: number;
  readonly idleTimeoutMs: number;
  readonly warn: (message: string) => void;
  /** The same warning is given once. */
  readonly warnOnce: (message: string) => void;
  readonly replayBook: (runId: string) => ReplayBook;
  /** What keeps the store from being written, or `undefined` where nothing does. */
  readonly storeTrouble: () => Promise<string | undefined>;
  /** Percent of a deployment's quota that is used, or `null` where none is set. */
  readonly quotaPercentage: (deployment: string) => number | null;
  /** `http://HOST:PORT` */
  readonly url: () => string;
}

/** One request on its way through. */
export interface Inbound {
  readonly request: IncomingMessage;
  readonly client: ClientConnection;
  /** Lets a client that asked first send its body. */
  readonly invite: () => void;
  readonly mount: Mount;
  /** Path and query at the upstream, as they came. */
  readonly path: string;
  readonly dialect: ErrorDialect;
  readonly charged: Charged;
}
