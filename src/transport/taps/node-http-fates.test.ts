import { once } from 'node:events';
import { Agent, type ClientRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { closed, hanging, post, responseTo, STREAMED } from '../testing/node-http-client.ts';
import { openTappedRig } from '../testing/node-http-rig.ts';
import { answer, completion, serve, streamOf, USAGE, type Handler } from '../testing/server.ts';

const silent: Handler = () => undefined;

describe('a call that the caller gives up', () => {
  it.each([
    ['destroys it', (call: ClientRequest) => void call.destroy()],
    ['destroys it with an error', (call: ClientRequest) => void call.destroy(new Error('enough'))],
    // eslint-disable-next-line typescript/no-deprecated -- clients still call it
    ['aborts it the old way', (call: ClientRequest) => call.abort()],
  ])('before it is connected is aborted when its caller %s', async (_name, give) => {
    await using server = await serve(silent);
    await using rig = await openTappedRig();
    const call = post(server.url);
    give(call);
    await closed(call);
    expect(await rig.fate()).toBe('aborted');
    expect(server.received).toEqual([]);
  });

  it('before an agent has a connection for it is aborted', async () => {
    await using server = await serve(silent);
    await using rig = await openTappedRig();
    const agent = new Agent({ maxSockets: 1 });
    const first = post(server.url, { agent });
    const second = post(server.url, { agent });
    expect(rig.tap.inFlight).toBe(2);
    // Node says nothing more of it until its turn would have come.
    second.destroy();
    expect(rig.tap.inFlight).toBe(1);
    first.destroy();
    await rig.tap.settled();
    agent.destroy();
    expect(await rig.statuses()).toEqual(['aborted', 'aborted']);
  });

  it('before its answer is aborted', async () => {
    await using rig = await openTappedRig();
    const abort = new AbortController();
    await using server = await serve(() => abort.abort());
    const call = post(server.url, { signal: abort.signal });
    await closed(call);
    expect(await rig.fate()).toBe('aborted');
    expect((await rig.row()).settlement).toMatchObject({ httpStatus: null, usage: { source: 'unknown' }, costUsd: null });
  });

  it('in the middle of its answer is aborted, its use unknown', async () => {
    await using server = await serve(hanging(streamOf('hello')[0]!));
    await using rig = await openTappedRig();
    const response = await responseTo(post(server.url, {}, STREAMED));
    await once(response, 'data');
    response.destroy();
    await closed(response);
    expect(await rig.fate()).toBe('aborted');
    expect((await rig.row()).settlement).toMatchObject({ httpStatus: 200, modelAnswered: 'any-model-2026', usage: { source: 'unknown' } });
  });

  it('by breaking out of its stream is aborted, what it said of its use kept', async () => {
    const [hello, stop, usage] = streamOf('hello') as [string, string, string];
    await using server = await serve(hanging(hello, usage.replace('"choices":[]', '"choices":[{"index":0,"delta":{"content":"!"}}]'), stop.slice(0, 10)));
    await using rig = await openTappedRig();
    const response = await responseTo(post(server.url, {}, STREAMED));
    for await (const _ of response) break;
    expect(await rig.fate()).toBe('aborted');
    expect((await rig.row()).settlement?.usage).toMatchObject({ inputFresh: USAGE.prompt_tokens, outputText: USAGE.completion_tokens, source: 'reported' });
  });

  it('after its stream said all that matters is answered', async () => {
    await using server = await serve(hanging(...streamOf('hello')));
    await using rig = await openTappedRig();
    const response = await responseTo(post(server.url, {}, STREAMED));
    for await (const _ of response) break;
    expect(await rig.fate()).toBe('ok');
  });

  it('after its answer came whole is answered', async () => {
    await using server = await serve(answer(200, completion('hello')));
    await using rig = await openTappedRig();
    const call = post(server.url);
    const response = await responseTo(call);
    await rig.tap.settled();
    response.destroy();
    call.destroy();
    await closed(call);
    expect(await rig.fate()).toBe('ok');
  });

  it('while it is refused is refused', async () => {
    await using server = await serve((response) => {
      response.writeHead(429, { 'retry-after': '7', 'content-length': '1000' });
      response.write('{"error":{"message":"slow down"');
    });
    await using rig = await openTappedRig();
    const response = await responseTo(post(server.url));
    response.destroy();
    await closed(response);
    expect(await rig.fate()).toBe('rate_limited');
  });
});

describe('a call that takes too long for its caller', () => {
  it.each([
    ['AbortSignal.timeout', (url: string) => post(url, { signal: AbortSignal.timeout(20) })],
    ['setTimeout and a bare destroy', (url: string) => {
      const call = post(url);
      return call.setTimeout(20, () => call.destroy());
    }],
    ['the timeout option and an error that says so', (url: string) => {
      const call = post(url, { timeout: 20 });
      return call.once('timeout', () => call.destroy(Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' })));
    }],
    ['a timer of its own and an error that says so', (url: string) => {
      const call = post(url);
      setTimeout(() => call.destroy(new Error('timeout of 20ms exceeded')), 20);
      return call;
    }],
  ])('before its answer has timed out: %s', async (_name, ask) => {
    await using server = await serve(silent);
    await using rig = await openTappedRig();
    await closed(ask(server.url));
    expect(await rig.fate()).toBe('timeout');
  });

  it('in the middle of its answer has timed out', async () => {
    await using server = await serve(hanging(streamOf('hello')[0]!));
    await using rig = await openTappedRig();
    const response = await responseTo(post(server.url, {}, STREAMED));
    response.setTimeout(20, () => response.destroy());
    response.resume();
    await closed(response);
    expect(await rig.fate()).toBe('timeout');
  });

  it('and goes on all the same is judged by how it ends', async () => {
    await using server = await serve((response) => void setTimeout(() => void answer(200, completion('late'))(response, {} as never, 0), 60));
    await using rig = await openTappedRig();
    let told = false;
    const call = post(server.url, { timeout: 10 }).once('timeout', () => (told = true));
    (await responseTo(call)).resume();
    await closed(call);
    expect(told).toBe(true);
    expect(await rig.fate()).toBe('ok');
  });
});
