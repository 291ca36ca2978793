import { describe, expect, it } from 'vitest';
import { answer, completion, serve, type Server } from '../transport/testing/server.ts';
import type { Upstream, UpstreamKind } from './contract.ts';
import { openAiAt, openGatewayRig, type GatewayRig } from './testing/gateway-rig.ts';
import { call, chat, dial, readToEnd } from './testing/wire.ts';

const TOKEN = 'an-access-token-of-some-length';
const OTHER = 'another-token-of-the-gateway';
const PATH = '/v1/chat/completions';

const PATHS: Readonly<Record<UpstreamKind, string>> = {
  openai: '/v1/chat/completions',
  openrouter: '/api/v1/chat/completions',
  azure: '/openai/deployments/d/chat/completions?api-version=1',
  anthropic: '/v1/messages',
  gemini: '/v1beta/models/m:generateContent',
  ollama: '/api/chat',
};
const KEY_HEADERS: Readonly<Record<UpstreamKind, string>> = { openai: 'authorization', openrouter: 'authorization', azure: 'api-key', anthropic: 'x-api-key', gemini: 'x-goog-api-key', ollama: 'authorization' };

function upstream(kind: UpstreamKind, server: Server, part: Partial<Upstream> = {}): Upstream {
  return { name: kind, kind, url: server.url + (kind === 'openai' ? '/v1' : kind === 'openrouter' ? '/api/v1' : ''), ...part };
}

function lastHeaders(server: Server): Record<string, unknown> {
  return server.received.at(-1)!.headers;
}

describe('who may use the gateway', () => {
  it('needs a token as soon as others reach it', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5']) await expect(openGatewayRig({ host })).rejects.toThrow(/has no access token/);
    await using rig = await openGatewayRig({ host: '0.0.0.0', accessTokens: [TOKEN] });
    expect((await call(`http://127.0.0.1:${rig.gateway.port}/health`, { method: 'GET' })).status).toBe(401);
  });

  it('needs tokens that cannot be guessed', async () => {
    await expect(openGatewayRig({ accessTokens: ['short'] })).rejects.toThrow(/fewer than 8 characters/);
  });

  it('says where it cannot listen', async () => {
    await using rig = await openGatewayRig();
    await expect(openGatewayRig({ port: rig.gateway.port })).rejects.toThrow(new RegExp(`cannot listen on 127.0.0.1:${rig.gateway.port}`));
  });

  it.each(Object.keys(PATHS) as UpstreamKind[])('turns a caller of %s without one away, in its own words', async (kind) => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openGatewayRig({ upstreams: [upstream(kind, server)], accessTokens: [TOKEN] });
    for (const headers of [{}, { [KEY_HEADERS[kind]]: 'sk-wrong' }, { 'x-assay-token': `${TOKEN}x` }, { 'x-assay-token': '' }] as Record<string, string>[]) {
      const got = await call(rig.url + PATHS[kind], { body: chat(), headers });
      expect(got.status).toBe(401);
      expect(JSON.stringify(got.json)).toContain('asks for an access token');
      expect(got.json).toHaveProperty('error');
    }
    expect(server.received).toEqual([]);
    expect(await rig.rows()).toEqual([]);
    expect(rig.gateway.figures().refused).toBe(4);
  });

  it.each(Object.keys(PATHS) as UpstreamKind[])("takes one in place of the provider's key where the gateway holds that: %s", async (kind) => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openGatewayRig({ upstreams: [upstream(kind, server, { apiKey: 'sk-held-by-the-gateway' })], accessTokens: [OTHER, TOKEN] });
    const bearer = KEY_HEADERS[kind] === 'authorization' ? 'Bearer ' : '';
    expect((await call(rig.url + PATHS[kind], { body: chat(), headers: { [KEY_HEADERS[kind]]: bearer + TOKEN } })).status).toBe(200);
    expect(lastHeaders(server)[KEY_HEADERS[kind]]).toBe(`${bearer}sk-held-by-the-gateway`);
    expect(JSON.stringify(server.received)).not.toContain(TOKEN);
  });

  it("takes one in a header of its own beside the caller's key, and keeps it", async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], accessTokens: [TOKEN] });
    expect((await call(rig.url + PATH, { body: chat(), headers: { 'x-assay-token': TOKEN, authorization: 'Bearer sk-of-the-caller' } })).status).toBe(200);
    expect(lastHeaders(server)['authorization']).toBe('Bearer sk-of-the-caller');
    expect(lastHeaders(server)).not.toHaveProperty('x-assay-token');
  });

  it('never sends an access token on, even where there is no key to put in its place', async () => {
    await using server = await serve(answer(200, {}));
    await using rig = await openGatewayRig({ upstreams: [upstream('ollama', server), upstream('gemini', server)], accessTokens: [TOKEN] });
    expect((await call(rig.url + PATHS.ollama, { body: chat(), headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200);
    expect((await call(`${rig.url}${PATHS.gemini}?key=${TOKEN}&alt=json`, { body: {} })).status).toBe(200);
    expect(JSON.stringify(server.received)).not.toContain(TOKEN);
    expect(server.received[1]!.url).toBe(`${PATHS.gemini}?alt=json`);
  });

  it('lets a scope in by its address alone', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], accessTokens: [TOKEN] });
    const scope = rig.gateway.openScope({ trial: 't' });
    expect((await call(scope.url + PATH, { body: chat(), headers: { origin: 'http://page.example' } })).status).toBe(200);
    scope.close();
    expect(await call(scope.url + PATH, { body: chat(), headers: { 'x-assay-token': TOKEN } })).toMatchObject({ status: 401, json: { error: { code: 'unknown_scope' } } });
  });
});

describe('a gateway on loopback without tokens', () => {
  const rebound = async (rig: GatewayRig, headers: string): Promise<string> => {
    const socket = await dial(rig.gateway.port);
    socket.write(`GET /v1/models HTTP/1.1\r\nconnection: close\r\n${headers}\r\n`);
    return readToEnd(socket);
  };

  it.each([
    ['a page that sends to it', 'host: 127.0.0.1\r\norigin: https://page.example\r\n'],
    ['a page whose origin is hidden', 'host: 127.0.0.1\r\norigin: null\r\n'],
    ['a name that was made to point to it', 'host: evil.example:4100\r\n'],
    ['a name that only begins like its own', 'host: localhost.evil.example\r\n'],
  ])('does not answer %s', async (_what, headers) => {
    await using server = await serve(answer(200, { data: [] }));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    expect(await rebound(rig, headers)).toMatch(/^HTTP\/1\.1 403 /);
    expect(server.received).toEqual([]);
  });

  it.each(['127.0.0.1', '127.0.0.1:4100', 'localhost:4100', '[::1]:4100', 'assay.localhost'])('answers as %s', async (host) => {
    await using server = await serve(answer(200, { data: [] }));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    expect(await rebound(rig, `host: ${host}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('answers a page that has a token', async () => {
    await using server = await serve(answer(200, { data: [] }));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], accessTokens: [TOKEN] });
    expect(await rebound(rig, `host: evil.example\r\norigin: https://page.example\r\nx-assay-token: ${TOKEN}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('keys', () => {
  it("are the caller's own where the gateway holds none", async () => {
    await using server = await serve(answer(200, {}));
    await using rig = await openGatewayRig({ upstreams: [upstream('gemini', server)] });
    await call(`${rig.url}${PATHS.gemini}?alt=sse&key=AIza-caller`, { body: {} });
    expect(server.received[0]!.url).toBe(`${PATHS.gemini}?alt=sse&key=AIza-caller`);
  });

  it("that the gateway holds replace the caller's wherever they stand", async () => {
    await using server = await serve(answer(200, {}));
    await using rig = await openGatewayRig({ upstreams: [upstream('gemini', server, { apiKey: 'AIza-held' })] });
    const headers = { authorization: 'Bearer caller-1', 'x-api-key': 'caller-2', 'api-key': 'caller-3', 'x-goog-api-key': 'caller-4' };
    await call(`${rig.url}${PATHS.gemini}?key=caller-5&x=a%20b&keys=kept`, { body: {}, headers });
    expect(server.received[0]!.url).toBe(`${PATHS.gemini}?x=a%20b&keys=kept`);
    expect(lastHeaders(server)['x-goog-api-key']).toBe('AIza-held');
    expect(JSON.stringify(server.received)).not.toMatch(/caller-\d/);
  });

  it('and other headers of an upstream go on every request', async () => {
    await using server = await serve(answer(200, {}));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url, { headers: { 'OpenAI-Organization': 'org-1', 'x-team': 'red' } })] });
    await call(rig.url + PATH, { body: chat(), headers: { 'openai-organization': 'mine' } });
    expect(lastHeaders(server)).toMatchObject({ 'openai-organization': 'org-1', 'x-team': 'red' });
    await call(`${rig.url}/v1/models`, { method: 'GET' });
    expect(lastHeaders(server)).toMatchObject({ 'openai-organization': 'org-1', 'x-team': 'red' });
  });

  it('that a provider quotes in its error stay out of the ledger', async () => {
    await using server = await serve(answer(401, { error: { message: 'Incorrect API key provided: sk-held-by-the-gateway' } }));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url, { apiKey: 'sk-held-by-the-gateway' })] });
    await call(rig.url + PATH, { body: chat() });
    expect((await rig.rows())[0]!.settlement?.error).toContain('Incorrect API key provided: [redacted');
  });

  it('do not stop a call to the simulator from carrying the id of its row', async () => {
    await using server = await serve(answer(200, completion('hi')));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url, { simulated: true })] });
    const got = await call(rig.url + PATH, { body: chat() });
    expect(lastHeaders(server)['x-assay-call']).toBe(got.headers['x-assay-call']);
    expect((await rig.rows())[0]!.intent.simulated).toBe(true);
  });
});
