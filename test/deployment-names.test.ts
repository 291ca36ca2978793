import { describe, expect, it } from 'vitest';
import { openTarget, type ProviderSettings } from '../src/models/index.ts';
import { describeCall, Places, type KnownPlace, type OutgoingCall } from '../src/transport/index.ts';

const ENV = { OPENAI_API_KEY: 'k', AZURE_OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' };

/** The request that a target sends, kept instead. */
async function requestOf(spec: string, settings: ProviderSettings, env: Readonly<Record<string, string>>): Promise<OutgoingCall> {
  const calls: OutgoingCall[] = [];
  const send = (call: OutgoingCall): Promise<never> => {
    calls.push(call);
    return Promise.reject(new Error('kept'));
  };
  const target = await openTarget(spec, { settings, env: { ...ENV, ...env }, simulator: () => Promise.reject(new Error('not simulated')) }, { transport: { send } });
  await expect(target.generate({ messages: [{ role: 'user', content: 'Hi' }] })).rejects.toThrow();
  expect(calls).toHaveLength(1);
  expect(calls[0]!.deployment).toBe(target.deployment);
  return calls[0]!;
}

interface Case {
  readonly settings?: ProviderSettings;
  readonly env?: Readonly<Record<string, string>>;
  readonly known?: readonly KnownPlace[];
  readonly deployment: string;
}

describe('a deployment has one name, whether a target of ours calls it or somebody else', () => {
  it.each<[string, Case]>([
    ['openai:gpt-4.1-mini', { deployment: 'openai/api.openai.com/gpt-4.1-mini' }],
    ['openai:gpt-4.1-mini', { settings: { openai: { api: 'responses' } }, deployment: 'openai/api.openai.com/gpt-4.1-mini' }],
    [
      'openai:gpt-4.1-mini',
      { settings: { openai: { organization: 'org-7' } }, known: [{ url: 'https://api.openai.com/v1', provider: 'openai', account: 'org-7' }], deployment: 'openai/org-7/gpt-4.1-mini' },
    ],
    [
      'openai:gpt-4.1-mini',
      { env: { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }, known: [{ url: 'http://127.0.0.1:9/v1', provider: 'openai' }], deployment: 'openai/127.0.0.1:9/gpt-4.1-mini' },
    ],
    ['azure:my-gpt', { settings: { azure: { resource: 'mine' } }, deployment: 'azure/mine/my-gpt' }],
    ['azure:my-gpt', { env: { AZURE_OPENAI_ENDPOINT: 'https://mine.openai.azure.com/openai/v1' }, deployment: 'azure/mine/my-gpt' }],
    ['azure:my-gpt', { settings: { azure: { endpoint: 'https://mine.cognitiveservices.azure.com' } }, deployment: 'azure/mine.cognitiveservices.azure.com/my-gpt' }],
    ['azure:my-gpt', { settings: { azure: { endpoint: 'https://proxy.example:8443/azure' } }, deployment: 'azure/proxy.example:8443/my-gpt' }],
    ['azure:my gpt', { settings: { azure: { resource: 'mine' } }, deployment: 'azure/mine/my gpt' }],
    ['anthropic:claude-sonnet-4-5', { deployment: 'anthropic/api.anthropic.com/claude-sonnet-4-5' }],
    ['anthropic:claude-sonnet-4-5', { env: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' }, deployment: 'anthropic/127.0.0.1:9/claude-sonnet-4-5' }],
    ['compat:http://127.0.0.1:8000/v1#qwen3', { deployment: 'compat/127.0.0.1:8000/qwen3' }],
    ['compat:https://api.groq.com/openai/v1#llama-3', { deployment: 'groq/api.groq.com/llama-3' }],
    ['compat:https://models.example/deep/path#org/qwen3:8b', { deployment: 'compat/models.example/org/qwen3:8b' }],
  ])('%s, %o', async (spec, { settings = {}, env = {}, known = [], deployment }) => {
    const { url, method, headers, body, deployment: own } = await requestOf(spec, settings, env);
    expect(own).toBe(deployment);
    expect(describeCall({ method, url: new URL(url), headers, body }, new Places(known))?.deployment).toBe(deployment);
  });
});
