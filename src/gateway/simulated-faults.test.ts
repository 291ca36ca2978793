import { describe, expect, it } from 'vitest';
import { completionTokens, promptTokens, type CallRecord } from '../core/index.ts';
import { FAULTY_RATES, startSimulator, type ServedRequest } from '../simulator/index.ts';
import { openGatewayRig } from './testing/gateway-rig.ts';
import { call, chat, dial, until } from './testing/wire.ts';

/** What the ledger must say of what the simulator says it did. */
const FATES: Readonly<Record<ServedRequest['outcome'], readonly string[]>> = {
  ok: ['ok', 'blocked'],
  rate_limited: ['rate_limited'],
  error: ['http_error', 'blocked'],
  malformed: ['malformed'],
  cut: ['cut'],
  reset: ['network_error'],
  hung: ['timeout', 'network_error'],
  aborted: ['aborted'],
};

describe('a gateway before a provider full of faults', () => {
  it('has one row for each request that the provider saw, of the same fate and tokens, over three formats', { timeout: 60_000 }, async () => {
    await using simulator = await startSimulator({ seed: 5, faults: { ...FAULTY_RATES, timeout: 0 }, slowFirstByteMs: 5, logSize: 10_000, limits: { kind: 'sliding-window', rpm: 5_000 } });
    await using rig = await openGatewayRig({
      upstreams: [
        { name: 'openai', kind: 'openai', url: `${simulator.url}/v1`, simulated: true },
        { name: 'anthropic', kind: 'anthropic', url: simulator.url, simulated: true },
      ],
    });
    let next = 0;
    const work = async (): Promise<void> => {
      for (let i = next++; i < 600; i = next++) {
        const content = `Say the number ${i} in words.`;
        const stream = i % 2 === 0;
        const [path, body]: [string, object] =
          i % 3 === 0
            ? ['/v1/messages', { model: 'weak', max_tokens: 100, stream, messages: [{ role: 'user', content }] }]
            : i % 3 === 1
              ? ['/v1/chat/completions', chat({ model: 'weak', stream, messages: [{ role: 'user', content }] })]
              : ['/v1/responses', { model: 'weak', stream, input: content }];
        await call(rig.url + path, { body, headers: i % 3 === 0 ? { 'anthropic-version': '2023-06-01' } : {} }).catch(() => undefined);
      }
    };
    await Promise.all(Array.from({ length: 24 }, work));
    const rows = await rig.settled(600);
    const log = new Map(simulator.log(10_000).map((served) => [served.call ?? '', served]));
    expect(rows).toHaveLength(600);
    expect(log.size).toBe(600);
    const seen = new Set<string>();
    for (const { intent, settlement } of rows as (CallRecord & { readonly settlement: NonNullable<CallRecord['settlement']> })[]) {
      const served = log.get(intent.id)!;
      seen.add(served.outcome);
      expect(FATES[served.outcome], `${served.fault ?? 'no fault'} at ${intent.protocol}`).toContain(settlement.status);
      expect(settlement.httpStatus).toBe(served.status);
    }
    const told = rows.filter(({ intent }) => log.get(intent.id)!.hidden === null && log.get(intent.id)!.total_tokens > 0);
    expect(told.length).toBeGreaterThan(400);
    expect(told.map(({ settlement }) => [promptTokens(settlement!.usage), completionTokens(settlement!.usage)])).toEqual(told.map(({ intent }) => [log.get(intent.id)!.prompt_tokens, log.get(intent.id)!.completion_tokens]));
    expect([...log.values()].filter(({ hidden }) => hidden === 'not_asked')).toEqual([]);
    expect([...seen].toSorted()).toEqual(['cut', 'error', 'malformed', 'ok', 'reset']);
    expect(rig.gateway.figures()).toMatchObject({ calls: 600, inFlight: 0, refused: expect.any(Number) as number });
  });

  it('loses no row and no slot where clients leave at any moment', { timeout: 60_000 }, async () => {
    await using simulator = await startSimulator({ seed: 6, profiles: { drip: { behaviour: 'weak', latency: { minMs: 0, maxMs: 20 }, pieceMs: 10 } }, logSize: 10_000 });
    await using rig = await openGatewayRig({ upstreams: [{ name: 'openai', kind: 'openai', url: `${simulator.url}/v1`, simulated: true }], limits: { concurrency: 8 } });
    const clients = Array.from({ length: 150 }, async (_, i) => {
      const body = JSON.stringify(chat({ model: 'drip', stream: true, messages: [{ role: 'user', content: `Tell me about the number ${i}.` }] }));
      const socket = await dial(rig.gateway.port);
      socket.on('error', () => undefined);
      socket.resume().write(`POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      await new Promise((resolve) => {
        setTimeout(resolve, (i * 37) % 400);
      });
      socket.destroy();
    });
    await Promise.all(clients);
    await until(() => rig.gateway.figures().inFlight === 0 && rig.gateway.figures().waiting === 0);
    const { calls } = rig.gateway.figures();
    const rows = await rig.settled(calls);
    expect(rows).toHaveLength(calls);
    expect(rows.some(({ settlement }) => settlement?.status === 'aborted')).toBe(true);
    expect(rows.every(({ settlement }) => ['ok', 'aborted'].includes(settlement?.status ?? ''))).toBe(true);
    // What reached the provider is in the books; what is in the books and did not reach it had been broken off before.
    const ids = new Set(rows.map(({ intent }) => intent.id));
    for (const served of simulator.log(10_000)) expect(ids).toContain(served.call);
    expect(rig.limiter.stats()[0]).toMatchObject({ in_flight: 0, waiting: 0 });
  });
});
