/** What a caller can tell one error from another by. */
export function seenError(error: unknown): unknown {
  if (!(error instanceof Error)) return { thrown: String(error) };
  const { status, code, type } = error as { readonly status?: unknown; readonly code?: unknown; readonly type?: unknown };
  return {
    class: error.constructor.name,
    name: error.name,
    message: error.message,
    ...(status === undefined ? {} : { status }),
    ...(code === undefined ? {} : { code }),
    ...(typeof type === 'string' ? { type } : {}),
    ...(error.cause === undefined ? {} : { cause: seenError(error.cause) }),
  };
}

/** What an action fails with, or that it did not. */
export async function failure(action: () => Promise<unknown>): Promise<unknown> {
  try {
    return { unexpected: await action() };
  } catch (error) {
    return seenError(error);
  }
}

/** Headers that are the same each time. */
export function seenHeaders(headers: Headers | Readonly<Record<string, unknown>>): unknown {
  const entries = headers instanceof Headers ? [...headers] : Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), String(value)]);
  return Object.fromEntries(entries.filter(([name]) => name !== 'date').toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Every item of a stream, and what ended it where it broke. */
export async function all<Item>(stream: AsyncIterable<Item>): Promise<{ readonly items: readonly Item[]; readonly broken?: unknown }> {
  const items: Item[] = [];
  try {
    for await (const item of stream) items.push(item);
    return { items };
  } catch (error) {
    return { items, broken: seenError(error) };
  }
}

/** What a stream ends with that breaks off. How much of it comes through before is a matter of luck. */
export async function brokenOff(stream: AsyncIterable<unknown>): Promise<unknown> {
  const { items, broken } = await all(stream);
  return { began: items.length > 0, broken };
}

/** The first items of a stream, which is then left. */
export async function first<Item>(count: number, stream: AsyncIterable<Item>): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const item of stream) {
    items.push(item);
    if (items.length === count) break;
  }
  return items;
}
