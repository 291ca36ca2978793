import { isObject, readKeyValueList } from '../core/index.ts';
import { hasReference, referencedNames, type Env } from '../core/index.ts';
import { isSecretHeader } from './literal-secret.ts';
import type { AssayConfig } from './schema.ts';

/** A value that must never be shown or stored, and what to call it in its place. */
export interface Secret {
  readonly name: string;
  readonly value: string;
}

/** Variables that hold credentials by common convention and do not end in `_API_KEY`. */
const WELL_KNOWN = [
  'ANTHROPIC_AUTH_TOKEN',
  'AWS_BEARER_TOKEN_BEDROCK',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'GITHUB_TOKEN',
  'HF_TOKEN',
  'HUGGING_FACE_HUB_TOKEN',
  'OPENAI_ADMIN_KEY',
  'REPLICATE_API_TOKEN',
] as const;

/** OPENAI_API_KEY, AZURE_OPENAI_API_KEY, AZURE_API_KEY, ANTHROPIC_API_KEY and whatever else is named so. */
const KEY_VARIABLE = /_API_KEY$/;
const SECRET_VARIABLE = /key|token|secret|passw|credential|auth/i;

/** Shorter values would black out ordinary words. */
const SHORTEST_SECRET = 6;

/**
 * Every secret that was handed to Assay: keys in the environment, in variables the configuration names, in headers and addresses.
 * Longest first, so that one that holds another is replaced whole.
 */
export function collectSecrets(config: AssayConfig, env: Env): Secret[] {
  const found = new Map<string, string>();
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined && value.length >= SHORTEST_SECRET && !found.has(value)) found.set(value, name);
  };
  for (const name of variableNames(config, env)) add(name, env[name]);
  for (const token of config.gateway.tokens) for (const variable of referencedNames(token)) add(`gateway.tokens (${variable})`, env[variable]);
  for (const { path, name, text } of [...headerValues(config.providers), ...upstreamHeaders(config.gateway), ...telemetryHeaders(config.telemetry)]) {
    if (!isSecretHeader(name) || !hasReference(text)) continue;
    for (const variable of referencedNames(text)) add(`${path} (${variable})`, env[variable]);
  }
  for (const variable of OTLP_HEADER_VARIABLES) {
    for (const [name, value] of Object.entries(readKeyValueList(env[variable]))) if (isSecretHeader(name)) add(`${variable} (${name})`, value);
  }
  for (const name of Object.keys(env)) for (const password of urlPasswords(isLocation(name) ? env[name] : undefined)) add(`password in ${name}`, password);
  return [...found].map(([value, name]) => ({ name, value })).toSorted((a, b) => b.value.length - a.value.length);
}

function variableNames(config: AssayConfig, env: Env): Set<string> {
  const names = new Set<string>(WELL_KNOWN);
  for (const name of Object.keys(env)) if (KEY_VARIABLE.test(name)) names.add(name);
  visitTexts(config, (key, text) => {
    if (key === 'apiKeyEnv') names.add(text);
    for (const name of referencedNames(text)) if (SECRET_VARIABLE.test(name)) names.add(name);
  });
  return names;
}

function visitTexts(value: unknown, visit: (key: string, text: string) => void, key = ''): void {
  if (typeof value === 'string') visit(key, value);
  else if (Array.isArray(value)) for (const member of value) visitTexts(member, visit, key);
  else if (isObject(value)) for (const [name, member] of Object.entries(value)) visitTexts(member, visit, name);
}

function headerValues(providers: AssayConfig['providers']): { readonly path: string; readonly name: string; readonly text: string }[] {
  const { compat = {}, ...others } = providers;
  const named = [...Object.entries(others), ...Object.entries(compat).map(([name, value]) => [`compat.${name}`, value] as const)];
  return named.flatMap(([provider, settings]) =>
    Object.entries(settings?.headers ?? {}).map(([name, text]) => ({ path: `providers.${provider}.headers.${name}`, name, text })),
  );
}

function upstreamHeaders({ upstreams }: AssayConfig['gateway']): ReturnType<typeof headerValues> {
  return Object.entries(upstreams).flatMap(([upstream, { headers }]) =>
    Object.entries(headers ?? {}).map(([name, text]) => ({ path: `gateway.upstreams.${upstream}.headers.${name}`, name, text })),
  );
}

function telemetryHeaders({ otlp }: AssayConfig['telemetry']): ReturnType<typeof headerValues> {
  return Object.entries(otlp.headers ?? {}).map(([name, text]) => ({ path: `telemetry.otlp.headers.${name}`, name, text }));
}

/** Variables that hold headers with credentials. */
const OTLP_HEADER_VARIABLES = ['OTEL_EXPORTER_OTLP_HEADERS', 'OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_METRICS_HEADERS'] as const;

/** Variables that hold addresses a password may stand in. */
function isLocation(name: string): boolean {
  return name === 'ASSAY_DB' || /(?:_URL|_URI|_PROXY|_DSN)$/i.test(name);
}

function urlPasswords(text: string | undefined): string[] {
  const password = text === undefined ? undefined : URL.parse(text)?.password;
  if (password === undefined || password === '') return [];
  return [...new Set([password, safelyDecoded(password)])];
}

function safelyDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
