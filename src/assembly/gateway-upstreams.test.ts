import { describe, expect, it } from 'vitest';
import { parseConfig, type AssayConfigInput } from '../config/index.ts';
import type { Upstream } from '../gateway/index.ts';
import { readUpstreamFlag, resolveUpstreams, withUpstreamFlags } from './gateway-upstreams.ts';

interface Given {
  readonly upstreams?: NonNullable<AssayConfigInput['gateway']>['upstreams'];
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

async function resolved({ upstreams = {}, env = {}, flags = [] }: Given): Promise<Map<string, Upstream>> {
  const said = flags.map(readUpstreamFlag);
  const config = withUpstreamFlags(parseConfig({ gateway: { upstreams } }), said);
  const found = await resolveUpstreams({ config, env, simulator: () => Promise.resolve({ url: 'http://127.0.0.1:9', place: 'local' }) }, new Set(said.map(({ name }) => name)));
  return new Map(found.map((upstream) => [upstream.name, upstream]));
}

const urlOf = async (name: string, given: Given): Promise<string | undefined> => (await resolved(given)).get(name)?.url;

describe('the upstreams of a gateway', () => {
  it("are the providers' own where nothing is said; Azure has no address of its own", async () => {
    const found = await resolved({});
    expect(Object.fromEntries([...found].map(([name, { url }]) => [name, url]))).toMatchObject({
      openai: 'https://api.openai.com/v1',
      anthropic: 'https://api.anthropic.com',
      gemini: 'https://generativelanguage.googleapis.com',
      ollama: 'http://127.0.0.1:11434',
      openrouter: 'https://openrouter.ai/api/v1',
    });
    expect(found.has('azure')).toBe(false);
  });

  it('come from the configuration, the environment over it, the command line over both', async () => {
    const upstreams = { openai: { url: 'http://config/v1' } };
    const env = { OPENAI_BASE_URL: 'http://environment/v1' };
    expect(await urlOf('openai', { upstreams })).toBe('http://config/v1');
    expect(await urlOf('openai', { upstreams, env })).toBe('http://environment/v1');
    expect(await urlOf('openai', { upstreams, env, flags: ['openai=http://flag/v1'] })).toBe('http://flag/v1');
  });

  it.each([
    ['openai', { OPENAI_API_BASE: 'http://x/v1/' }, 'http://x/v1'],
    ['openai', { OPENAI_API_HOST: 'proxy.example' }, 'https://proxy.example/v1'],
    ['openai', { OPENAI_HOST: 'http://x:1/' }, 'http://x:1/v1'],
    ['openai', { OPENAI_BASE_URL: '', OPENAI_API_BASE: 'http://x/v1' }, 'http://x/v1'],
    ['anthropic', { ANTHROPIC_BASE_URL: 'https://x/v1' }, 'https://x'],
    ['azure', { AZURE_OPENAI_ENDPOINT: 'https://r.openai.azure.com/' }, 'https://r.openai.azure.com'],
    ['azure', { AZURE_API_HOST: 'r.openai.azure.com' }, 'https://r.openai.azure.com'],
    ['gemini', { GOOGLE_GEMINI_BASE_URL: 'https://x/v1beta' }, 'https://x'],
    ['ollama', { OLLAMA_HOST: '0.0.0.0' }, 'http://127.0.0.1:11434'],
    ['ollama', { OLLAMA_HOST: ':1234' }, 'http://127.0.0.1:1234'],
    ['ollama', { OLLAMA_HOST: 'gpu-box' }, 'http://gpu-box:11434'],
    ['ollama', { OLLAMA_HOST: 'https://ollama.example' }, 'https://ollama.example'],
    ['ollama', { OLLAMA_HOST: '[::1]:5' }, 'http://[::1]:5'],
    ['xai', { XAI_API_BASE: 'http://x/v1' }, 'http://x/v1'],
  ])('%s: an address that was set before becomes it: %j', async (name, env, url) => {
    expect(await urlOf(name, { env })).toBe(url);
  });

  it('may be of any name, with a key and headers from the environment', async () => {
    const found = await resolved({
      upstreams: { mine: { url: '${MY_LLM}/v1', apiKeyEnv: 'MY_KEY', headers: { 'x-team': '${TEAM}' } } },
      env: { MY_LLM: 'http://127.0.0.1:8000', MY_KEY: 'k', TEAM: 't' },
    });
    expect(found.get('mine')).toEqual({ name: 'mine', kind: 'openai', url: 'http://127.0.0.1:8000/v1', apiKey: 'k', headers: { 'x-team': 't' } });
  });

  it('may be simulated, where the simulator speaks their language', async () => {
    const found = await resolved({ flags: ['openai=sim', 'anthropic=sim:'] });
    expect(found.get('openai')).toEqual({ name: 'openai', kind: 'openai', url: 'http://127.0.0.1:9/v1', provider: 'sim', account: 'local', simulated: true });
    expect(found.get('anthropic')).toMatchObject({ url: 'http://127.0.0.1:9', simulated: true });
    await expect(resolved({ flags: ['gemini=sim'] })).rejects.toThrow('does not speak gemini');
  });

  it.each([
    [{ upstreams: { mine: {} } }, 'the upstream mine has no address'],
    [{ upstreams: { mine: { url: 'http://x/v1', apiKeyEnv: 'NOT_SET' } } }, 'NOT_SET is not set'],
    [{ env: { OPENAI_BASE_URL: 'nonsense' } }, 'OPENAI_BASE_URL is not an http:// or https:// URL'],
    [{ env: { OPENAI_BASE_URL: 'http://user:hidden@x/v1' } }, 'OPENAI_BASE_URL holds a user name or password'],
    [{ flags: ['openai'] }, '--upstream takes NAME=URL'],
    [{ flags: ['openai=hidden-secret'] }, '--upstream takes NAME=URL'],
    [{ flags: ['a b=http://x'] }, '--upstream takes NAME=URL'],
  ])('say what is wrong with %j, repeating no secret', async (given: Given, said) => {
    const failure: unknown = await resolved(given).catch((error: unknown) => error);
    expect((failure as Error).message).toContain(said);
    expect((failure as Error).message).not.toContain('hidden');
  });
});
