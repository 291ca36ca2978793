import { UsageError } from '../core/index.ts';
import type { Places } from '../transport/index.ts';
import { UPSTREAM_KINDS, type Upstream, type UpstreamKind } from './contract.ts';

/** An upstream and where it stands. */
export interface Mount {
  readonly upstream: Upstream;
  /** `https://HOST[:PORT]` */
  readonly origin: string;
  /** What `/u/NAME` stands for: the path of its URL without the part that SDKs put there themselves, e.g. `` or `/proxy`. */
  readonly basePath: string;
  /** That part, as far as a client's base URL must have it: `/v1` where the upstream's URL ends so. */
  readonly sdkPath: string;
}

/**
 * Where each kind's SDKs begin their paths. `kept`: a base URL ends so, and so does the one that the gateway gives. `dropped`: SDKs add it
 * themselves, though people write it too. `native`: what stands before a path on the provider's own host.
 */
const SDK_PATHS: Readonly<Record<UpstreamKind, { readonly kept: readonly string[]; readonly dropped: readonly string[]; readonly native: string }>> = {
  openai: { kept: ['/v1'], dropped: [], native: '/v1' },
  openrouter: { kept: ['/api/v1', '/v1'], dropped: [], native: '/api/v1' },
  azure: { kept: [], dropped: ['/openai/v1', '/openai'], native: '' },
  anthropic: { kept: [], dropped: ['/v1'], native: '' },
  gemini: { kept: [], dropped: ['/v1beta', '/v1alpha', '/v1'], native: '' },
  ollama: { kept: [], dropped: ['/api', '/v1'], native: '' },
};

/** A name stands in paths, so it is kept to what needs no encoding. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** The upstreams of a gateway, by name. */
export class UpstreamTable {
  readonly mounts: readonly Mount[];
  readonly #byName: ReadonlyMap<string, Mount>;

  /** @throws UsageError for a name or URL that cannot be used */
  constructor(upstreams: readonly Upstream[]) {
    this.mounts = upstreams.map(mountOf);
    this.#byName = new Map(this.mounts.map((mount) => [mount.upstream.name, mount]));
    if (this.#byName.size < this.mounts.length) {
      const twice = upstreams.find(({ name }, index) => upstreams.findIndex((other) => other.name === name) !== index);
      throw new UsageError({ code: 'config', message: `two upstreams are named ${twice?.name ?? ''}`, hint: 'give each upstream a name of its own' });
    }
  }

  named(name: string): Mount | undefined {
    return this.#byName.get(name);
  }

  /** Path of a mount as a client's base URL ends: `/u/openai/v1`. */
  basePath(name: string): string {
    const mount = this.#byName.get(name);
    if (mount === undefined) {
      throw new UsageError({ code: 'not_found', message: `the gateway has no upstream ${name}`, hint: `it has ${[...this.#byName.keys()].join(', ')}` });
    }
    return `/u/${name}${mount.sdkPath}`;
  }

  /** Makes their deployments known by the names that they were given. */
  addTo(places: Places): void {
    for (const { upstream, origin, basePath } of this.mounts) {
      const { kind, provider, account, simulated } = upstream;
      // Ollama's paths are words that any site may have: that they are a model's must be said.
      if (provider === undefined && account === undefined && simulated === undefined && kind !== 'ollama') continue;
      places.add({ url: origin + basePath, provider: provider ?? kind, ...(account === undefined ? {} : { account }), ...(simulated === undefined ? {} : { simulated }) });
    }
  }
}

/** The path at an upstream that a path of that provider's own host means. */
export function nativePath(mount: Mount, path: string): string {
  const { native } = SDK_PATHS[mount.upstream.kind];
  return mount.basePath + mount.sdkPath + path.slice(native.length);
}

function mountOf(upstream: Upstream): Mount {
  const { name, kind } = upstream;
  if (!NAME.test(name)) throw new UsageError({ code: 'config', message: `${JSON.stringify(name)} cannot name an upstream`, hint: 'use letters, digits, dots, dashes and underscores' });
  if (!UPSTREAM_KINDS.includes(kind)) throw new UsageError({ code: 'config', message: `upstream ${name} is of kind ${kind}, which is not known`, hint: `use one of ${UPSTREAM_KINDS.join(', ')}` });
  const url = URL.parse(upstream.url);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new UsageError({ code: 'config', message: `the URL of upstream ${name} is not an http(s) address`, hint: 'write it as the SDK takes it, e.g. https://api.openai.com/v1' });
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new UsageError({ code: 'config', message: `the URL of upstream ${name} has a user, a password, a query or a fragment`, hint: 'give its key apart, and the plain base URL' });
  }
  const path = url.pathname.replace(/\/+$/, '');
  const { kept, dropped } = SDK_PATHS[kind];
  const sdkPath = kept.find((end) => path.endsWith(end)) ?? '';
  const ending = sdkPath === '' ? (dropped.find((end) => path.endsWith(end)) ?? '') : sdkPath;
  return { upstream, origin: url.origin, basePath: path.slice(0, path.length - ending.length), sdkPath };
}
