import type { ClientRequest } from 'node:http';
import { bodyText, LONGEST_BODY_BYTES } from './request-body.ts';

/**
 * Where a request goes; `null` where that cannot be told. Through a proxy that is what was asked for, not the proxy.
 */
export function urlOf(request: ClientRequest): URL | null {
  const { path } = request;
  return URL.parse(/^https?:\/\//i.test(path) ? path : `${request.protocol}//${authorityOf(request)}${path}`);
}

/** Host and port. A request tells its port only in its `Host` header, which a caller may have set to something else, and in a field of its own. */
export function authorityOf(request: ClientRequest): string {
  const own: unknown = (request as unknown as Readonly<Record<symbol, unknown>>)[authorityKey(request) ?? Symbol.iterator];
  if (typeof own === 'string') return own;
  const name = request.host.includes(':') && !request.host.startsWith('[') ? `[${request.host}]` : request.host;
  const header = request.getHeader('host');
  return typeof header === 'string' && header.replace(/:\d+$/, '').toLowerCase() === name.toLowerCase() ? header : name;
}

let authorityName: symbol | null | undefined;

function authorityKey(request: ClientRequest): symbol | null {
  authorityName ??= Object.getOwnPropertySymbols(request).find(({ description }) => description === 'kAuthority') ?? null;
  return authorityName;
}

/** The headers of a request, names in lower case, as far as they are set. */
export function headersOf(request: ClientRequest): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.getHeaders())) {
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  // Headers that were given as a list go straight into the head.
  const head: unknown = (request as unknown as { readonly _header?: unknown })._header;
  if (Object.keys(flat).length > 0 || typeof head !== 'string') return flat;
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    flat[name] = flat[name] === undefined ? value : `${flat[name]}, ${value}`;
  }
  return flat;
}

/** What a request's caller wrote, for reading. */
export class SentBody {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  /** Takes a copy: the caller may use its buffer again. */
  add(chunk: unknown, encoding: unknown): void {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return;
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8') : Buffer.from(chunk);
    this.#size += bytes.length;
    if (this.#size > LONGEST_BODY_BYTES) this.#chunks.length = 0;
    else this.#chunks.push(bytes);
  }

  /** Without its content coding; empty where it is too long to be read, or coded in a way that cannot be undone. */
  text(encoding: string | undefined): string {
    return bodyText(this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks), encoding) ?? '';
  }
}
