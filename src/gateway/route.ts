import type { UpstreamKind } from './contract.ts';
import { nativePath, type Mount, type UpstreamTable } from './upstream-table.ts';

export type ScopeAction = 'scopes' | 'usage' | 'score' | 'itself';

/** Where a request wants to go. */
export type Route =
  | { readonly to: 'health' | 'metrics' }
  | { readonly to: 'scope'; readonly token: string; readonly action: ScopeAction }
  /** `path` is the one at the upstream, query included. */
  | { readonly to: 'upstream'; readonly token: string | undefined; readonly mount: Mount; readonly path: string }
  /** `kind` is set where the path is a provider's own and nobody serves it. */
  | { readonly to: 'nowhere'; readonly token: string | undefined; readonly reason: string; readonly kind: UpstreamKind | undefined };

const SCOPE_ACTIONS: Readonly<Record<string, ScopeAction>> = { '': 'itself', '/': 'itself', '/scopes': 'scopes', '/usage': 'usage', '/score': 'score' };

/** Segments that a server may take as a way up, encoded or not. */
const WAY_UP = /(?:^|[/\\])(?:\.|%2e){1,2}(?=[/\\?#]|$)/i;

/**
 * Reads a request's target: `[/s/TOKEN][/u/UPSTREAM]PATH`.
 *
 * @param target path and query as they stand in the request, kept as they are
 * @param anthropic whether the request has Anthropic's headers: some paths of its API are OpenAI's too
 */
export function routeOf(target: string, anthropic: boolean, table: UpstreamTable): Route {
  if (!target.startsWith('/')) return { to: 'nowhere', token: undefined, reason: 'this is a gateway, not a proxy: set it as a base URL', kind: undefined };
  let path = target;
  let token: string | undefined;
  if (path.startsWith('/s/')) {
    const end = endOfSegment(path, 3);
    token = path.slice(3, end);
    path = path.slice(end);
    const action = SCOPE_ACTIONS[withoutQuery(path)];
    if (action !== undefined) return { to: 'scope', token, action };
  } else if (path === '/health' || path === '/metrics') return { to: path === '/health' ? 'health' : 'metrics' };
  if (path.includes('.', 1) || path.includes('%2')) {
    if (WAY_UP.test(withoutQuery(path))) return { to: 'nowhere', token, reason: 'the path has dot segments', kind: undefined };
  }
  if (path.startsWith('/u/')) {
    const end = endOfSegment(path, 3);
    const name = path.slice(3, end);
    const mount = table.named(name);
    if (mount === undefined) return { to: 'nowhere', token, reason: `no upstream is named ${name}`, kind: undefined };
    return { to: 'upstream', token, mount, path: startingWithSlash(mount.basePath + versioned(mount.upstream.kind, path.slice(end))) };
  }
  const kind = kindOf(withoutQuery(path), anthropic);
  const mount = kind === undefined ? undefined : table.named(kind);
  if (mount !== undefined && mount.upstream.kind === kind) return { to: 'upstream', token, mount, path: nativePath(mount, path) };
  const reason = kind === undefined ? 'no provider has this path' : `no upstream named ${kind} is configured for this path`;
  return { to: 'nowhere', token, reason, kind };
}

/**
 * Some clients want the version in their base URL where the vendor's own SDK adds it, and read the same variable (the AI SDK and
 * `ANTHROPIC_BASE_URL`, LiteLLM and `GEMINI_API_BASE`): a path that begins without one is meant as theirs.
 */
function versioned(kind: UpstreamKind, path: string): string {
  if (kind === 'anthropic' && /^\/(?:messages|models|complete)(?=[/?]|$)/.test(path)) return `/v1${path}`;
  return kind === 'gemini' && /^\/(?:models|tunedModels|cachedContents)(?=[/?]|$)/.test(path) ? `/v1beta${path}` : path;
}

/** Whose API a path is of, on the provider's own host. */
function kindOf(path: string, anthropic: boolean): UpstreamKind | undefined {
  if (path.startsWith('/v1/')) {
    if (anthropic || path === '/v1/messages' || path.startsWith('/v1/messages/')) return 'anthropic';
    return GEMINI_METHOD.test(path) ? 'gemini' : 'openai';
  }
  if (path.startsWith('/openai/')) return 'azure';
  if (GEMINI_VERSION.test(path)) return 'gemini';
  if (path.startsWith('/api/v1/')) return 'openrouter';
  return path.startsWith('/api/') ? 'ollama' : undefined;
}

/** Google's custom methods on a model: `/v1/models/NAME:generateContent`. */
const GEMINI_METHOD = /^\/v1\/(?:models|tunedModels)\/[^/]+:[A-Za-z]+$/;
const GEMINI_VERSION = /^\/(?:upload\/)?v1(?:alpha|beta)\d*\//;

function endOfSegment(path: string, from: number): number {
  for (let i = from; i < path.length; i++) {
    const code = path.charCodeAt(i);
    if (code === SLASH || code === QUESTION_MARK) return i;
  }
  return path.length;
}

const SLASH = 47;
const QUESTION_MARK = 63;

function withoutQuery(path: string): string {
  const query = path.indexOf('?');
  return query === -1 ? path : path.slice(0, query);
}

function startingWithSlash(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
