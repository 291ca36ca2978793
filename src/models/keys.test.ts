import { afterEach, describe, expect, it, vi } from 'vitest';
import { openRig } from '../transport/testing/rig.ts';
import { answer, completion, serve } from '../transport/testing/server.ts';
import type { ProviderSettings } from './provider-settings.ts';
import { ALL_KEYS, open } from './testing/open.ts';

const nowhere = { transport: { send: () => Promise.reject(new Error('nothing is sent')) } } as never;
const ask = { messages: [{ role: 'user' as const, content: 'hello' }] };

afterEach(() => vi.unstubAllEnvs());

describe('keys', () => {
  it.each([
    ['openai:m', {}, 'OPENAI_API_KEY'],
    ['openai:m', { OPENAI_API_KEY: '' }, 'OPENAI_API_KEY'],
    ['openai:m', { OPENAI_API_KEY: ' \n' }, 'OPENAI_API_KEY'],
    ['azure:m', { AZURE_OPENAI_ENDPOINT: 'https://r.openai.azure.com' }, 'AZURE_OPENAI_API_KEY'],
    ['anthropic:m', {}, 'ANTHROPIC_API_KEY'],
  ])('that are missing are named: %s with %j', async (spec, env, variable) => {
    await expect(open(spec, nowhere, { env })).rejects.toMatchObject({
      code: 'missing_key',
      message: `target ${spec} needs an API key: ${variable} is not set`,
      hint: expect.stringMatching(new RegExp(`export ${variable}=.*--api-key-env`)),
    });
  });

  it.each([
    ['openai:m', { openai: { apiKeyEnv: 'MINE' } }, undefined],
    ['anthropic:m', { anthropic: { apiKeyEnv: 'MINE' } }, undefined],
    ['azure:m', { azure: { apiKeyEnv: 'MINE', endpoint: 'https://r.openai.azure.com' } }, undefined],
    ['compat:local', { compat: { local: { baseUrl: 'http://127.0.0.1:1/v1', model: 'm', apiKeyEnv: 'MINE' } } }, undefined],
    ['compat:http://127.0.0.1:1/v1#m', {}, 'MINE'],
    ['openai:m', { openai: { apiKeyEnv: 'OTHER' } }, 'MINE'],
  ] satisfies [string, ProviderSettings, string | undefined][])('named by the config or the command line are not replaced by another: %s', async (spec, settings, apiKeyEnv) => {
    await expect(open(spec, nowhere, { settings, env: ALL_KEYS, ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }) })).rejects.toMatchObject({ code: 'missing_key', message: expect.stringContaining('MINE is not set') });
  });

  it('of --api-key-env go before those of the config and the usual ones', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    const settings = { openai: { baseUrl: `${server.url}/v1`, apiKeyEnv: 'OPENAI_COMPATIBLE_API_KEY' } };
    for (const apiKeyEnv of [undefined, 'SOME_KEY']) await (await open('openai:m', rig, { settings, env: ALL_KEYS, ...(apiKeyEnv === undefined ? {} : { apiKeyEnv }) })).generate(ask);
    expect(server.received.map(({ headers }) => headers.authorization)).toEqual(['Bearer key-of-compatible', 'Bearer key-of-some']);
  });

  it("of other providers never reach an inline endpoint, though this process's own environment has them", async () => {
    for (const [name, value] of Object.entries(ALL_KEYS)) vi.stubEnv(name, value);
    vi.stubEnv('OPENAI_BASE_URL', 'http://127.0.0.1:1/v1');
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    const target = await open(`compat:${server.url}/v1#m`, rig, { env: { ...process.env } });
    await target.generate(ask);
    await target.generate({ ...ask, stream: true, generations: 2 });
    expect(server.received).toHaveLength(3);
    const sent = JSON.stringify(server.received);
    for (const value of Object.values(ALL_KEYS)) expect(sent).not.toContain(value);
  });

  it("are read from the environment that was given, not from the process's own", async () => {
    vi.stubEnv('OPENAI_API_KEY', 'key-of-process');
    await expect(open('openai:m', nowhere, { env: {} })).rejects.toMatchObject({ code: 'missing_key' });
  });

  it('lose the white space that came with them', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    await (await open(`compat:${server.url}/v1#m`, rig, { env: { MINE: ' key-of-file\n' }, apiKeyEnv: 'MINE' })).generate(ask);
    expect(server.received[0]?.headers.authorization).toBe('Bearer key-of-file');
  });

  it.each(['two\nlines-of-secret', '“quoted-secret”', 'null\u{0}secret'])('that no header may carry are refused without being repeated: %j', async (key) => {
    const error: unknown = await open('openai:m', nowhere, { env: { OPENAI_API_KEY: key } }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'missing_key', message: expect.stringContaining('OPENAI_API_KEY') });
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('secret');
  });

  it('in headers that cannot be sent are refused by the name of the header', async () => {
    const settings = { openai: { headers: { 'x-gateway-key': '${GATEWAY}' } } };
    const error: unknown = await open('openai:m', nowhere, { settings, env: { ...ALL_KEYS, GATEWAY: 'se\ncret' } }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ code: 'config', message: 'providers.openai.headers.x-gateway-key has characters that no header may carry' });
  });
});

describe('addresses', () => {
  it('of Azure that are missing are named', async () => {
    await expect(open('azure:m', nowhere, { env: ALL_KEYS })).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('AZURE_OPENAI_ENDPOINT is not set'), hint: expect.stringContaining('providers.azure.endpoint') });
  });

  it.each([
    [{ AZURE_OPENAI_ENDPOINT: 'https://r.openai.azure.com/' }, {}, 'azure/r/m'],
    [{ AZURE_OPENAI_ENDPOINT: '', AZURE_RESOURCE_NAME: 'r' }, {}, 'azure/r/m'],
    [{ AZURE_OPENAI_ENDPOINT: 'https://other.example' }, { azure: { resource: '${RESOURCE}' } }, 'azure/from-env/m'],
    [{ AZURE_OPENAI_ENDPOINT: 'https://other.example' }, { azure: { endpoint: 'https://gateway.example/llm' } }, 'azure/gateway.example/m'],
  ])('of Azure are found in %j and %j', async (env, settings, deployment) => {
    expect(await open('azure:m', nowhere, { settings, env: { ...ALL_KEYS, RESOURCE: 'from-env', ...env } })).toMatchObject({ deployment });
  });

  it.each(['', '/', '/openai', '/openai/v1/', '/openai/deployments/other/chat/completions?api-version=2025-03-01'])('of Azure may end in %j', async (ending) => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    await (await open('azure:m', rig, { env: { ...ALL_KEYS, AZURE_OPENAI_ENDPOINT: server.url + ending } })).generate(ask);
    const version = ending.includes('?') ? '2025-03-01' : '2024-10-21';
    expect(server.received[0]?.url).toBe(`/openai/deployments/m/chat/completions?api-version=${version}`);
  });

  it.each([
    ['openai:m', 'OPENAI_BASE_URL', 'openai/api.openai.com/m', 'openai/gateway.example:8443/m'],
    ['anthropic:m', 'ANTHROPIC_BASE_URL', 'anthropic/api.anthropic.com/m', 'anthropic/gateway.example:8443/m'],
  ])('of %s come from %s, where that is not empty', async (spec, variable, usual, other) => {
    expect(await open(spec, nowhere, { env: { ...ALL_KEYS, [variable]: '' } })).toMatchObject({ deployment: usual });
    expect(await open(spec, nowhere, { env: { ...ALL_KEYS, [variable]: 'https://gateway.example:8443/v1/' } })).toMatchObject({ deployment: other, host: 'gateway.example' });
  });

  it.each(['localhost:8000', 'ftp://host/v1', 'not a url'])('that are none are refused by the name of the variable: %s', async (address) => {
    await expect(open('openai:m', nowhere, { env: { ...ALL_KEYS, OPENAI_BASE_URL: address } })).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('OPENAI_BASE_URL is not an http') });
  });

  it.each([
    ['openai:m', {}, { OPENAI_BASE_URL: 'https://user:se-cret@host/v1' }],
    ['azure:m', { azure: { endpoint: 'https://${WHO}:${PASSWORD}@host' } }, {}],
    ['compat:local', { compat: { local: { baseUrl: 'http://${WHO}:${PASSWORD}@127.0.0.1:1/v1', model: 'm' } } }, {}],
    ['compat:http://user:se-cret@127.0.0.1:1/v1#m', {}, {}],
    ['compat:http://127.0.0.1:1/v1?api_key=se-cret#m', {}, {}],
  ])('that hold a secret where it would be lost or stored are refused without repeating it: %s', async (spec, settings, env) => {
    const error: unknown = await open(spec, nowhere, { settings, env: { ...ALL_KEYS, WHO: 'user', PASSWORD: 'se-cret', ...env } }).catch((failure: unknown) => failure);
    expect(error).toMatchObject({ message: expect.stringMatching(/holds a (?:user name or password|secret)/) });
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('se-cret');
  });

  it('may hold a reference where a secret would stand, which is what is stored', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openRig();
    const spec = `compat:${server.url}/v1?api_key=\${SOME_KEY}#m`;
    await (await open(spec, rig, { env: ALL_KEYS })).generate(ask);
    expect(server.received[0]?.url).toBe('/v1/chat/completions?api_key=key-of-some');
    expect(JSON.stringify(await rig.rows())).not.toContain('key-of-some');
    expect((await rig.row()).intent.target).toBe(spec);
  });

  it('that are not known by name are refused with those that are', async () => {
    const settings = { compat: { local: { baseUrl: 'http://127.0.0.1:1/v1' }, cloud: { baseUrl: 'http://127.0.0.1:1/v1' } } };
    await expect(open('compat:lokal', nowhere, { settings })).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('providers.compat.lokal'), hint: 'known: local, cloud' });
    await expect(open('compat:local', nowhere, { settings })).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('names no model') });
  });
});
