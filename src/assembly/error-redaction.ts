import type { Redactor } from '../store/index.ts';

/** The same error with secrets taken out of its message and stack, and out of its causes'. */
export function withoutSecrets(error: unknown, redact: Pick<Redactor, 'metadata'>): unknown {
  for (let each = error; each instanceof Error; each = each.cause) {
    // Changed in place: whoever catches it still finds its class, code and marks.
    each.message = redact.metadata(each.message);
    if (each.stack !== undefined) each.stack = redact.metadata(each.stack);
  }
  return error;
}
