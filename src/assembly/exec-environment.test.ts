import { describe, expect, it } from 'vitest';
import type { Upstream } from '../gateway/index.ts';
import { commandEnvironment, proxyChoice } from './exec-environment.ts';

const SCOPE_URL = 'http://127.0.0.1:4100/s/token';

function environment(env: Readonly<Record<string, string>>, { upstreams = ['openai', 'anthropic', 'ollama'], fields = {}, watcherUrl = 'http://127.0.0.1:7' }: { upstreams?: readonly (string | Upstream)[]; fields?: Record<string, string>; watcherUrl?: string | null } = {}): Record<string, string> {
  return commandEnvironment({
    env,
    upstreams: upstreams.map((upstream) => (typeof upstream === 'string' ? { name: upstream, kind: 'openai', url: 'http://x/v1' } : upstream)),
    gatewayUrl: 'http://127.0.0.1:4100',
    scopeUrl: SCOPE_URL,
    baseUrl: (name) => `${SCOPE_URL}/u/${name}`,
    scope: { runId: 'r', trial: 't' },
    store: 'sqlite:/x/assay.db',
    run: 'r',
    trial: 't',
    fields,
    notices: '/tmp/notices',
    ...(watcherUrl === null ? {} : { watcherUrl }),
  });
}

describe("a command's environment", () => {
  it('leads every way to a provider that is there to the gateway, whatever was set before', () => {
    const env = environment({ OPENAI_BASE_URL: 'http://before', PATH: '/bin' });
    expect(env).toMatchObject({
      PATH: '/bin',
      OPENAI_BASE_URL: `${SCOPE_URL}/u/openai`,
      OPENAI_API_BASE: `${SCOPE_URL}/u/openai`,
      OPENAI_HOST: SCOPE_URL,
      ANTHROPIC_BASE_URL: `${SCOPE_URL}/u/anthropic`,
      ANTHROPIC_API_URL: `${SCOPE_URL}/u/anthropic`,
      OLLAMA_HOST: `${SCOPE_URL}/u/ollama`,
      ASSAY_SCOPE_URL: SCOPE_URL,
      ASSAY_GATEWAY_URL: 'http://127.0.0.1:4100',
      ASSAY_DB: 'sqlite:/x/assay.db',
      ASSAY_RUN: 'r',
      ASSAY_TRIAL: 't',
    });
    expect(JSON.parse(env['ASSAY_SCOPE']!)).toEqual({ runId: 'r', trial: 't' });
    expect(env).not.toHaveProperty('AZURE_OPENAI_ENDPOINT');
  });

  it('takes away what names a host alone: no gateway on this machine can be given so', () => {
    expect(environment({ OPENAI_API_HOST: 'api.example' })).not.toHaveProperty('OPENAI_API_HOST');
  });

  it('has a stand-in for a key only where none of its own is needed', () => {
    const simulated: Upstream = { name: 'openai', kind: 'openai', url: 'http://x/v1', simulated: true };
    const held: Upstream = { name: 'anthropic', kind: 'anthropic', url: 'http://x', apiKey: 'real' };
    expect(environment({}, { upstreams: [simulated, held] })).toMatchObject({ OPENAI_API_KEY: 'simulated', ANTHROPIC_API_KEY: 'held-by-the-gateway' });
    expect(environment({ OPENAI_API_KEY: 'own' }, { upstreams: [simulated] })['OPENAI_API_KEY']).toBe('own');
    expect(environment({})).not.toHaveProperty('OPENAI_API_KEY');
  });

  it('turns the meter on in Node programs, after what was asked of them before, once', () => {
    const first = environment({ NODE_OPTIONS: '--no-deprecation' })['NODE_OPTIONS']!;
    expect(first).toMatch(/^--no-deprecation --require=.*\/bin\/register\.cjs$/);
    expect(environment({ NODE_OPTIONS: first })['NODE_OPTIONS']).toBe(first);
  });

  it('leads HTTPS past the watcher and nothing on this machine through a proxy', () => {
    expect(environment({ NO_PROXY: 'internal.example' })).toMatchObject({ HTTPS_PROXY: 'http://127.0.0.1:7', https_proxy: 'http://127.0.0.1:7', NO_PROXY: 'internal.example,127.0.0.1,localhost', no_proxy: 'internal.example,127.0.0.1,localhost' });
    expect(environment({ no_proxy: '*' })['NO_PROXY']).toBe('*');
    expect(environment({ HTTPS_PROXY: 'socks5://x' }, { watcherUrl: null })['HTTPS_PROXY']).toBe('socks5://x');
  });

  it("has the fields of its trial's line", () => {
    expect(environment({}, { fields: { seed: '7', 'top-p': '0.5' } })).toMatchObject({ ASSAY_TRIAL_SEED: '7', ASSAY_TRIAL_TOP_P: '0.5' });
  });
});

describe('a proxy of the environment', () => {
  it.each([
    [{}, { watch: true }],
    [{ HTTPS_PROXY: 'http://p:1' }, { watch: true, proxy: 'http://p:1' }],
    [{ HTTPS_PROXY: 'http://upper', https_proxy: 'http://lower' }, { watch: true, proxy: 'http://lower' }],
    [{ ALL_PROXY: 'p:1' }, { watch: true, proxy: 'p:1' }],
    [{ ALL_PROXY: 'socks5h://p:1' }, { watch: false }],
    [{ HTTPS_PROXY: '::bad' }, { watch: false }],
    [{ HTTP_PROXY: 'http://p:1' }, { watch: true }],
  ])('%j: %j', (env, choice) => expect(proxyChoice(env)).toEqual(choice));
});
