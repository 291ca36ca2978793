import { isObject } from '../core/index.ts';
import { hasReference } from '../core/index.ts';
import type { Problem } from './problem.ts';

/**
 * Forms of the keys that providers hand out, from their public documentation: OpenAI and Anthropic (`sk-`), Google (`AIza`),
 * Groq, xAI, Hugging Face, GitHub, Slack, AWS, Replicate, Perplexity, NVIDIA, and signed tokens (JWT).
 */
const KEY_FORMS: readonly RegExp[] = [
  /\bsk-[A-Za-z0-9_-]{16,}/,
  /\bAIza[A-Za-z0-9_-]{30,}/,
  /\bgsk_[A-Za-z0-9]{20,}/,
  /\bxai-[A-Za-z0-9]{20,}/,
  /\bhf_[A-Za-z0-9]{20,}/,
  /\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{20,}/,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/,
  /\br8_[A-Za-z0-9]{20,}/,
  /\bpplx-[A-Za-z0-9]{20,}/,
  /\bnvapi-[A-Za-z0-9_-]{20,}/,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+/,
  /\bbearer\s+(?!\$\{)[A-Za-z0-9._~+/-]{12,}/i,
];

const URL_PASSWORD = /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:(?!\$\{)[^\s/@]+@/i;

/** Headers whose values are secrets, whatever they look like. */
const SECRET_HEADER = /authorization|api-?key|token|secret|password|cookie|credential/i;

export function isSecretHeader(name: string): boolean {
  return SECRET_HEADER.test(name);
}

/** Secrets written into the configuration itself: they would reach the store with it. Never repeats what it found. */
export function literalSecrets(document: unknown): Problem[] {
  return visit(document, []);
}

function visit(value: unknown, path: readonly PropertyKey[]): Problem[] {
  if (typeof value === 'string') return looksSecret(value, path) ? [{ path, message: 'looks like a secret; write ${ENV_NAME} in its place and set that variable' }] : [];
  if (Array.isArray(value)) return value.flatMap((member, i) => visit(member, [...path, i]));
  if (isObject(value)) return Object.entries(value).flatMap(([key, member]) => visit(member, [...path, key]));
  return [];
}

function looksSecret(text: string, path: readonly PropertyKey[]): boolean {
  const header = path.at(-2) === 'headers' && isSecretHeader(String(path.at(-1)));
  if (header && !hasReference(text)) return true;
  return KEY_FORMS.some((form) => form.test(text)) || URL_PASSWORD.test(text);
}
