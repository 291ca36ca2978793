/**
 * Headers that describe a connection or a body as its sender had it (RFC 9110, section 7.6.1, and what fetch forbids): the
 * request goes out on a connection of our own, and its body may have been added to.
 */
const OF_THE_CONNECTION = new Set(['connection', 'content-length', 'expect', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']);

/** The headers of a request that may go out with it, names in lower case. */
export function outgoingHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (OF_THE_CONNECTION.has(name.toLowerCase()) ? [] : [[name.toLowerCase(), value]])));
}
