import { fileURLToPath } from 'node:url';
import type { Env, Scope } from '../core/index.ts';
import type { Upstream } from '../gateway/index.ts';
import { addressVariables } from './exec-variables.ts';

export interface ExecEnvironment {
  /** What this process was given. */
  readonly env: Env;
  readonly upstreams: readonly Upstream[];
  readonly gatewayUrl: string;
  /** The trial's own address on the gateway. */
  readonly scopeUrl: string;
  readonly baseUrl: (upstream: string) => string;
  readonly scope: Scope;
  /** Location of the store, absolute. */
  readonly store: string;
  readonly run: string;
  readonly trial: string;
  readonly fields: Readonly<Record<string, string>>;
  /** An HTTPS proxy that watches for calls past the gateway; absent where the environment's own must stay. */
  readonly watcherUrl?: string;
  /** What the configuration says of telemetry, where it is on: a Node program's own meter exports what passes the gateway by. */
  readonly telemetry?: object;
  /** Folder in which programs leave a mark when they have said something that is to be said once. */
  readonly notices?: string;
}

/** The environment of a command: its own, with the ways to model providers turned to the gateway. */
export function commandEnvironment(options: ExecEnvironment): Record<string, string> {
  const { env, upstreams, gatewayUrl, scopeUrl, baseUrl, scope, store, run, trial, fields, watcherUrl, notices, telemetry } = options;
  const set: Record<string, string | undefined> = {
    ...env,
    ...addressVariables({ upstreams, baseUrl, root: scopeUrl }, env),
    ...proxyVariables(env, watcherUrl),
    NODE_OPTIONS: withRegister(env['NODE_OPTIONS']),
    ...fieldVariables(fields),
    ASSAY_RUN: run,
    ASSAY_TRIAL: trial,
    ASSAY_SCOPE: JSON.stringify(scope),
    ASSAY_SCOPE_URL: scopeUrl,
    ASSAY_GATEWAY_URL: gatewayUrl,
    ASSAY_DB: store,
    ...(notices === undefined ? {} : { ASSAY_NOTICES: notices }),
    ...(telemetry === undefined ? {} : { ASSAY_TELEMETRY: JSON.stringify(telemetry) }),
  };
  return Object.fromEntries(Object.entries(set).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** Loads the meter into Node programs. `--require` of plain JavaScript, as older Nodes that a program starts know no other way. */
function withRegister(before: string | undefined): string {
  const path = fileURLToPath(new URL('../../bin/register.cjs', import.meta.url));
  const option = `--require=${quoted(path)}`;
  if (before === undefined || before.trim() === '') return option;
  return before.includes(option) ? before : `${before} ${option}`;
}

/** As Node reads NODE_OPTIONS: double quotes hold spaces together, a backslash inside them takes the next character as it is. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `"${path.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/**
 * Only HTTPS is led past the watcher: it sees host names of tunnels. Plain HTTP would have to be forwarded request by request, and the
 * model servers that speak it stand on this machine or near it. The gateway is reached without any proxy; `[::1]` is not named, as some
 * clients fail on it, and the gateway listens on 127.0.0.1.
 */
function proxyVariables(env: Env, watcherUrl: string | undefined): Record<string, string> {
  const before = env['no_proxy'] ?? env['NO_PROXY'] ?? '';
  const hosts = before.split(',').map((host) => host.trim()).filter((host) => host !== '');
  const noProxy = hosts.includes('*') ? before : [...new Set([...hosts, '127.0.0.1', 'localhost'])].join(',');
  return {
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    ...(watcherUrl === undefined ? {} : { HTTPS_PROXY: watcherUrl, https_proxy: watcherUrl }),
  };
}

/** The fields of a trial's line: `seed` is in `ASSAY_TRIAL_SEED`. */
function fieldVariables(fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [`ASSAY_TRIAL_${name.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}`, value.replaceAll('\0', '')]));
}

/** What the environment says of proxies for HTTPS. */
export type ProxyChoice =
  /** None is set: the watcher goes straight. */
  | { readonly watch: true }
  /** One is set: the watcher goes through it. */
  | { readonly watch: true; readonly proxy: string }
  /** One is set that the watcher cannot go through: it stays as it is. */
  | { readonly watch: false };

/** `ALL_PROXY` stands for HTTPS where nothing else does. */
export function proxyChoice(env: Env): ProxyChoice {
  const given = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'].map((name) => env[name]).find((value) => value !== undefined && value !== '');
  if (given === undefined) return { watch: true };
  // What cannot be read stays as it is too: what it means is between the program and whoever set it.
  const scheme = URL.parse(given.includes('://') ? given : `http://${given}`)?.protocol;
  return scheme === 'http:' || scheme === 'https:' ? { watch: true, proxy: given } : { watch: false };
}
