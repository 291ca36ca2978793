import { once as event } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Agent, EnvHttpProxyAgent, type Dispatcher } from 'undici';
import { describeError, UsageError } from '../core/index.ts';
import { RetriedCalls } from '../transport/index.ts';
import { Access } from './access.ts';
import { CallFigures } from './call-figures.ts';
import { ClientConnection } from './client-connection.ts';
import type { Gateway, GatewayOptions, GatewayScope, ScopeOptions } from './contract.ts';
import { errorBody, errorDialect } from './error-answer.ts';
import type { GatewayCore } from './gateway-core.ts';
import { handleRequest, withoutSecrets } from './handle-request.ts';
import { Refusal } from './refusal.ts';
import { ReplayBook } from './replay-book.ts';
import { ScopeRegistry, type OpenScope } from './scope-registry.ts';
import { UpstreamTable } from './upstream-table.ts';

const MAX_HEADER_BYTES = 64 * 1024;
/** Clients close idle connections sooner: one that the server closes may just have been chosen for a request. */
const KEEP_ALIVE_MS = 75_000;
const CONNECT_TIMEOUT_MS = 10_000;
const DEFAULT_GRACE_MS = 10_000;
const HEALTH_HOLDS_MS = 1_000;
const MOST_WARNINGS = 1_000;

/**
 * Starts a server in front of model providers: every model call that passes is admitted by the limiter, is one row of the ledger, and is
 * forwarded as it came. Nothing is retried.
 *
 * @throws UsageError for upstreams that cannot be used, an address that cannot be listened on, or a missing access token beyond loopback
 * @example
 * const gateway = await startGateway({ meter, limiter, store, places, upstreams: [{ name: 'openai', kind: 'openai', url: 'https://api.openai.com/v1' }] });
 * const client = new OpenAI({ baseURL: gateway.baseUrl('openai') });
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { host = '127.0.0.1', port = 0, requestTimeoutMs = 60_000, idleTimeoutMs = 300_000, meter, store, warn = () => {} } = options;
  const { clock } = meter;
  const table = new UpstreamTable(options.upstreams);
  const access = new Access({ host, tokens: options.accessTokens ?? [] });
  table.addTo(options.places);
  const scopes = new ScopeRegistry();
  const { scope: unscopedScope, ...unscopedOptions } = options.unscoped ?? {};
  const warned = new Set<string>();
  const books = new Map<string, ReplayBook>();
  const withQuota = new Map<string, boolean>();
  const dispatcher = makeDispatcher(options.proxies, idleTimeoutMs);
  let url = '';
  let health: { readonly at: number; readonly trouble: Promise<string | undefined> } | undefined;

  const core: GatewayCore = {
    meter,
    limiter: options.limiter,
    store,
    places: options.places,
    retriedCalls: new RetriedCalls(options.meter.clock),
    table,
    access,
    scopes,
    unscoped: scopes.unscoped(unscopedScope, unscopedOptions),
    figures: new CallFigures(),
    dispatcher,
    longestWaitMs: options.longestWaitMs ?? 30_000,
    maxBodyBytes: options.maxBodyBytes ?? 64 * 1024 * 1024,
    idleTimeoutMs,
    warn,
    warnOnce: (message) => {
      if (warned.has(message) || warned.size >= MOST_WARNINGS) return;
      warned.add(message);
      warn(message);
    },
    replayBook: (runId) => {
      let book = books.get(runId);
      if (book === undefined) books.set(runId, (book = new ReplayBook(store, runId)));
      return book;
    },
    quotaPercentage: (deployment) => {
      // Limits of a deployment do not change while it is known; reading its state costs.
      if (withQuota.get(deployment) === false) return null;
      const percentage = options.limiter.statsOf(deployment).quota_percentage;
      if (withQuota.size < MOST_WARNINGS) withQuota.set(deployment, percentage !== null);
      return percentage;
    },
    storeTrouble: () => {
      const now = clock.now();
      if (health === undefined || now - health.at > HEALTH_HOLDS_MS) {
        const trouble = store.updateValue('gateway.health', () => ({ at: Math.round(now) })).then(
          () => undefined,
          (error: unknown) => describeError(error),
        );
        health = { at: now, trouble };
      }
      return health.trouble;
    },
    url: () => url,
  };

  const active = new Set<ClientConnection>();
  let closing = false;
  let onIdle: () => void = () => {};
  const serve = async (request: IncomingMessage, response: ServerResponse, invite: () => void): Promise<void> => {
    const client = new ClientConnection(response, { clock, idleTimeoutMs });
    if (closing) response.shouldKeepAlive = false;
    active.add(client);
    try {
      await handleRequest(core, request, client, invite);
    } finally {
      active.delete(client);
      if (closing) server.closeIdleConnections();
      if (active.size === 0) onIdle();
    }
  };

  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.max(50, Math.min(5_000, requestTimeoutMs / 4)),
    keepAliveTimeout: KEEP_ALIVE_MS,
    noDelay: true,
    // Some clients offer HTTP/2 on every request; they take a plain answer too.
    shouldUpgradeCallback: (request) => /websocket/i.test(request.headers.upgrade ?? ''),
  });
  server.on('request', (request, response) => void serve(request, response, () => {}));
  server.on('checkContinue', (request, response) => void serve(request, response, once(() => response.writeContinue())));
  const refuseUpgrade = (request: IncomingMessage, socket: Duplex): void => refuseConnection(core, request, socket);
  server.on('upgrade', refuseUpgrade);
  server.on('connect', refuseUpgrade);
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  url = `http://${address.family === 'IPv6' ? `[${host}]` : host}:${address.port}`;

  const asGatewayScope = (opened: OpenScope): GatewayScope => ({
    token: opened.token,
    url: `${url}/s/${opened.token}`,
    scope: opened.scope,
    baseUrl: (upstream) => `${url}/s/${opened.token}${table.basePath(upstream)}`,
    close: () => scopes.close(opened),
  });

  let closed: Promise<void> | undefined;
  const close = async (graceMs: number): Promise<void> => {
    closing = true;
    const over = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    for (const { response } of active) if (!response.headersSent) response.shouldKeepAlive = false;
    if (active.size > 0) {
      let cancel = (): void => {};
      await new Promise<void>((resolve) => {
        onIdle = resolve;
        cancel = clock.after(graceMs, resolve);
      });
      cancel();
    }
    // What is left is cut; each call of it is settled as aborted before its handler is done.
    const left = active.size > 0 ? new Promise<void>((resolve) => (onIdle = resolve)) : undefined;
    for (const { response } of active) response.destroy();
    await left;
    // Answers that were ended just now may still be on their way out.
    await Promise.race([over, flushed(clock, FLUSH_MS)]);
    server.closeAllConnections();
    await over;
    await dispatcher.destroy();
  };

  return {
    url,
    port: address.port,
    baseUrl: (upstream) => url + table.basePath(upstream),
    openScope: (scope, scopeOptions: ScopeOptions = {}) => asGatewayScope(scopes.open(scope, scopeOptions)),
    figures: () => core.figures.figures(),
    close: ({ graceMs = DEFAULT_GRACE_MS } = {}) => (closed ??= close(graceMs)),
  };
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}

const FLUSH_MS = 500;

function flushed(clock: GatewayOptions['meter']['clock'], ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

function makeDispatcher(proxies: GatewayOptions['proxies'], idleTimeoutMs: number): Dispatcher {
  // Over HTTP/2 one broken connection would take a hundred billed calls with it.
  const settings = { allowH2: false, pipelining: 1, headersTimeout: idleTimeoutMs, bodyTimeout: idleTimeoutMs, connect: { timeout: CONNECT_TIMEOUT_MS }, maxHeaderSize: MAX_HEADER_BYTES };
  if (proxies?.http === undefined && proxies?.https === undefined) return new Agent(settings);
  // Empty ones keep it from looking into the environment itself.
  return new EnvHttpProxyAgent({ ...settings, httpProxy: proxies.http ?? '', httpsProxy: proxies.https ?? '', noProxy: proxies.noProxy ?? '' });
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await event(server, 'listening');
  } catch (error) {
    throw new UsageError({ code: 'config', message: `the gateway cannot listen on ${host}:${port}: ${describeError(error)}`, hint: 'choose another address or port, or 0 for any free one', cause: error });
  }
}

/** Answers what would take the connection over: nothing that passes then could be counted. */
function refuseConnection(core: GatewayCore, request: IncomingMessage, socket: Duplex): void {
  const target = withoutSecrets(request.url ?? '/');
  const websocket = request.method !== 'CONNECT';
  if (websocket) core.warnOnce(`a WebSocket to ${target} was refused: calls over it could not be counted`);
  core.figures.refused(websocket ? 'websocket' : 'connect');
  const refusal = new Refusal({
    status: 501,
    code: websocket ? 'websocket' : 'connect',
    message: websocket ? 'this gateway passes no WebSockets: calls over them could not be counted' : 'this is a gateway, not a proxy',
    hint: websocket ? "use the API's HTTP form, or reach the provider directly" : 'set it as a base URL',
  });
  const body = errorBody(errorDialect(undefined, target), refusal);
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 501 Not Implemented\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-assay-refused: ${refusal.code}\r\nconnection: close\r\n\r\n${body}`);
  (socket as Partial<Socket>).setTimeout?.(FLUSH_MS, () => socket.destroy());
}
