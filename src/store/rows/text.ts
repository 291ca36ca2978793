import type { Redactor } from '../redaction.ts';

/** JSON text of a value that came from a model or a suite: known secrets out, all else kept as evidence. */
export function contentJson(redact: Redactor, value: unknown): string {
  const text = JSON.stringify(value ?? null);
  // Strings are changed one by one, never the JSON text itself: a secret of digits alone may also occur in a number.
  return redact.hasSecret(text) ? JSON.stringify(redact.contentOf(value)) : text;
}

/** JSON text of a config, an event or an error: known secrets and whatever looks like a credential out. */
export function metadataJson(redact: Redactor, value: unknown): string {
  return JSON.stringify(redact.metadataOf(value ?? null));
}

export function content(redact: Redactor, text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : redact.content(text);
}

export function metadata(redact: Redactor, text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : redact.metadata(text);
}

/** Reads JSON text that this store wrote. */
export function fromJson<T>(text: string): T {
  return JSON.parse(text) as T;
}
