import { describe, expect, it } from 'vitest';
import { AssayError } from '../core/index.ts';
import { answer, completion, serve, streamOf } from '../transport/testing/server.ts';
import { Histogram, prometheusText } from './prometheus.ts';
import { openAiAt, openGatewayRig, storeWith } from './testing/gateway-rig.ts';
import { call, chat, dial, until } from './testing/wire.ts';

const PATH = '/v1/chat/completions';
const OK = answer(200, completion('hi'));

describe('health', () => {
  it('is fine while the store can be written', async () => {
    await using rig = await openGatewayRig();
    rig.gateway.openScope({ trial: 't' });
    expect(await call(`${rig.url}/health`, { method: 'GET' })).toMatchObject({ status: 200, json: { status: 'ok', store: 'writable', open_scopes: 1 } });
  });

  it('says what keeps the store from being written', async () => {
    const updateValue = (): Promise<never> => Promise.reject(new AssayError({ code: 'store_full', message: 'no space left' }));
    await using rig = await openGatewayRig({ storing: (store) => storeWith(store, { updateValue }) });
    expect(await call(`${rig.url}/health`, { method: 'GET' })).toMatchObject({ status: 503, json: { status: 'failing', store: 'no space left' } });
  });
});

describe('metrics', () => {
  it('tell what passed, in the text format of Prometheus', async () => {
    await using server = await serve(OK, answer(429, {}), OK);
    const quota = { tokens: 1_000, period: 'day', alerts: [], onExhausted: 'stop' } as const;
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url, { provider: 'p', account: 'a' })], limits: { concurrency: 4, quota } });
    rig.gateway.openScope({ trial: 't' });
    for (let i = 0; i < 2; i++) await call(rig.url + PATH, { body: chat({ max_tokens: 5 }) });
    await call(`${rig.url}/nowhere`, { method: 'GET' });
    const got = await call(`${rig.url}/metrics`, { method: 'GET' });
    expect(got.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const lines = got.text.split('\n');
    for (const line of [
      'assay_calls_total{deployment="p/a/any-model",status="ok"} 1',
      'assay_calls_total{deployment="p/a/any-model",status="rate_limited"} 1',
      'assay_tokens_total{deployment="p/a/any-model",kind="prompt"} 11',
      'assay_tokens_total{deployment="p/a/any-model",kind="completion"} 5',
      'assay_unknown_usage_calls_total{deployment="p/a/any-model"} 1',
      'assay_refused_total{code="no_upstream"} 1',
      'assay_in_flight 0',
      'assay_waiting 0',
      'assay_open_scopes 1',
      'assay_limit_utilization{deployment="p/a/any-model"} 0',
      'assay_quota_ratio{deployment="p/a/any-model"} 0.016',
      'assay_rate_limited_total{deployment="p/a/any-model"} 1',
      'assay_wait_seconds_count 2',
      'assay_call_seconds_bucket{le="+Inf"} 2',
      '# TYPE assay_call_seconds histogram',
    ]) {
      expect(lines).toContain(line);
    }
    // Every line is a comment or a sample.
    for (const line of lines.slice(0, -1)) expect(line).toMatch(/^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{[a-z]+="[^"]*"(?:,[a-z]+="[^"]*")*\})? -?[\d.e+-]+)$/);
  });

  it('escape what requests put into labels', () => {
    const samples = [{ labels: { deployment: 'a"b\\c\nd' }, value: 1 }, { value: Infinity }, { value: NaN }];
    expect(prometheusText([{ name: 'x', help: 'one\ntwo \\', type: 'gauge', samples }])).toBe('# HELP x one\\ntwo \\\\\n# TYPE x gauge\nx{deployment="a\\"b\\\\c\\nd"} 1\nx +Inf\nx NaN\n');
  });

  it('count observations below each bound', () => {
    const histogram = new Histogram([1, 2]);
    for (const value of [0.5, 1, 1.5, 9]) histogram.observe(value);
    expect([...histogram.samples()]).toEqual([
      { suffix: '_bucket', labels: { le: '1' }, value: 2 },
      { suffix: '_bucket', labels: { le: '2' }, value: 3 },
      { suffix: '_bucket', labels: { le: '+Inf' }, value: 4 },
      { suffix: '_sum', value: 12 },
      { suffix: '_count', value: 4 },
    ]);
  });

  it('stay bounded whatever models are asked for', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url, { provider: 'p', account: 'a' })] });
    for (let i = 0; i < 1_050; i += 50) await Promise.all(Array.from({ length: 50 }, (_, k) => call(rig.url + PATH, { body: chat({ model: `m${i + k}` }) })));
    const { text } = await call(`${rig.url}/metrics`, { method: 'GET' });
    expect(text).toContain('assay_calls_total{deployment="(others)",status="ok"} 50');
    expect(text.match(/^assay_calls_total\{/gm)).toHaveLength(1_001);
  });
});

describe('closing the gateway', () => {
  it('lets calls under way finish and answers no new ones', async () => {
    let finish = (): void => {};
    await using server = await serve((response, request, index) => {
      finish = () => void OK(response, request, index);
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const calling = call(rig.url + PATH, { body: chat() });
    await until(() => server.received.length === 1);
    const closing = rig.gateway.close({ graceMs: 20_000 });
    await expect(call(rig.url + PATH, { body: chat() })).rejects.toThrow(/ECONNREFUSED/);
    finish();
    expect(await calling).toMatchObject({ status: 200, headers: { connection: 'close' } });
    await closing;
    expect(await rig.statuses()).toEqual(['ok']);
  });

  it('cuts what has not finished after the time of grace, and settles it', async () => {
    await using server = await serve((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(streamOf('x')[0]);
    });
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)], limits: { concurrency: 1 } });
    const body = chat({ stream: true, stream_options: { include_usage: true } });
    const calling = call(rig.url + PATH, { body });
    await until(() => rig.gateway.figures().inFlight === 1);
    const waiting = call(rig.url + PATH, { body }).catch((error: unknown) => error);
    await until(() => rig.gateway.figures().waiting === 1);
    await rig.gateway.close({ graceMs: 10 });
    expect(await calling).toMatchObject({ cut: true });
    expect(await waiting).toBeInstanceOf(Error);
    // Both are in the books before it is closed: the one that left, and nothing of the one that did not.
    expect(await rig.statuses()).toEqual(['aborted']);
  });

  it('closes connections that nobody uses', async () => {
    await using server = await serve(OK);
    await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
    const socket = await dial(rig.gateway.port);
    const closed = new Promise((resolve) => {
      socket.once('close', resolve);
    });
    socket.resume().write('GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    await until(() => socket.bytesRead > 0);
    await rig.gateway.close();
    await closed;
    expect(socket.destroyed).toBe(true);
  });
});
