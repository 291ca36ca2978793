import type { IncomingHttpHeaders } from 'node:http';

export type HeadersOut = Record<string, string | string[]>;

const OF_THE_CONNECTION: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-authenticate', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** What an upstream's answer takes along to the client. */
export function forwardedHeaders(headers: IncomingHttpHeaders, { omit = [] }: { readonly omit?: readonly string[] } = {}): HeadersOut {
  const out: HeadersOut = {};
  const { connection } = headers;
  const ending = connection === undefined || /^(?:keep-alive|close)$/i.test(connection) ? undefined : connection.toLowerCase().split(',').map((name) => name.trim());
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || OF_THE_CONNECTION.has(name) || omit.includes(name) || name.startsWith('x-assay-') || ending?.includes(name) === true) continue;
    out[name] = value;
  }
  return out;
}

/** What can be written in a header, as Node checks it: a header that cannot is left out rather than the answer lost. */
export function writable(headers: HeadersOut): HeadersOut {
  const fine = (value: string): boolean => !/[^\t\u0020-\u007E\u0080-\u00FF]/.test(value);
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => (typeof value === 'string' ? fine(value) : value.every(fine))));
}
