import { describe, expect, it } from 'vitest';
import type { CallRecord } from '../core/index.ts';
import { Tally, withScope } from '../ledger/index.ts';
import { Budget } from '../limiter/index.ts';
import { answer, completion, serve } from '../transport/testing/server.ts';
import type { ReportedScore } from './contract.ts';
import { openAiAt, openGatewayRig } from './testing/gateway-rig.ts';
import { call, chat } from './testing/wire.ts';

const PATH = '/v1/chat/completions';
const OK = answer(200, completion('hi'));

function scopes(rows: readonly CallRecord[]): unknown[] {
  return rows.map(({ intent }) => intent.scope);
}

describe('a scope of the gateway', () => {
  it('is whom the calls to its address are charged to', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const [a, b] = [rig.gateway.openScope({ runId: 'r', goalIndex: 1, trial: 'a' }), rig.gateway.openScope({ runId: 'r', goalIndex: 2, trial: 'b', role: 'judge' })];
    expect(a.url).toBe(`${rig.url}/s/${a.token}`);
    expect(a.baseUrl('openai')).toBe(`${a.url}/u/openai/v1`);
    expect(a.token).not.toBe(b.token);
    await call(a.url + PATH, { body: chat() });
    await call(`${b.baseUrl('openai')}/chat/completions`, { body: chat() });
    await call(rig.url + PATH, { body: chat() });
    expect(scopes(await rig.rows())).toEqual([{ runId: 'r', goalIndex: 1, trial: 'a' }, { runId: 'r', goalIndex: 2, trial: 'b', role: 'judge' }, {}]);
  });

  it('stands on the one it is opened in, whose tally counts its calls', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const tally = new Tally();
    const scope = withScope({ runId: 'r', goalIndex: 3, attemptKey: 'k' }, () => rig.gateway.openScope({ trial: 't' }), tally);
    expect(scope.scope).toEqual({ runId: 'r', goalIndex: 3, attemptKey: 'k', trial: 't' });
    await call(scope.url + PATH, { body: chat() });
    await call(rig.url + PATH, { body: chat() });
    expect(tally).toMatchObject({ calls: 1, tokens: { total_tokens: 16 } });
  });

  it('draws on its own budgets', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const scope = rig.gateway.openScope({ trial: 't' }, { budgets: [new Budget({ calls: 1 })] });
    expect((await call(scope.url + PATH, { body: chat() })).status).toBe(200);
    expect(await call(scope.url + PATH, { body: chat() })).toMatchObject({ status: 429, json: { error: { code: 'budget_exhausted' } } });
    expect((await call(rig.url + PATH, { body: chat() })).status).toBe(200);
  });

  it('of those without an address is what the gateway was told', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], unscoped: { scope: { runId: 'r', role: 'target' } } });
    await call(rig.url + PATH, { body: chat() });
    expect(scopes(await rig.rows())).toEqual([{ runId: 'r', role: 'target' }]);
  });

  it('is refined by headers, whose values may be any text, and which the provider never sees', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const scope = rig.gateway.openScope({ runId: 'r', trial: 'outer', branch: 'trunk-branch' });
    const headers = { 'x-assay-role': encodeURIComponent('Gedächtnis: 50 %'), 'x-assay-phase': 'p', 'x-assay-branch': encodeURIComponent('a/b') };
    for (let i = 0; i < 2; i++) await call(scope.url + PATH, { body: chat(), headers });
    await call(rig.url + PATH, { body: chat(), headers: { 'x-assay-trial': 'by-header' } });
    const refined = { runId: 'r', trial: 'outer', branch: 'trunk-branch/a/b', role: 'Gedächtnis: 50 %', phase: 'p' };
    expect(scopes(await rig.rows())).toEqual([refined, refined, { trial: 'by-header' }]);
    expect(JSON.stringify(server.received.map((each) => each.headers))).not.toContain('x-assay');
  });

  it.each([
    [{ 'x-assay-role': '%E0%A4%A' }, /not URI-encoded/],
    [{ 'x-assay-branch': 'a//b' }, /branch/],
  ])('says what is wrong with headers: %j', async (headers, message) => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const got = await call(rig.url + PATH, { body: chat(), headers });
    expect(got).toMatchObject({ status: 400, json: { error: { code: 'usage' } } });
    expect(got.text).toMatch(message);
    expect(server.received).toEqual([]);
  });
});

describe('a scope over HTTP', () => {
  it('opens branches, roles and phases, each with an address of its own', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url), { name: 'anthropic', kind: 'anthropic', url: server.url }] });
    const scope = rig.gateway.openScope({ runId: 'r', trial: 't' }, { budgets: [new Budget({ calls: 4 })] });
    await call(scope.url + PATH, { body: chat() });
    const opened = await call(`${scope.url}/scopes`, { body: { branch: 'a' } });
    expect(opened.status).toBe(201);
    const a = opened.json as { url: string; token: string; openai_base_url: string; anthropic_base_url: string };
    expect(a).toMatchObject({ url: `${rig.url}/s/${a.token}`, openai_base_url: `${a.url}/u/openai/v1`, anthropic_base_url: `${a.url}/u/anthropic`, scope: { runId: 'r', trial: 't', branch: 'a' } });
    await call(`${a.openai_base_url}/chat/completions`, { body: chat() });
    const inner = (await call(`${a.url}/scopes`, { body: { branch: 'b', role: 'judge', phase: 'ask' } })).json as { url: string };
    await call(inner.url + PATH, { body: chat() });
    await call(scope.url + PATH, { body: chat() });
    expect(scopes(await rig.rows()).slice(1)).toEqual([{ runId: 'r', trial: 't', branch: 'a' }, { runId: 'r', trial: 't', branch: 'a/b', role: 'judge', phase: 'ask' }, { runId: 'r', trial: 't' }]);
    // The budget is that of the scope around them.
    expect((await call(inner.url + PATH, { body: chat() })).status).toBe(429);
  });

  it('tells what was used so far, by branch and before the fork', async () => {
    await using server = await serve(OK, OK, answer(500, { error: { message: 'oops' } }));
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const scope = rig.gateway.openScope({ runId: 'r', trial: 't' });
    await call(scope.url + PATH, { body: chat() });
    const a = (await call(`${scope.url}/scopes`, { body: { branch: 'a', role: 'judge' } })).json as { url: string };
    await call(a.url + PATH, { body: chat() });
    await call(a.url + PATH, { body: chat() });
    const used = (await call(`${a.url}/usage`, { method: 'GET' })).json;
    const one = { calls: 1, failed_calls: 0, prompt_tokens: 11, completion_tokens: 5, reasoning_tokens: null, total_tokens: 16, unknown_calls: 0, estimated_calls: 0 };
    const branch = { ...one, calls: 2, failed_calls: 1, unknown_calls: 1 };
    expect(used).toMatchObject({
      scope: { runId: 'r', trial: 't', branch: 'a', role: 'judge' },
      total_calls: 3,
      failed_calls: 1,
      prompt_tokens: 22,
      completion_tokens: 10,
      total_tokens: 32,
      reasoning_tokens: null,
      unknown_calls: 1,
      by_role: { judge: branch, unattributed: one },
      by_branch: { '(trunk)': { own: one }, a: { own: branch, inclusive: branch, pre_fork: one } },
    });
    expect((await call(`${rig.gateway.openScope({ runId: 'r', trial: 'new' }).url}/usage`, { method: 'GET' })).json).toMatchObject({ total_calls: 0, total_tokens: 0, by_branch: {} });
  });

  it('hands a score to whoever opened it', async () => {
    await using rig = await openGatewayRig();
    const scores: ReportedScore[] = [];
    const scope = rig.gateway.openScope({ trial: 't' }, { onScore: (score) => void scores.push(score) });
    expect((await call(`${scope.url}/score`, { body: { value: 0.75 } })).status).toBe(202);
    const inner = (await call(`${scope.url}/scopes`, { body: { role: 'judge' } })).json as { url: string };
    expect((await call(`${inner.url}/score`, { body: { value: 1, threshold: 0.5, reason: 'kept it', name: 'secret' } })).status).toBe(202);
    expect(scores).toEqual([
      { value: 0.75, threshold: null, reason: null, name: 'score' },
      { value: 1, threshold: 0.5, reason: 'kept it', name: 'secret' },
    ]);
    expect(await call(`${rig.gateway.openScope({}).url}/score`, { body: { value: 1 } })).toMatchObject({ status: 409, json: { error: { code: 'no_score_wanted' } } });
  });

  it.each([
    ['scopes', 'not json', /not a JSON object/],
    ['scopes', {}, /has no name/],
    ['scopes', { branch: '' }, /empty/],
    ['scopes', { role: 7 }, /role's name must be text/],
    ['scopes', { runId: 'other' }, /has no .*runId/],
    ['score', {}, /value is not a number/],
    ['score', { value: 7 }, /value is not a number from 0 to 1/],
    ['score', { value: '1' }, /value is not a number/],
    ['score', { value: 1, threshold: -1 }, /threshold/],
    ['score', { value: 1, name: '' }, /name/],
  ])('says what is wrong with a request to /%s: %j', async (action, body, message) => {
    await using rig = await openGatewayRig();
    const scope = rig.gateway.openScope({ trial: 't' }, { onScore: () => undefined });
    const got = await call(`${scope.url}/${action}`, { body });
    expect(got.status).toBe(400);
    expect(got.text).toMatch(message);
  });

  it('takes the methods that make sense', async () => {
    await using rig = await openGatewayRig();
    const scope = rig.gateway.openScope({ trial: 't' });
    expect(await call(`${scope.url}/usage`, { body: {} })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    expect(await call(`${scope.url}/scopes`, { method: 'GET' })).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect((await call(scope.url, { method: 'GET' })).json).toMatchObject({ url: scope.url, scope: { trial: 't' } });
  });

  it('is closed with all that was opened in it', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const scope = rig.gateway.openScope({ trial: 't' });
    const inner = (await call(`${scope.url}/scopes`, { body: { branch: 'a' } })).json as { url: string };
    const innermost = (await call(`${inner.url}/scopes`, { body: { branch: 'b' } })).json as { url: string };
    expect((await call(inner.url, { method: 'DELETE' })).status).toBe(204);
    for (const { url } of [inner, innermost]) expect((await call(url + PATH, { body: chat() })).status).toBe(401);
    expect((await call(scope.url + PATH, { body: chat() })).status).toBe(200);
    scope.close();
    expect((await call(scope.url + PATH, { body: chat() })).status).toBe(401);
  });

  it('lets the calls of a closed scope finish', async () => {
    let finish = (): void => {};
    await using server = await serve((response, request, index) => {
      finish = () => void OK(response, request, index);
      scope.close();
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const scope = rig.gateway.openScope({ trial: 't' });
    const calling = call(scope.url + PATH, { body: chat() });
    await expect.poll(() => server.received.length).toBe(1);
    finish();
    expect((await calling).status).toBe(200);
    expect(await rig.statuses()).toEqual(['ok']);
  });
});
