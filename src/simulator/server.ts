import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newId, systemClock, UsageError } from '../core/index.ts';
import { Brain } from './brain.ts';
import { type Decision, decide, type DecideContext, readProfile, refuse } from './decide.ts';
import { defaultPlaybook } from './default-playbook.ts';
import { Exchange, type ExchangeContext } from './exchange.ts';
import { LimitBook } from './limits/limit-book.ts';
import type { SimulatorOptions } from './options.ts';
import type { Playbook } from './playbook.ts';
import { PROFILES } from './profiles.ts';
import { RequestLog } from './request-log.ts';
import { RetryCounter } from './retries.ts';
import type { ServedRequest } from './served.ts';
import { type SimStats, Tally } from './stats.ts';
import { loadTokenizer } from './tokenizer.ts';
import { validatePlaybooks, validateSimulatorOptions } from './validate-options.ts';
import { keyOf } from './wire/dialect.ts';
import { modelList, modelObject } from './wire/models.ts';
import { findRoute, type Route } from './wire/routes.ts';

/** A running simulated provider. */
export interface Simulator {
  /** Base address without a path, e.g. `http://127.0.0.1:4010`. */
  readonly url: string;
  readonly port: number;
  stats(): SimStats;
  /** The last requests, oldest first. */
  log(limit?: number): ServedRequest[];
  /**
   * Takes on playbooks whose rules come before all others, from the next request on; one of the same name is replaced.
   *
   * @throws UsageError that names the rule that cannot be used
   */
  learn(playbooks: readonly Playbook[]): void;
  /** Forgets stats, log, limits and retries, as if just started. */
  reset(): void;
  /** Ends all connections and stops listening. */
  close(): Promise<void>;
  /** So that `await using simulator = await startSimulator()` closes it. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What is forgotten on a reset. A request keeps the books it was received under. */
interface Books {
  readonly tally: Tally;
  readonly limits: LimitBook;
  readonly retries: RetryCounter;
}

const LARGEST_BODY = 32 * 1024 * 1024;

/**
 * Starts a simulated model provider over HTTP.
 *
 * @example
 * const simulator = await startSimulator({ seed: 7, limits: { kind: 'sliding-window', rpm: 600 } });
 * // OpenAI-compatible at `${simulator.url}/v1`, Azure-compatible at `simulator.url`, Anthropic-compatible at `simulator.url`
 * await simulator.close();
 * @throws UsageError naming the option that cannot be used, or the address that cannot be listened on
 */
export async function startSimulator(given: SimulatorOptions = {}): Promise<Simulator> {
  const options = validateSimulatorOptions(given);
  const clock = options.clock ?? systemClock;
  const seed = options.seed ?? 1;
  const profiles = { ...PROFILES, ...options.profiles };
  let playbooks = [...(options.playbooks ?? []), ...(options.everyday === false ? [] : [defaultPlaybook])];
  const log = new RequestLog({ path: options.log, size: options.logSize ?? 1000 });
  const openBooks = (): Books => ({
    tally: new Tally(),
    limits: new LimitBook({ limits: options.limits, limitsByModel: options.limitsByModel ?? {} }),
    retries: new RetryCounter(),
  });
  let books = openBooks();
  let brain = new Brain(seed, playbooks);
  const tokenizer = await loadTokenizer();
  const fixed: Omit<DecideContext, 'brain' | 'limits' | 'retries'> & Omit<ExchangeContext, 'tally'> = {
    seed,
    clock,
    tokenizer,
    profiles,
    otherModels: options.otherModels,
    faults: options.faults,
    slowFirstByteMs: options.slowFirstByteMs ?? 2000,
    cache: options.cache === 'hash' ? { fraction: options.cacheFraction ?? 0.5, minTokens: options.cacheMinTokens ?? 1024 } : undefined,
    hangMs: options.hangMs ?? 30_000,
    log: (served) => log.append(served),
  };

  const serve = (request: IncomingMessage, response: ServerResponse, route: Route, body: string | undefined): void => {
    const requestId = `req_${newId()}`;
    const header = (name: string): string | undefined => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    const { dialect } = route;
    const context = { ...fixed, ...books, brain };
    const decideRoute = (): Decision => {
      if (route.to === 'nowhere') return refuse(route.problem, null);
      if (options.apiKeys !== undefined && !options.apiKeys.includes(keyOf(request.headers, dialect) ?? '')) return refuse({ kind: 'unauthorized' }, null);
      if (body === undefined) return refuse({ kind: 'body_too_large' }, null);
      if (route.to === 'format') return decide({ requestId, dialect, body, header, format: route.format, modelInPath: route.modelInPath }, context);
      if (route.model === undefined) return { ...LISTING, listing: modelList(Object.keys(profiles), dialect) };
      const known = Object.hasOwn(profiles, readProfile(route.model, fixed).profileName);
      return known ? { ...LISTING, listing: modelObject(route.model, dialect) } : refuse({ kind: 'unknown_model', model: route.model }, null);
    };
    const format = route.to === 'format' ? route.format : undefined;
    const endpoint = route.to === 'models' ? 'models' : (format?.endpoint ?? null);
    books.tally.received();
    new Exchange({ requestId, dialect, endpoint, format, call: header('x-assay-call') ?? null, decision: decideRoute() }, response, context).run();
  };

  const stats = (): SimStats => books.tally.stats(seed, books.limits.otherTenant(clock.now()));
  const reset = (): void => {
    books = openBooks();
    log.forget();
  };
  const own = (request: IncomingMessage, response: ServerResponse, url: string): void => {
    const path = url.split('?', 1)[0];
    if (path === '/__sim/stats' && request.method === 'GET') return sendJson(response, 200, stats());
    if (path === '/__sim/log' && request.method === 'GET') {
      const limit = Number(new URL(url, 'http://localhost').searchParams.get('limit') ?? 100);
      return sendJson(response, 200, { requests: log.last(Number.isInteger(limit) && limit >= 0 ? limit : 100) });
    }
    if (path === '/__sim/reset' && request.method === 'POST') {
      reset();
      return sendJson(response, 200, { reset: true });
    }
    return sendJson(response, 404, { error: 'there are GET /__sim/stats, GET /__sim/log?limit= and POST /__sim/reset' });
  };

  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, (request, response) => {
    const url = request.url ?? '/';
    readBody(request, (body) => {
      if (url.startsWith('/__sim/')) own(request, response, url);
      else serve(request, response, findRoute(request.method ?? 'GET', url, request.headers), body);
    });
  });
  const host = options.host ?? '127.0.0.1';
  const port = await listen(server, host, options.port ?? 0).catch((error: unknown) => {
    log.close();
    throw error;
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => {
        // Closed sockets still tell their exchanges, which write down that the client was cut off.
        setImmediate(() => {
          log.close();
          resolve();
        });
      });
      server.closeAllConnections();
    });
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    stats,
    log: (limit = 100) => log.last(limit),
    learn: (more) => {
      const names = new Set(validatePlaybooks(more).map(({ name }) => name));
      playbooks = [...more, ...playbooks.filter(({ name }) => !names.has(name))];
      brain = new Brain(seed, playbooks);
    },
    reset,
    close,
    [Symbol.asyncDispose]: close,
  };
}

const LISTING: Decision = { model: null, fault: undefined, retry: null, headers: {}, delayMs: 0 };

/** Collects a request's body; a client that leaves meanwhile was never served, and is not called back for. */
function readBody(request: IncomingMessage, done: (body: string | undefined) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= LARGEST_BODY) chunks.push(chunk);
  });
  request.on('end', () => {
    if (length > LARGEST_BODY) done(undefined);
    else done(chunks.length === 1 ? chunks[0]!.toString('utf8') : Buffer.concat(chunks).toString('utf8'));
  });
  // An error here is the client leaving in the middle of its request.
  request.on('error', () => undefined);
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const hint = cause.code === 'EADDRINUSE' ? 'take another port, or 0 for a free one' : 'check host and port';
      reject(new UsageError({ code: 'config', message: `the simulator cannot listen on ${host}:${port} (${cause.code ?? cause.message})`, hint, cause }));
    });
    server.listen({ host, port, backlog: 4096 }, () => resolve((server.address() as AddressInfo).port));
  });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
