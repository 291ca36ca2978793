import { UsageError } from '../core/index.ts';

/** Whether a value can be sent in a header as it is: printable ASCII. Clients quote what they cannot send, so nothing else may reach them. */
export function fitsHeader(value: string): boolean {
  return /^[\x20-\x7e]*$/.test(value);
}

/**
 * Headers of the config, checked.
 *
 * @param where what they are, e.g. `providers.openai.headers`
 * @throws UsageError `config` naming the header that cannot be sent, never repeating its value
 */
export function configuredHeaders(headers: Readonly<Record<string, string>> | undefined, where: string): Record<string, string> {
  const trimmed = Object.entries(headers ?? {}).map(([name, value]) => [name, value.trim()] as const);
  for (const [name, value] of trimmed) {
    if (!fitsHeader(value)) throw new UsageError({ code: 'config', message: `${where}.${name} has characters that no header may carry`, hint: 'write it in printable ASCII, on one line' });
  }
  return Object.fromEntries(trimmed);
}
