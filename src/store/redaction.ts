import { isObject } from '../core/index.ts';

/** A value that must never be stored, and the name it is replaced by: the variable or header it came from. */
export interface Secret {
  readonly name: string;
  readonly value: string;
}

/** Takes secrets out of text on its way into the store, a log or a page. */
export interface Redactor {
  /** Replaces known secrets alone. For model content: a key that a model leaks is a finding and stays. */
  content(text: string): string;
  /** Replaces known secrets and whatever looks like a credential. For configs, headers, errors and events. */
  metadata(text: string): string;
  /** `content` in every string of a JSON value; the value itself where nothing had to go. */
  contentOf<T>(value: T): T;
  /** `metadata` in every string of a JSON value, and values under credential names such as `authorization`. */
  metadataOf<T>(value: T): T;
  /** Whether a known secret occurs in the text, in any form that is looked for. */
  hasSecret(text: string): boolean;
  /** Makes more secrets known, e.g. a key that was read after the store was opened. */
  add(...secrets: readonly (Secret | string)[]): void;
}

/** A shorter value is too likely to be an ordinary word. */
const SHORTEST_SECRET = 6;

interface Form {
  readonly text: string;
  readonly mark: string;
}

/**
 * Knows secrets by value and finds them as they are, URL-encoded, in base64 (both alphabets) and escaped in JSON.
 *
 * @param secrets a bare string goes by the name `secret`; values under six characters are left alone
 */
export function createRedactor(secrets: readonly (Secret | string)[] = []): Redactor {
  let forms: readonly Form[] = [];

  const add = (...more: readonly (Secret | string)[]): void => {
    const all = new Map(forms.map((form) => [form.text, form]));
    for (const secret of more) {
      const { name, value } = typeof secret === 'string' ? { name: 'secret', value: secret } : secret;
      const mark = `[redacted:${name.replaceAll(/[^\w.:-]/g, '_')}]`;
      for (const text of formsOf(value.trim())) if (!all.has(text)) all.set(text, { text, mark });
    }
    // The longest first: a secret inside a longer one must not leave the rest of it standing.
    forms = [...all.values()].toSorted((a, b) => b.text.length - a.text.length);
  };

  const hasSecret = (text: string): boolean => forms.some((form) => text.includes(form.text));
  const content = (text: string): string => {
    if (!hasSecret(text)) return text;
    let clean = text;
    for (const form of forms) clean = clean.replaceAll(form.text, () => form.mark);
    return clean;
  };
  const metadata = (text: string): string => redactPatterns(content(text));

  add(...secrets);
  return {
    content,
    metadata,
    contentOf: (value) => mapStrings(value, content),
    metadataOf: (value) => mapStrings(value, metadata, isCredentialName),
    hasSecret,
    add,
  };
}

function formsOf(value: string): string[] {
  if (value.length < SHORTEST_SECRET) return [];
  const bytes = Buffer.from(value, 'utf8');
  const percent = encodeURIComponent(value);
  const escaped = JSON.stringify(value).slice(1, -1);
  return [
    value,
    percent,
    percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    percent.replaceAll('%20', '+'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    escaped,
    // JSON carried as a string inside JSON, e.g. a tool call's arguments.
    JSON.stringify(escaped).slice(1, -1),
  ];
}

/** Value patterns: what looks like a credential whoever it belongs to. From the issuers' published key formats. */
const PATTERNS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]{0,20000}?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, '[redacted:private-key]'],
  // OpenAI, Anthropic, OpenRouter, DeepSeek (`sk-…`) and Stripe (`sk_live_…`). A digit keeps hyphenated words out.
  [/\bsk-(?=[\w-]{0,200}?\d)[\w-]{16,}/g, '[redacted:api-key]'],
  [/\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}/g, '[redacted:api-key]'],
  // Groq, xAI, Perplexity, Replicate, NVIDIA, Hugging Face.
  [/\b(?:gsk_|xai-|pplx-|r8_|nvapi-|hf_)[\w-]{20,}/g, '[redacted:api-key]'],
  [/\bAIza[\w-]{35}/g, '[redacted:google-key]'],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, '[redacted:aws-key]'],
  [/\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})/g, '[redacted:github-token]'],
  [/\bglpat-[\w-]{20,}/g, '[redacted:gitlab-token]'],
  [/\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g, '[redacted:slack-token]'],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, '[redacted:jwt]'],
  // A digit, `=` or an inner capital tells a token from a word ("Bearer authentication is required").
  [/\b([Bb]earer|BEARER|[Bb]asic|BASIC)(\s{1,4})(?=\S{0,200}?[\d=]|\S{0,200}?[a-z][A-Z]|\S{32})[A-Za-z0-9._~+/-]{8,}={0,2}/g, '$1$2[redacted:credentials]'],
  [/\b([a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@"']{0,200}):[^\s/@"']{1,500}@/gi, '$1:[redacted:password]@'],
  [/([?&](?:api[-_]?key|key|access_token|token|sig|signature|client_secret)=)[^&\s"'<>]{6,}/gi, '$1[redacted:parameter]'],
];

function redactPatterns(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of PATTERNS) clean = clean.replace(pattern, replacement);
  return clean;
}

const CREDENTIAL_NAMES = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'api-key',
  'apikey',
  'api_key',
  'x-api-key',
  'x-goog-api-key',
  'access_token',
  'refresh_token',
  'client_secret',
  'password',
]);

function isCredentialName(name: string): boolean {
  return CREDENTIAL_NAMES.has(name.toLowerCase());
}

/** Needs no hiding under a credential name: a reference to an environment variable, or what is redacted already. */
const HARMLESS = /\$\{\w+\}|\[redacted:/;

function mapStrings<T>(value: T, map: (text: string) => string, isCredential?: (name: string) => boolean): T {
  const walk = (member: unknown, credential: boolean): unknown => {
    if (typeof member === 'string') {
      const mapped = map(member);
      return credential && mapped.trim() !== '' && !HARMLESS.test(mapped) ? '[redacted:credential]' : mapped;
    }
    if (Array.isArray(member)) return mapArray(member, (item) => walk(item, credential));
    if (isObject(member)) return mapObject(member, map, (item, name) => walk(item, isCredential?.(name) ?? false));
    return member;
  };
  return walk(value, false) as T;
}

function mapArray(list: readonly unknown[], map: (item: unknown) => unknown): readonly unknown[] {
  const mapped = list.map(map);
  return mapped.every((item, index) => item === list[index]) ? list : mapped;
}

function mapObject(object: Record<string, unknown>, mapName: (name: string) => string, map: (item: unknown, name: string) => unknown): Record<string, unknown> {
  const entries = Object.entries(object);
  const mapped = entries.map(([name, item]) => [mapName(name), map(item, name)] as const);
  const same = mapped.every(([name, item], index) => name === entries[index]![0] && item === entries[index]![1]);
  return same ? object : Object.fromEntries(mapped);
}
