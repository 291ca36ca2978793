import { readKeyValueList, resolveEnv, UsageError, type Env } from '../core/index.ts';
import type { SignalPlace, TelemetrySettings } from './contract.ts';

/** What a configuration says of telemetry. */
export interface TelemetryConfig {
  readonly enabled?: boolean | undefined;
  readonly otlp: { readonly endpoint?: string | undefined; readonly headers?: Readonly<Record<string, string>> | undefined };
  readonly content: boolean;
}

type Signal = 'traces' | 'metrics';

/** The endpoint that OTLP over HTTP has by default. */
const DEFAULT_ENDPOINT = 'http://localhost:4318';
/** Shorter than closing waits, so that an export which fails at the end can still say why. */
const LONGEST_EXPORT_MS = 4_000;

/**
 * What is exported: nothing unless the configuration or the command line says so. OpenTelemetry's own variables
 * (`OTEL_EXPORTER_OTLP_*`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`) fill in what it leaves open, and switch nothing on by themselves.
 *
 * @returns `undefined` where nothing is exported
 * @throws UsageError for an address or protocol that cannot be used, or a variable that is referred to and not set
 */
export function telemetrySettings(config: TelemetryConfig, env: Env): TelemetrySettings | undefined {
  const enabled = config.enabled ?? config.otlp.endpoint !== undefined;
  if (!enabled || /^true$/i.test(env['OTEL_SDK_DISABLED'] ?? '')) return undefined;
  const traces = placeOf('traces', config, env);
  const metrics = placeOf('metrics', config, env);
  if (traces === undefined && metrics === undefined) return undefined;
  const timeout = Number(given(env, 'OTEL_EXPORTER_OTLP_TIMEOUT') ?? LONGEST_EXPORT_MS);
  return {
    ...(traces === undefined ? {} : { traces }),
    ...(metrics === undefined ? {} : { metrics }),
    content: config.content,
    timeoutMs: timeout > 0 ? Math.min(timeout, LONGEST_EXPORT_MS) : LONGEST_EXPORT_MS,
    resource: resourceOf(env),
  };
}

function placeOf(signal: Signal, { otlp }: TelemetryConfig, env: Env): SignalPlace | undefined {
  if (given(env, `OTEL_${signal.toUpperCase()}_EXPORTER`) === 'none') return undefined;
  const url = addressOf(signal, otlp.endpoint, env);
  if (url === undefined) return undefined;
  const headers = {
    ...readKeyValueList(env['OTEL_EXPORTER_OTLP_HEADERS']),
    ...readKeyValueList(env[`OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_HEADERS`]),
    ...resolveEnv(otlp.headers ?? {}, env, 'telemetry.otlp.headers'),
  };
  return { url, headers };
}

function addressOf(signal: Signal, configured: string | undefined, env: Env): string | undefined {
  if (configured !== undefined) return underBase(resolveEnv(configured, env, 'telemetry.otlp.endpoint'), signal, 'telemetry.otlp.endpoint');
  const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`;
  const protocol = given(env, `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_PROTOCOL`) ?? given(env, 'OTEL_EXPORTER_OTLP_PROTOCOL');
  if (protocol === 'grpc') {
    throw new UsageError({ code: 'config', message: 'OTEL_EXPORTER_OTLP_PROTOCOL is grpc, which is not spoken here', hint: "name the collector's address for OTLP over HTTP, usually port 4318, under telemetry.otlp.endpoint" });
  }
  const whole = given(env, own);
  if (whole !== undefined) return checked(whole, own).href;
  const base = given(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (base !== undefined) return underBase(base, signal, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  // Who names an address for one signal alone means that signal alone.
  const other = given(env, `OTEL_EXPORTER_OTLP_${signal === 'traces' ? 'METRICS' : 'TRACES'}_ENDPOINT`);
  return other === undefined ? underBase(DEFAULT_ENDPOINT, signal, own) : undefined;
}

function underBase(text: string, signal: Signal, where: string): string {
  const url = checked(text, where);
  // The address of one signal is a common slip for that of them all.
  url.pathname = `${url.pathname.replace(/\/v1\/(?:traces|metrics|logs)\/?$/, '').replace(/\/+$/, '')}/v1/${signal}`;
  return url.href;
}

function checked(text: string, where: string): URL {
  const url = URL.parse(text.trim());
  // The value is not repeated: it may hold a password.
  if (url === null || !/^https?:$/.test(url.protocol)) throw new UsageError({ code: 'config', message: `${where} is not an http:// or https:// URL`, hint: 'e.g. http://127.0.0.1:4318' });
  if (url.username !== '' || url.password !== '') {
    throw new UsageError({ code: 'config', message: `${where} holds a user name or password, which is not sent`, hint: 'put it into telemetry.otlp.headers, e.g. authorization: Basic ${OTLP_CREDENTIALS}' });
  }
  return url;
}

function resourceOf(env: Env): Record<string, string> {
  const attributes = readKeyValueList(env['OTEL_RESOURCE_ATTRIBUTES']);
  return { ...attributes, 'service.name': given(env, 'OTEL_SERVICE_NAME') ?? attributes['service.name'] ?? 'assay' };
}

/** A variable that is empty counts as not set, as the specification has it. */
function given(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === '' ? undefined : value;
}
