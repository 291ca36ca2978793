import type { IncomingMessage } from 'node:http';
import { isObject, parseJson, type Scope } from '../core/index.ts';
import { requireName, requirePath } from '../ledger/index.ts';
import type { ReportedScore } from './contract.ts';
import type { GatewayCore } from './gateway-core.ts';
import { checkLength, plainText, readBody } from './read-body.ts';
import { Refusal } from './refusal.ts';
import type { ScopeAction } from './route.ts';
import type { OpenScope } from './scope-registry.ts';

/** The answer to a request of a program about its own scope. */
export interface ScopeAnswer {
  readonly status: number;
  readonly body?: object;
}

const METHODS: Readonly<Record<ScopeAction, readonly string[]>> = { scopes: ['POST'], usage: ['GET', 'HEAD'], score: ['POST'], itself: ['GET', 'HEAD', 'DELETE'] };

const MOST_BYTES = 64 * 1024;

/**
 * What a program behind the gateway may do with its scope: open branches, trials, roles and phases in it (`POST /scopes`), ask what it used
 * (`GET /usage`), report a score (`POST /score`), close it (`DELETE`).
 *
 * @throws Refusal or UsageError for requests that cannot be understood
 */
export async function answerScope(core: GatewayCore, scope: OpenScope, action: ScopeAction, { request, invite }: { readonly request: IncomingMessage; readonly invite: () => void }, usage: (scope: Scope) => Promise<object>): Promise<ScopeAnswer> {
  const method = request.method ?? 'GET';
  if (!METHODS[action].includes(method)) {
    throw new Refusal({ status: 405, code: 'method_not_allowed', message: `${method} is not possible here`, hint: `use ${METHODS[action].join(' or ')}`, headers: { allow: METHODS[action].join(', ') } });
  }
  switch (action) {
    case 'itself':
      if (method !== 'DELETE') return { status: 200, body: scopeBody(core, scope) };
      core.scopes.close(scope);
      return { status: 204 };
    case 'usage':
      return { status: 200, body: await usage(scope.scope) };
    case 'scopes': {
      const opened = core.scopes.open(readPart(await readJson(request, invite)), scope.options, scope);
      return { status: 201, body: scopeBody(core, opened) };
    }
    case 'score': {
      const score = readScore(await readJson(request, invite));
      const { onScore } = scope.options;
      if (onScore === undefined) throw new Refusal({ status: 409, code: 'no_score_wanted', message: 'nobody takes scores for this scope', hint: 'report scores in a scope that a trial was started with' });
      onScore(score);
      return { status: 202, body: { accepted: score } };
    }
  }
}

/** Addresses of a scope: its own, and base URLs for the SDKs of every upstream. */
export function scopeBody(core: GatewayCore, { token, scope }: OpenScope): object {
  const url = `${core.url()}/s/${token}`;
  const baseUrls = Object.fromEntries(core.table.mounts.map(({ upstream: { name } }) => [name, url + core.table.basePath(name)]));
  return { url, token, scope, ...Object.fromEntries(Object.entries(baseUrls).map(([name, base]) => [`${name}_base_url`, base])) };
}

async function readJson(request: IncomingMessage, invite: () => void): Promise<Record<string, unknown>> {
  checkLength(request, MOST_BYTES);
  invite();
  const text = await plainText(await readBody(request, MOST_BYTES), request.headers['content-encoding'], MOST_BYTES);
  const body = text.trim() === '' ? {} : parseJson(text);
  if (!isObject(body)) throw new Refusal({ status: 400, code: 'bad_request', message: 'the body is not a JSON object', hint: 'send one, e.g. {"branch": "a"}' });
  return body;
}

const PARTS = ['trial', 'branch', 'role', 'phase'] as const;

function readPart(body: Record<string, unknown>): Scope {
  const part: { -readonly [Part in (typeof PARTS)[number]]?: string } = {};
  for (const name of Object.keys(body)) {
    if (!(PARTS as readonly string[]).includes(name)) throw new Refusal({ status: 400, code: 'bad_request', message: `a scope has no ${JSON.stringify(name)}`, hint: `give any of ${PARTS.join(', ')}` });
  }
  for (const name of PARTS) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (name === 'branch') requirePath(value);
    else requireName(name, value);
    part[name] = value;
  }
  if (Object.keys(part).length === 0) throw new Refusal({ status: 400, code: 'bad_request', message: 'the scope has no name', hint: `give any of ${PARTS.join(', ')}` });
  return part;
}

function readScore({ value, threshold = null, reason = null, name = 'score' }: Record<string, unknown>): ReportedScore {
  if (!isShare(value)) throw badScore('value', 'a number from 0 to 1');
  if (threshold !== null && !isShare(threshold)) throw badScore('threshold', 'a number from 0 to 1');
  if (reason !== null && typeof reason !== 'string') throw badScore('reason', 'a text');
  if (typeof name !== 'string' || name.trim() === '' || name.length > LONGEST_NAME) throw badScore('name', `a text of 1 to ${LONGEST_NAME} characters`);
  return { value, threshold, reason, name };
}

const LONGEST_NAME = 200;

function isShare(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

function badScore(member: string, wanted: string): Refusal {
  return new Refusal({ status: 400, code: 'bad_request', message: `the score's ${member} is not ${wanted}`, hint: 'send {"value": 0.8, "threshold": 0.5, "reason": "…", "name": "…"}; value alone is enough' });
}
