import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../core/index.ts';
import { priceTable, withScope } from '../ledger/index.ts';
import { Budget } from '../limiter/index.ts';
import { describeCall, type DescribedCall } from './describe-call.ts';
import { admitCall, openUnheld, type MeterDeps, type MeteredRequest } from './metered-call.ts';
import { Places } from './place.ts';
import { openRig, type Rig, type RigOptions } from './testing/rig.ts';

const HERE = new Places([{ url: 'http://model.test', provider: 'compat', account: 'here' }]);
const WHOLE = { breakage: undefined, failure: undefined, neverLeft: false };

function chat(ask: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = {}): DescribedCall {
  const body = JSON.stringify({ model: 'any-model', messages: [{ role: 'user', content: 'hello there' }], ...ask });
  const described = describeCall({ method: 'POST', url: new URL('http://model.test/v1/chat/completions'), headers, body }, HERE);
  if (described === undefined) throw new Error('not read as a model call');
  return described;
}

const answer = (usage?: object): Uint8Array =>
  Buffer.from(JSON.stringify({ id: 'x', model: 'any-model', choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }], ...(usage === undefined ? {} : { usage }) }));

let rig: Rig;
async function meterOf(options: RigOptions = {}): Promise<MeterDeps> {
  rig = await openRig(options);
  return { limiter: rig.limiter, ledger: rig.ledger, clock: options.clock ?? systemClock, prices: options.prices ?? priceTable({}) };
}
afterEach(() => rig[Symbol.asyncDispose]());

describe('a call that is admitted', () => {
  it('is committed before it may leave, and settled once, in the scope it was admitted in', async () => {
    const meter = await meterOf();
    const call = await withScope({ runId: 'r', role: 'memory' }, () => admitCall(meter, { ...chat(), via: 'gateway' }));
    expect((await rig.row()).settlement).toBeNull();
    call.left();
    call.reader.head(200, { 'content-type': 'application/json' });
    call.reader.push(answer({ prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 }));
    const [first, second] = await Promise.all([call.settle(WHOLE), call.settle({ ...WHOLE, breakage: 'aborted' })]);
    call.release();
    expect(second).toBe(first);
    const { intent, settlement } = await rig.row();
    expect(intent).toMatchObject({ via: 'gateway', deployment: 'compat/here/any-model', target: null, scope: { runId: 'r', role: 'memory' } });
    expect(settlement).toMatchObject({ status: 'ok', usage: { inputFresh: 7, outputText: 2, source: 'reported' } });
    expect(rig.stats().in_flight).toBe(0);
  });

  it('gives its place back where its intent cannot be recorded', async () => {
    const meter = await meterOf({ limits: { concurrency: 1 }, writing: () => ({ write: () => Promise.reject(new Error('disk gone')) }) });
    await expect(admitCall(meter, chat())).rejects.toThrow('disk gone');
    expect(rig.stats().in_flight).toBe(0);
  });

  it('is turned away past its deadline, and leaves no row', async () => {
    const meter = await meterOf({ limits: { concurrency: 1 } });
    const first = await admitCall(meter, chat());
    await expect(admitCall(meter, { ...chat(), deadline: systemClock.now() })).rejects.toMatchObject({ code: 'rate_limited' });
    first.release();
    expect(await rig.rows()).toHaveLength(1);
  });

  it('counts its prompt only where a limit of tokens depends on it', async () => {
    let asked = 0;
    const counted = (request: DescribedCall): MeteredRequest => ({
      ...request,
      countTokens: () => {
        asked++;
        return Promise.resolve(() => 1_000);
      },
    });
    const free = await meterOf();
    (await admitCall(free, counted(chat()))).release();
    expect(asked).toBe(0);
    await rig[Symbol.asyncDispose]();
    const limited = await meterOf({ limits: { tpm: 100_000 } });
    const call = await admitCall(limited, counted(chat({ max_tokens: 5 })));
    call.release();
    expect(asked).toBe(1);
    expect(call.intent.reservedTokens).toBeGreaterThanOrEqual(1_005);
  });

  it('commits what belongs to its end together with it', async () => {
    const meter = await meterOf();
    const call = await admitCall(meter, { ...chat(), keepsStreams: true });
    call.reader.head(200, {});
    call.reader.push(answer({ prompt_tokens: 1, completion_tokens: 1 }));
    await call.settle(WHOLE, (end) => [
      { op: 'answer.put', answer: { runId: 'r', key: 'k', occurrence: 0, callId: end.callId, httpStatus: 200, headers: {}, body: end.body, at: 1 } },
    ]);
    call.release();
    expect(await rig.store.answer({ runId: 'r', key: 'k', occurrence: 0 })).toMatchObject({ callId: call.intent.id, body: expect.stringContaining('"hi"') as unknown });
  });

  it('of a 2xx without usage is estimated, and one that was cut stays unknown', async () => {
    const meter = await meterOf();
    const whole = await admitCall(meter, chat());
    whole.reader.head(200, {});
    whole.reader.push(answer());
    expect((await whole.settle(WHOLE)).usage).toMatchObject({ source: 'estimated', outputText: 1 });
    whole.release();
    const cut = await admitCall(meter, chat({ stream: true }));
    cut.reader.head(200, { 'content-type': 'text/event-stream' });
    cut.reader.push(Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"h"}}]}\n\n'));
    const end = await cut.settle({ breakage: 'connection', failure: new Error('reset'), neverLeft: false });
    cut.release();
    expect(end).toMatchObject({ status: 'cut', usage: { source: 'unknown' } });
  });
});

describe('a call that cannot be held', () => {
  it('leaves at once, and its deployment is charged when it settles', async () => {
    const meter = await meterOf({ limits: { tpm: 1_000, rpm: 100 } });
    const call = await openUnheld(meter, { ...chat(), via: 'node-http' });
    call.reader.head(200, {});
    call.reader.push(answer({ prompt_tokens: 700, completion_tokens: 200 }));
    await call.settle(WHOLE);
    call.release();
    expect(rig.stats().cumulative_tokens).toBe(900);
    expect(rig.stats().utilization).toBeGreaterThanOrEqual(0.9);
  });

  it('draws on budgets even where it overruns them', async () => {
    const meter = await meterOf();
    const budget = new Budget({ tokens: 10 });
    const call = await openUnheld(meter, { ...chat(), budgets: [budget] });
    call.reader.head(200, {});
    call.reader.push(answer({ prompt_tokens: 70, completion_tokens: 5 }));
    await call.settle(WHOLE);
    call.release();
    expect(budget.used).toMatchObject({ calls: 1, tokens: 75 });
    await expect(admitCall(meter, { ...chat(), budgets: [budget] })).rejects.toMatchObject({ code: 'budget_exhausted' });
  });
});

describe('describeCall', () => {
  it('takes the try from the SDK that says it, and nothing that is no count', () => {
    expect(chat({}, { 'x-stainless-retry-count': '2' }).retry).toBe(2);
    for (const nonsense of ['-1', 'x', '1.5', '']) expect(chat({}, { 'x-stainless-retry-count': nonsense }).retry).toBe(0);
  });

  it('offers the same request with usage asked for, only for a stream that does not', () => {
    expect(chat().bodyWithUsage).toBeUndefined();
    expect(chat({ stream: true, stream_options: { include_usage: true } }).bodyWithUsage).toBeUndefined();
    expect(JSON.parse(chat({ stream: true }).bodyWithUsage ?? '{}')).toMatchObject({ stream: true, stream_options: { include_usage: true } });
  });

  it('does not read what is no model call', () => {
    const seen = (method: string, path: string): unknown => describeCall({ method, url: new URL(`http://model.test${path}`), headers: {}, body: '{}' }, HERE);
    expect(seen('GET', '/v1/chat/completions')).toBeUndefined();
    expect(seen('POST', '/v1/files')).toBeUndefined();
    expect(seen('POST', '/v1/messages/count_tokens')).toBeUndefined();
  });
});
