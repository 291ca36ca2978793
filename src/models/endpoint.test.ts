import OpenAI from 'openai';
import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import type { Transport } from '../transport/index.ts';
import type { TargetEndpoint } from './contract.ts';
import { openTarget } from './open-target.ts';
import type { ProviderSettings } from './provider-settings.ts';

const ENV = { OPENAI_API_KEY: 'openai-key', ANTHROPIC_API_KEY: 'anthropic-key', AZURE_OPENAI_API_KEY: 'azure-key', LOCAL_KEY: 'local-key' };

interface Sent {
  readonly url: string;
  readonly headers: Headers;
}

/** Where the target itself would send a request, and what its endpoint says to other clients. */
async function openBoth(spec: string, settings: ProviderSettings = {}): Promise<{ readonly own: Sent; readonly endpoint: TargetEndpoint }> {
  const sent: Sent[] = [];
  const transport: Pick<Transport, 'send'> = {
    send: (call) => {
      sent.push({ url: call.url, headers: new Headers(call.headers) });
      return Promise.reject(new Error('not sent'));
    },
  };
  const target = await openTarget(spec, { settings, env: ENV, simulator: () => Promise.resolve({ url: 'http://127.0.0.1:9', place: 'local' }) }, { transport });
  await target.generate({ messages: [{ role: 'user', content: 'hi' }] }).catch(() => {});
  return { own: sent[0]!, endpoint: target.endpoint!() };
}

/** What a vendor's client sends when it is pointed at an endpoint. */
async function sentBy(endpoint: TargetEndpoint): Promise<Sent> {
  const { baseURL, apiKey, model, headers, query } = endpoint;
  let sent: Sent | undefined;
  const fetch = (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    sent = { url: url instanceof Request ? url.url : String(url), headers: new Headers(init?.headers) };
    return Promise.reject(new Error('not sent'));
  };
  const options = { baseURL, apiKey, defaultHeaders: { ...headers }, defaultQuery: { ...query }, fetch, maxRetries: 0 };
  const messages = [{ role: 'user' as const, content: 'hi' }];
  await (endpoint.api === 'anthropic' ? new Anthropic(options).messages.create({ model, messages, max_tokens: 1 }) : new OpenAI(options).chat.completions.create({ model, messages })).catch(() => {});
  return sent!;
}

describe("a target's endpoint", () => {
  it.each<[string, string, ProviderSettings]>([
    ['OpenAI', 'openai:gpt-4.1-mini', { openai: { organization: 'org', project: 'proj' } }],
    ['OpenAI behind a proxy with parameters', 'openai:m', { openai: { baseUrl: 'https://proxy.test/openai/v1?tenant=a', headers: { 'x-team': 'red' } } }],
    ['Azure', 'azure:my-deployment', { azure: { endpoint: 'https://mine.openai.azure.com' } }],
    ['Anthropic', 'anthropic:claude', { anthropic: { headers: { 'x-team': 'red' } } }],
    ['a compatible endpoint', 'compat:local', { compat: { local: { baseUrl: 'http://127.0.0.1:8000/v1', model: 'm', apiKeyEnv: 'LOCAL_KEY' } } }],
    ['the simulator', 'sim:weak', {}],
  ])('of %s sends other clients where the target itself goes, with the same key and headers', async (_what, spec, settings) => {
    const { own, endpoint } = await openBoth(spec, settings);
    const other = await sentBy(endpoint);
    const [ownUrl, otherUrl] = [new URL(own.url), new URL(other.url)];
    expect(otherUrl.origin + otherUrl.pathname).toBe(ownUrl.origin + ownUrl.pathname);
    expect(Object.fromEntries(otherUrl.searchParams)).toEqual(Object.fromEntries(ownUrl.searchParams));
    for (const name of ['x-team', 'openai-organization', 'openai-project']) expect([name, other.headers.get(name)]).toEqual([name, own.headers.get(name)]);
    // Azure reads the key in a header of its own; Anthropic takes it in either of two.
    const keyOf = ({ headers }: Sent): string | undefined => headers.get('api-key') ?? headers.get('x-api-key') ?? headers.get('authorization')?.replace('Bearer ', '');
    expect(keyOf(other)).toBe(keyOf(own) ?? endpoint.apiKey);
  });

  it('has a key also where none is needed: clients refuse to start without one', async () => {
    expect((await openBoth('compat:http://127.0.0.1:8000/v1#m')).endpoint).toMatchObject({ apiKey: 'none', model: 'm' });
  });
});
