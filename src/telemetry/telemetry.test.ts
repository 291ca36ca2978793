import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { newId, REPLAYED, systemClock, UNKNOWN_USAGE, type CallSettlement, type Run, type Scope } from '../core/index.ts';
import { currentScope, Ledger, withScope } from '../ledger/index.ts';
import { createRedactor, openStore, type Redactor, type Store } from '../store/index.ts';
import type { Telemetry } from './contract.ts';
import { scopePath, traceIdOf } from './scope-path.ts';
import { telemetrySettings } from './settings.ts';
import { openTelemetry } from './telemetry.ts';
import type { ReceivedSpan } from './testing/otlp-messages.ts';
import { startOtlpReceiver } from './testing/otlp-receiver.ts';
import { sampleIntent, sampleSettlement, SENT_AT } from './testing/sample-call.ts';

interface Rig extends AsyncDisposable {
  readonly telemetry: Telemetry;
  /** As the engine has it. */
  readonly store: Store;
  readonly warnings: readonly string[];
  /** Makes a call in the surrounding scope. */
  call(settlement?: Partial<CallSettlement>, intent?: { readonly stream?: boolean; readonly retry?: number }): Promise<void>;
}

interface RigOptions {
  readonly content?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly redact?: Redactor;
  readonly inherited?: Scope;
  readonly timeoutMs?: number;
}

async function openRig(endpoint: string, { content = false, headers, redact = createRedactor(), inherited, timeoutMs }: RigOptions = {}): Promise<Rig> {
  const settings = telemetrySettings({ otlp: { endpoint, headers }, content }, timeoutMs === undefined ? {} : { OTEL_EXPORTER_OTLP_TIMEOUT: String(timeoutMs) })!;
  const opened = await openStore('sqlite::memory:');
  const warnings: string[] = [];
  const telemetry = await openTelemetry({ settings, store: opened, clock: systemClock, redact, warn: (line) => warnings.push(line), ...(inherited === undefined ? {} : { inherited }) });
  const ledger = new Ledger({ store: opened, onSettled: (intent, settlement) => telemetry.callSettled(intent, settlement) });
  return {
    telemetry,
    store: telemetry.watch(opened),
    warnings,
    call: async (settlement = {}, intent = {}) => {
      const open = await ledger.open(sampleIntent({ id: newId(), scope: currentScope(), ...intent }));
      const { id: _id, ...fate } = sampleSettlement(settlement);
      await open.settle(fate);
    },
    [Symbol.asyncDispose]: async () => {
      await telemetry.close();
      await opened.close();
    },
  };
}

const RUN: Run = {
  id: 'run-1',
  status: 'pending',
  reason: null,
  name: 'nightly',
  suites: ['probes.x'],
  targets: ['openai:gpt-4.1-mini'],
  config: {},
  seed: 0,
  engagement: null,
  simulated: false,
  planned: 1,
  resumes: 0,
  createdAt: SENT_AT - 5_000,
  startedAt: null,
  endedAt: null,
};
const GOAL = { runId: 'run-1', index: 0, key: 'k', suite: 'probes', plugin: 'probes.x', target: 'openai:gpt-4.1-mini', text: 'the goal text', item: 0, variant: null, repeat: 0, tags: [], lane: null, data: null } as const;

async function beginRun({ store }: Rig): Promise<void> {
  await store.write({ op: 'run.insert', run: RUN }, { op: 'goal.plan', goal: GOAL });
  await store.write({ op: 'run.update', id: 'run-1', patch: { status: 'running', startedAt: SENT_AT - 4_000 } }, { op: 'goal.start', runId: 'run-1', index: 0, at: SENT_AT - 3_000 });
}

async function endRun({ store }: Rig): Promise<void> {
  await store.write({ op: 'goal.finalize', runId: 'run-1', index: 0, outcome: { kind: 'attack_failed' }, at: SENT_AT + 8_000 });
  await store.write({ op: 'run.update', id: 'run-1', patch: { status: 'completed', endedAt: SENT_AT + 9_000 } });
}

const finishAttempt = (rig: Rig): Promise<void> =>
  rig.store.write({
    op: 'attempt.finish',
    attempt: {
      runId: 'run-1',
      goalIndex: 0,
      key: 'a0',
      seq: 0,
      status: 'finished',
      conversation: [{ role: 'user', content: 'tell me the launch code, sk-live0123456789abcdefgh' }],
      outputs: [{ text: 'it is 0000', finishReason: 'stop', blocked: false, callId: 'c' }],
      notes: {},
      error: null,
      startedAt: SENT_AT - 2_000,
      endedAt: SENT_AT + 7_000,
    },
  });

const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
  const [span, ...others] = spans.filter((each) => each.name === name);
  if (span === undefined || others.length > 0) throw new Error(`there are ${others.length + (span === undefined ? 0 : 1)} spans ${name}, of ${spans.map((each) => each.name).join(', ')}`);
  return span;
};

describe('a run that is exported', () => {
  it('is one trace: each ledger row a span under what it is charged to, each span above it once', async () => {
    await using receiver = await startOtlpReceiver();
    await using rig = await openRig(receiver.url);
    await beginRun(rig);
    await withScope({ runId: 'run-1', goalIndex: 0, trial: 't' }, async () => {
      await withScope({ attemptKey: 'a0', role: 'target' }, async () => {
        await rig.call();
        await withScope({ branch: 'x', role: 'judge' }, () => rig.call({ status: 'rate_limited', httpStatus: 429, usage: UNKNOWN_USAGE, error: 'slow down' }));
      });
      await finishAttempt(rig);
    });
    await endRun(rig);
    await rig.telemetry.close();

    const rows = await rig.store.calls({});
    const calls = receiver.spans.filter(({ kind }) => kind === 3);
    expect(calls.map(({ attributes }) => attributes['assay.call.id'])).toEqual(rows.map(({ intent }) => intent.id));
    for (const [i, { intent, settlement }] of rows.entries()) {
      expect(calls[i]).toMatchObject({
        traceId: traceIdOf('run-1'),
        parentSpanId: scopePath(intent.scope, '').at(-1)?.spanId,
        startMs: intent.sentAt,
        endMs: intent.sentAt + settlement!.totalMs!,
      });
    }
    const all = receiver.spans;
    expect(all.map(({ name }) => name).toSorted()).toEqual(['attempt a0', 'branch x', 'chat gpt-4.1-mini', 'chat gpt-4.1-mini', 'goal probes.x', 'role judge', 'run nightly', 'trial t']);
    for (const [child, parent] of [['role judge', 'branch x'], ['branch x', 'attempt a0'], ['attempt a0', 'trial t'], ['trial t', 'goal probes.x'], ['goal probes.x', 'run nightly']] as const) {
      expect(named(all, child).parentSpanId, child).toBe(named(all, parent).spanId);
    }
    expect(named(all, 'run nightly')).toMatchObject({ parentSpanId: undefined, startMs: SENT_AT - 4_000, endMs: SENT_AT + 9_000, attributes: { 'assay.run.status': 'completed', 'assay.run.suites': ['probes.x'] } });
    expect(named(all, 'goal probes.x')).toMatchObject({ startMs: SENT_AT - 3_000, endMs: SENT_AT + 8_000, attributes: { 'assay.goal.outcome': 'attack_failed' } });
    expect(named(all, 'attempt a0')).toMatchObject({ startMs: SENT_AT - 2_000, endMs: SENT_AT + 7_000 });
    expect(calls[1]).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': '429' } });
    expect(calls[0]).toMatchObject({ scope: 'assay', resource: { 'service.name': 'assay', 'service.version': expect.any(String) as string } });
    expect(rig.warnings).toEqual([]);
    expect(rig.telemetry.figures).toEqual({ spans: 8, delivered: 8 });
  });

  it('carries no text unless content is asked for', async () => {
    await using receiver = await startOtlpReceiver();
    for (const content of [false, true]) {
      const before = receiver.spans.length;
      await using rig = await openRig(receiver.url, { content });
      await beginRun(rig);
      await withScope({ runId: 'run-1', goalIndex: 0, attemptKey: 'a0' }, () => rig.call({ status: 'http_error', httpStatus: 400, error: 'cannot read "launch code"' }));
      await finishAttempt(rig);
      await endRun(rig);
      await rig.telemetry.close();
      const sent = JSON.stringify(receiver.spans.slice(before));
      for (const text of ['launch code', 'it is 0000', 'the goal text']) expect(sent.includes(text), `${text}, content ${content}`).toBe(content);
      expect(receiver.requests.some(({ body }) => body.includes('launch code'))).toBe(content);
      // A key that leaked stays in the store, as a finding; it does not leave with the export.
      expect(sent).not.toContain('sk-live0123456789abcdefgh');
    }
    const attempt = receiver.spans.findLast(({ name }) => name === 'attempt a0')!;
    expect(JSON.parse(attempt.attributes['gen_ai.output.messages'] as string)).toEqual([{ role: 'assistant', parts: [{ type: 'text', content: 'it is 0000' }], finish_reason: 'stop' }]);
  });

  it('tells the secrets it was given to nobody, wherever they turn up', async () => {
    await using receiver = await startOtlpReceiver();
    await using rig = await openRig(receiver.url, { redact: createRedactor([{ name: 'KEY', value: 'hunter22222' }]), content: true });
    await withScope({ runId: 'run-1', trial: 'trial with hunter22222' }, () => rig.call({ status: 'http_error', httpStatus: 401, error: 'bad key hunter22222' }));
    await rig.telemetry.close();
    expect(receiver.spans).toHaveLength(2);
    expect(named(receiver.spans, 'trial trial with [redacted:KEY]').attributes['assay.trial']).toBe('trial with [redacted:KEY]');
    for (const { body } of receiver.requests) expect(body.includes('hunter22222')).toBe(false);
  });

  it('is under the same ids when it goes on in another process, and its goals are told of by whoever ends them', async () => {
    await using receiver = await startOtlpReceiver();
    for (const resumes of [0, 1]) {
      await using rig = await openRig(receiver.url);
      await rig.store.write({ op: 'run.insert', run: { ...RUN, resumes } }, { op: 'goal.plan', goal: GOAL });
      await rig.store.write({ op: 'run.update', id: 'run-1', patch: { status: 'running', startedAt: SENT_AT, resumes } });
      await withScope({ runId: 'run-1', goalIndex: 0, attemptKey: `a${resumes}` }, () => rig.call());
      if (resumes === 1) await endRun(rig);
    }
    const ids = (name: RegExp): Set<string> => new Set(receiver.spans.filter((span) => name.test(span.name)).map(({ spanId }) => spanId));
    expect(new Set(receiver.spans.map(({ traceId }) => traceId))).toEqual(new Set([traceIdOf('run-1')]));
    expect(ids(/^run/).size).toBe(1);
    expect(ids(/^goal/).size).toBe(1);
    expect(ids(/^attempt/).size).toBe(2);
    expect(ids(/^chat/).size).toBe(2);
  });

  it('tells on resume of the calls that a process took with it when it died', async () => {
    await using receiver = await startOtlpReceiver();
    await using rig = await openRig(receiver.url);
    await rig.store.write({ op: 'run.insert', run: RUN });
    await rig.store.write({ op: 'call.open', intent: sampleIntent({ id: 'lost-1', scope: { runId: 'run-1' } }) }, { op: 'call.open', intent: sampleIntent({ id: 'lost-2', scope: { runId: 'other' } }) });
    await rig.store.markLost('run-1', SENT_AT);
    await rig.store.write({ op: 'run.update', id: 'run-1', patch: { status: 'running', resumes: 1 } });
    await rig.telemetry.close();
    const [lost, ...others] = receiver.spans.filter(({ kind }) => kind === 3);
    expect(lost).toMatchObject({ startMs: SENT_AT, endMs: SENT_AT, attributes: { 'assay.call.id': 'lost-1', 'error.type': 'lost' } });
    expect(others).toEqual([]);
  });

  it('leaves what another process leads to that one', async () => {
    await using receiver = await startOtlpReceiver();
    const inherited = { runId: 'run-1', goalIndex: 0, trial: 't', attemptKey: 'a0' };
    await using rig = await openRig(receiver.url, { inherited });
    await withScope({ ...inherited, branch: 'own' }, () => rig.call());
    await rig.telemetry.close();
    expect(receiver.spans.map(({ name }) => name).toSorted()).toEqual(['branch own', 'chat gpt-4.1-mini']);
    expect(named(receiver.spans, 'branch own').parentSpanId).toBe(scopePath(inherited, '').at(-1)?.spanId);
  });

  it('has calls of no run under a root of this process', async () => {
    await using receiver = await startOtlpReceiver();
    await using rig = await openRig(receiver.url);
    await rig.call();
    await rig.telemetry.close();
    expect(named(receiver.spans, 'chat gpt-4.1-mini').parentSpanId).toBe(named(receiver.spans, 'unattributed').spanId);
  });
});

describe('metrics', () => {
  it('sum to what the ledger says, by side; what was replayed or is unknown is not in them', async () => {
    await using receiver = await startOtlpReceiver();
    await using rig = await openRig(receiver.url);
    await withScope({ runId: 'run-1', role: 'judge' }, async () => {
      await rig.call();
      await rig.call({ usage: { ...UNKNOWN_USAGE, inputFresh: 7, source: 'estimated' }, firstTokenMs: 80, totalMs: 300 }, { stream: true });
      await rig.call({ status: 'http_error', httpStatus: 500, usage: UNKNOWN_USAGE, totalMs: 50 });
      await rig.call({ status: REPLAYED, usage: { ...UNKNOWN_USAGE, inputFresh: 0, outputText: 0, source: 'reported' }, totalMs: 0 });
    });
    const sums = (await rig.store.sumCalls({}, 'all')).get('all')!;
    await rig.telemetry.close();

    const of = (metric: string, attributes: Record<string, unknown> = {}): { readonly sum: number; readonly count: number } => {
      const points = receiver.points.filter((point) => point.metric === metric && Object.entries(attributes).every(([name, value]) => point.attributes[name] === value));
      return { sum: points.reduce((sum, point) => sum + point.sum, 0), count: points.reduce((sum, point) => sum + point.count, 0) };
    };
    expect(of('gen_ai.client.token.usage', { 'gen_ai.token.type': 'input' })).toEqual({ sum: sums.prompt_tokens, count: 2 });
    expect(of('gen_ai.client.token.usage', { 'gen_ai.token.type': 'output' })).toEqual({ sum: sums.completion_tokens, count: 1 });
    expect(of('gen_ai.client.token.usage', { 'assay.usage.source': 'estimated' })).toEqual({ sum: 7, count: 1 });
    expect(of('gen_ai.client.operation.duration')).toEqual({ sum: expect.closeTo(1.55) as number, count: sums.calls.total });
    expect(of('gen_ai.client.operation.duration', { 'error.type': '500' })).toEqual({ sum: 0.05, count: 1 });
    expect(of('gen_ai.client.operation.time_to_first_chunk')).toEqual({ sum: 0.08, count: 1 });
    const [point] = receiver.points;
    expect(point).toMatchObject({ unit: '{token}', temporality: 2, attributes: { 'gen_ai.provider.name': 'openai', 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4.1-mini', 'server.address': 'api.openai.com', 'assay.role': 'judge', 'assay.simulated': false } });
    expect(point?.bounds.slice(0, 4)).toEqual([1, 4, 16, 64]);
    expect(receiver.points.find(({ metric }) => metric === 'gen_ai.client.operation.duration')?.bounds.slice(0, 3)).toEqual([0.01, 0.02, 0.04]);
    expect(receiver.spans.filter(({ attributes }) => attributes['assay.replayed'] === true)).toHaveLength(1);
  });
});

describe('a collector that is', () => {
  const timed = async (work: () => Promise<void>): Promise<number> => {
    const from = performance.now();
    await work();
    return performance.now() - from;
  };

  it('down costs one warning at once and one at the end, and no time', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await using rig = await openRig(`http://127.0.0.1:${port}/in?token=abc123`, { timeoutMs: 300 });
    for (let i = 0; i < 3; i++) await rig.call();
    await rig.telemetry.flush();
    await rig.call();
    expect(await timed(() => rig.telemetry.close())).toBeLessThan(2_000);
    expect(rig.warnings).toEqual([
      expect.stringMatching(/^telemetry cannot be exported to http:\/\/127\.0\.0\.1:\d+\/in\/v1\/(traces|metrics): connect ECONNREFUSED 127\.0\.0\.1:\d+; nothing waits/),
      expect.stringMatching(/^5 of 5 spans were not exported to http/),
      expect.stringMatching(/^the metrics were not exported to http/),
    ]);
    expect(await rig.store.calls({})).toHaveLength(4);
  });

  it('refusing loses what it refused, and is told of with its status but not with our headers', async () => {
    await using receiver = await startOtlpReceiver({ refuse: 500 });
    await using rig = await openRig(receiver.url, { headers: { authorization: 'Bearer hunter22222' }, redact: createRedactor([{ name: 'KEY', value: 'hunter22222' }]) });
    await rig.call();
    await rig.telemetry.flush();
    receiver.behaviour = 'take';
    await rig.call();
    await rig.telemetry.close();
    expect(receiver.requests[0]?.headers).toMatchObject({ authorization: 'Bearer hunter22222', 'content-type': 'application/x-protobuf' });
    expect(receiver.requests.map(({ path }) => path).toSorted().at(0)).toBe('/v1/metrics');
    expect(rig.warnings).toEqual([expect.stringMatching(/Internal Server Error \(HTTP 500\)/), `1 of 3 spans were not exported to ${receiver.url}/v1/traces`]);
    expect(JSON.stringify(rig.warnings)).not.toContain('hunter22222');
    // What failed meanwhile is in the figures all the same: they are cumulative.
    expect(receiver.points.find(({ metric }) => metric === 'gen_ai.client.operation.duration')?.count).toBe(2);
  });

  it('hanging is not waited for', async () => {
    await using receiver = await startOtlpReceiver('hang');
    await using rig = await openRig(receiver.url, { timeoutMs: 400 });
    await rig.call();
    expect(await timed(() => rig.telemetry.close())).toBeLessThan(5_500);
    expect(rig.warnings).toEqual([expect.stringMatching(/Request timed out/), expect.stringMatching(/^2 of 2 spans/), expect.stringMatching(/^the metrics/)]);
  });

  it('never done with its answer is not waited for longer than five seconds', async () => {
    const sockets = new Set<Socket>();
    const dripping = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      const drip = setInterval(() => socket.write('x'), 50);
      socket.on('close', () => clearInterval(drip));
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n');
    }).listen(0, '127.0.0.1');
    await once(dripping, 'listening');
    await using rig = await openRig(`http://127.0.0.1:${(dripping.address() as AddressInfo).port}`);
    await rig.call();
    const took = await timed(() => rig.telemetry.close());
    expect(took).toBeGreaterThan(4_000);
    expect(took).toBeLessThan(6_000);
    expect(rig.warnings).toEqual([expect.stringMatching(/^2 of 2 spans/)]);
    for (const socket of sockets) socket.destroy();
    dripping.close();
    await once(dripping, 'close');
  });

  it('slower than the calls makes spans drop, which are counted', async () => {
    const { promise: takeOnce, resolve: go } = Promise.withResolvers<void>();
    await using receiver = await startOtlpReceiver({ takeOnce });
    await using rig = await openRig(receiver.url);
    const intent = sampleIntent({ scope: { runId: 'run-1' } });
    for (let i = 0; i < 600; i++) rig.telemetry.callSettled({ ...intent, id: newId() }, sampleSettlement());
    await receiver.requested(1);
    for (let i = 0; i < 20_000; i++) rig.telemetry.callSettled({ ...intent, id: newId() }, sampleSettlement());
    go();
    await rig.telemetry.close();
    const { spans, delivered } = rig.telemetry.figures;
    expect(spans).toBe(20_600);
    expect(delivered).toBe(receiver.spans.length);
    // What had left, and what the queue holds.
    expect(delivered).toBe(512 + 8_192);
    expect(rig.warnings.at(-1)).toContain(`${spans - delivered} of 20600 spans were not exported`);
  });
});

it('says at the last moment of a process what cannot be sent any more', async () => {
  await using receiver = await startOtlpReceiver();
  await using rig = await openRig(receiver.url);
  await rig.call();
  rig.telemetry.abandon();
  expect(rig.warnings).toEqual([expect.stringMatching(/^1 of 1 spans were not exported/)]);
});
