import { AssayError, UsageError, type Scope } from '../core/index.ts';
import { startGateway, type Gateway, type ScopeOptions, type Upstream } from '../gateway/index.ts';
import type { Budget } from '../limiter/index.ts';
import type { Assembly } from './assembly.ts';
import { GatewayMeter } from './gateway-meter.ts';
import { resolveUpstreams } from './gateway-upstreams.ts';

export interface GatewayHostOptions {
  /** Names of upstreams that the command line gave an address: the environment does not go before these. */
  readonly said?: ReadonlySet<string>;
  readonly budget: Budget;
  /** `127.0.0.1` by default. */
  readonly host?: string;
  readonly port?: number;
  readonly accessTokens: readonly string[];
  /** Whom calls outside any scope are charged to; where absent such calls need a token that nobody has. */
  readonly unscoped?: Scope;
  readonly warn: (message: string) => void;
}

/** A gateway over an assembly's books, for one run. */
export interface GatewayHost {
  readonly gateway: Gateway;
  readonly upstreams: readonly Upstream[];
  readonly meter: GatewayMeter;
  /** What every scope of the run is under: its budget, and prices that can be kept. */
  readonly scopeOptions: Pick<ScopeOptions, 'budgets' | 'mayCall'>;
}

/** Starts a gateway with the configuration's upstreams, limits and budgets. */
export async function openGatewayHost(assembly: Assembly, options: GatewayHostOptions): Promise<GatewayHost> {
  const { config, env, store, limiter, places } = assembly;
  const { longestWaitSeconds, maxBodyMb, requestTimeoutSeconds, idleTimeoutSeconds } = config.gateway;
  const upstreams = await resolveUpstreams({ config, env, simulator: () => assembly.simulator.place() }, options.said);
  const meter = new GatewayMeter(assembly.meter);
  const scopeOptions = { budgets: [options.budget], mayCall: priced(assembly) };
  const proxies = proxiesOf(env);
  const gateway = await startGateway({
    meter: meter.deps,
    limiter,
    store,
    places,
    upstreams,
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    accessTokens: options.accessTokens,
    ...(options.unscoped === undefined ? {} : { unscoped: { ...scopeOptions, scope: options.unscoped } }),
    ...(proxies === undefined ? {} : { proxies }),
    longestWaitMs: longestWaitSeconds * 1_000,
    maxBodyBytes: Math.round(maxBodyMb * 1_048_576),
    requestTimeoutMs: requestTimeoutSeconds * 1_000,
    idleTimeoutMs: idleTimeoutSeconds * 1_000,
    warn: (message) => options.warn(assembly.redact.metadata(message)),
  });
  return { gateway, upstreams, meter, scopeOptions };
}

/** A budget of dollars holds only where a call's price is known before it leaves: other calls are turned away. */
function priced({ config, prices }: Assembly): NonNullable<ScopeOptions['mayCall']> {
  const limit = config.budgets.usd;
  return ({ model, deployment }) => {
    if (limit === undefined || (model !== null && prices.priceOf(model) !== undefined)) return;
    throw new AssayError({
      code: 'config',
      message: `no price is known for ${model ?? deployment}, so the budget of ${limit} US dollars could not be kept: the call was not made`,
      hint: `set it in the config, e.g. prices: { ${JSON.stringify(model ?? 'MODEL')}: { input: 0.4, output: 1.6 } } in dollars per million tokens, or cap tokens with --max-tokens`,
    });
  };
}

/**
 * Proxies of the environment; lower-case names go first, as in curl, and `ALL_PROXY` stands for what is not named.
 *
 * @throws UsageError for one that cannot be used
 */
function proxiesOf(env: Assembly['env']): { readonly http?: string; readonly https?: string; readonly noProxy: string } | undefined {
  const of = (...names: readonly string[]): string | undefined => {
    const name = names.find((each) => (env[each] ?? '') !== '');
    return name === undefined ? undefined : proxyUrl(env[name]!, name);
  };
  const http = of('http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY');
  const https = of('https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY');
  if (http === undefined && https === undefined) return undefined;
  // No proxy elsewhere reaches this machine's own servers.
  const noProxy = [env['no_proxy'], env['NO_PROXY']].find((value) => value !== undefined && value !== '');
  return { ...(http === undefined ? {} : { http }), ...(https === undefined ? {} : { https }), noProxy: [noProxy, '127.0.0.1', 'localhost'].filter((part) => part !== undefined).join(',') };
}

/** With its scheme, which other tools let one leave out. The value is not repeated in an error: it may hold a password. */
function proxyUrl(text: string, name: string): string {
  const url = text.includes('://') ? text : `http://${text}`;
  if (/^(?:https?|socks(?:5h?)?):$/.test(URL.parse(url)?.protocol ?? '')) return url.replace(/^socks5h:/i, 'socks5:');
  throw new UsageError({ code: 'config', message: `${name} names no proxy that the gateway could go through`, hint: `set it to http://HOST:PORT, or take it away: unset ${name}` });
}
