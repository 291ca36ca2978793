import type { IncomingMessage } from 'node:http';
import { describeError } from '../core/index.ts';
import { recogniseProtocol } from '../protocols/index.ts';
import type { ClientConnection } from './client-connection.ts';
import { answerCounted } from './counted-call.ts';
import { errorBody, errorDialect, type ErrorDialect } from './error-answer.ts';
import { forwardUncounted } from './forward-uncounted.ts';
import type { GatewayCore } from './gateway-core.ts';
import { PROMETHEUS_TYPE, prometheusText } from './prometheus.ts';
import { linger, RequestCutError } from './read-body.ts';
import { Refusal, refusalOf } from './refusal.ts';
import { routeOf, type Route } from './route.ts';
import { answerScope } from './scope-api.ts';
import type { OpenScope } from './scope-registry.ts';
import { scopeUsage } from './scope-usage.ts';

/** Answers one request, whatever comes of it. Never rejects. */
export async function handleRequest(core: GatewayCore, request: IncomingMessage, client: ClientConnection, invite: () => void): Promise<void> {
  const route = routeOf(request.url ?? '/', request.headers['anthropic-version'] !== undefined, core.table);
  const dialect = dialectOf(route, request.url ?? '/');
  try {
    await answer(core, route, dialect, { request, client, invite });
  } catch (error) {
    if (error instanceof RequestCutError || client.gone) return;
    const refusal = refusalOf(error);
    if (refusal.code === 'internal') core.warn(`a request of ${String(request.method)} ${withoutSecrets(request.url ?? '/')} failed in the gateway: ${describeError(error)}`);
    core.figures.refused(refusal.code);
    refuse(core, client, request, dialect, refusal);
  }
}

async function answer(core: GatewayCore, route: Route, dialect: ErrorDialect, parts: { readonly request: IncomingMessage; readonly client: ClientConnection; readonly invite: () => void }): Promise<void> {
  const { request, client } = parts;
  const token = 'token' in route ? route.token : undefined;
  const scope = token === undefined ? undefined : openScope(core, token);
  if (scope === undefined) core.access.check(request.headers, queryOf(request.url ?? '/'));
  switch (route.to) {
    case 'health':
      return sendHealth(core, client);
    case 'metrics': {
      const families = core.figures.families({ stats: core.limiter.stats(), openScopes: core.scopes.size });
      return send(client, 200, PROMETHEUS_TYPE, prometheusText(families));
    }
    case 'scope': {
      const { status, body } = await answerScope(core, scope!, route.action, parts, (of) => scopeUsage(core.store, of));
      return send(client, status, 'application/json', body === undefined ? '' : JSON.stringify(body));
    }
    case 'nowhere':
      throw new Refusal({ status: 404, code: 'no_upstream', message: route.reason, hint: `this gateway serves ${core.table.mounts.map(({ upstream: { name } }) => core.table.basePath(name)).join(', ')}`, headers: { 'x-should-retry': 'false' } });
    case 'upstream': {
      const charged = core.scopes.refine(scope ?? core.unscoped, request.headers);
      const { mount, path } = route;
      const inbound = { ...parts, mount, path, dialect, charged };
      const isCall = recogniseProtocol(request.method ?? 'GET', path) !== undefined;
      return isCall ? answerCounted(core, inbound) : forwardUncounted(core, inbound);
    }
  }
}

function openScope(core: GatewayCore, token: string): OpenScope {
  const scope = core.scopes.find(token);
  if (scope !== undefined) return scope;
  throw new Refusal({ status: 401, code: 'unknown_scope', message: 'this scope is closed, or was never opened', hint: 'use an address that an open scope has', headers: { 'x-should-retry': 'false' } });
}

async function sendHealth(core: GatewayCore, client: ClientConnection): Promise<void> {
  const trouble = await core.storeTrouble();
  const { inFlight, waiting } = core.figures.figures();
  const body = { status: trouble === undefined ? 'ok' : 'failing', store: trouble ?? 'writable', in_flight: inFlight, waiting, open_scopes: core.scopes.size };
  send(client, trouble === undefined ? 200 : 503, 'application/json', JSON.stringify(body));
}

function send(client: ClientConnection, status: number, type: string, text: string): void {
  const body = Buffer.from(text);
  client.head(status, { ...(status === 204 ? {} : { 'content-type': type, 'content-length': String(body.length) }), 'cache-control': 'no-store' });
  client.end(body);
}

function refuse(core: GatewayCore, client: ClientConnection, request: IncomingMessage, dialect: ErrorDialect, refusal: Refusal): void {
  if (client.headSent) return client.breakOff();
  const body = Buffer.from(errorBody(dialect, refusal));
  const sending = !request.complete;
  if (sending) client.response.shouldKeepAlive = false;
  client.head(refusal.status, { 'content-type': 'application/json', 'content-length': String(body.length), 'x-assay-refused': refusal.code, ...refusal.headers });
  if (!sending) return client.end(body);
  client.write(body, () => undefined);
  linger(request, core.meter.clock, () => client.end());
}

function dialectOf(route: Route, target: string): ErrorDialect {
  if (route.to === 'upstream') return errorDialect(route.mount.upstream.kind, route.path);
  return errorDialect(route.to === 'nowhere' ? route.kind : undefined, target);
}

function queryOf(target: string): string {
  const start = target.indexOf('?');
  return start === -1 ? '' : target.slice(start + 1);
}

/** A target without its scope token and query, for messages. */
export function withoutSecrets(target: string): string {
  return target.replace(/\?.*$/s, '').replace(/^\/s\/[^/]*/, '/s/…');
}
