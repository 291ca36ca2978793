import { KEY_HEADER, KEY_HEADERS, withoutScheme, type Access } from './access.ts';
import type { Upstream } from './contract.ts';

/** Headers as they go out: as a flat list with repeated ones kept, and by name in lower case. */
export interface OutgoingHeaders {
  readonly list: readonly string[];
  readonly byName: Readonly<Record<string, string>>;
}

/** Headers of a connection, not of a request (RFC 9110, section 7.6.1), and those that the new connection sets anew. */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const OURS = 'x-assay-';

/** What a request takes along to its upstream: nothing of the connection, nothing meant for the gateway, and the key that it shall have. */
export function outgoingHeaders(
  rawHeaders: readonly string[],
  { upstream, connection, isToken, replaced = {} }: {
    readonly upstream: Upstream;
    /** The request's own `connection` header: names further headers that end here. */
    readonly connection: string | undefined;
    readonly isToken: Access['isToken'];
    /** Headers put in place of the caller's; `null` leaves one out. */
    readonly replaced?: Readonly<Record<string, string | null>>;
  },
): OutgoingHeaders {
  const list: string[] = [];
  const byName: Record<string, string> = {};
  const ending = connection === undefined || /^(?:keep-alive|close)$/i.test(connection) ? undefined : new Set(connection.toLowerCase().split(',').map((name) => name.trim()));
  const set = { ...upstream.headers };
  const own = new Map(Object.entries(set).map(([name, value]) => [name.toLowerCase(), value]));
  for (const [name, value] of Object.entries(replaced)) if (value !== null) own.set(name, value);
  if (upstream.apiKey !== undefined) own.set(KEY_HEADER[upstream.kind], keyValue(upstream));

  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    const value = rawHeaders[i + 1]!;
    if (OF_THE_CONNECTION.has(name) || name.startsWith(OURS) || own.has(name) || replaced[name] === null || ending?.has(name) === true) continue;
    // An access token says who may come in here; the upstream has no business with it.
    if (KEY_HEADERS.includes(name) && (upstream.apiKey !== undefined || isToken(withoutScheme(value)))) continue;
    list.push(rawHeaders[i]!, value);
    byName[name] = byName[name] === undefined ? value : `${byName[name]}, ${value}`;
  }
  for (const [name, value] of own) {
    list.push(name, value);
    byName[name] = value;
  }
  return { list, byName };
}

/** The path and query as they go out: a held key replaces the one in the query, and an access token there ends here. */
export function outgoingPath(path: string, upstream: Upstream, isToken: Access['isToken']): string {
  const start = path.indexOf('?');
  if (start === -1 || !path.includes('key=', start)) return path;
  const parts = path.slice(start + 1).split('&');
  // Taken out part by part: what stays, stays as it was written.
  const kept = parts.filter((part) => !part.startsWith('key=') || (upstream.apiKey === undefined && !isToken(decoded(part.slice('key='.length)))));
  if (kept.length === parts.length) return path;
  return kept.length === 0 ? path.slice(0, start) : `${path.slice(0, start)}?${kept.join('&')}`;
}

function keyValue({ kind, apiKey }: Upstream): string {
  return KEY_HEADER[kind] === 'authorization' ? `Bearer ${apiKey ?? ''}` : (apiKey ?? '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
