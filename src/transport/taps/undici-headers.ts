/** Headers as undici takes them: a flat list of names and values, an object, or pairs. */
type GivenHeaders = unknown;

/** Names in lower case, several of one name joined. What is no header is left out. */
export function headersOf(given: GivenHeaders): Record<string, string> {
  const headers: Record<string, string> = {};
  each(given, (name, value) => {
    const text = textOf(value);
    if (text === undefined) return;
    const key = name.toLowerCase();
    const before = headers[key];
    headers[key] = before === undefined ? text : `${before}, ${text}`;
  });
  return headers;
}

/** The same headers as a flat list, with another content length where they name one. */
export function withContentLength(given: GivenHeaders, length: number): unknown[] {
  const flat: unknown[] = [];
  each(given, (name, value) => void flat.push(name, name.toLowerCase() === 'content-length' ? String(length) : value));
  return flat;
}

function each(given: GivenHeaders, visit: (name: string, value: unknown) => void): void {
  if (typeof given !== 'object' || given === null) return;
  if (Array.isArray(given)) {
    for (let i = 0; i + 1 < given.length; i += 2) visit(nameOf(given[i]), given[i + 1]);
  } else if (Symbol.iterator in given) {
    for (const pair of given as Iterable<unknown>) if (Array.isArray(pair)) visit(nameOf(pair[0]), pair[1]);
  } else {
    const named = given as Record<string, unknown>;
    // As undici does: inherited names are none of the caller's.
    for (const name of Object.keys(named)) visit(name, named[name]);
  }
}

function nameOf(name: unknown): string {
  return typeof name === 'string' ? name : Buffer.isBuffer(name) ? name.toString('latin1') : String(name);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  if (Array.isArray(value)) return value.map((part) => textOf(part) ?? '').join(', ');
  return typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : undefined;
}
