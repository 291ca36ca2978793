import { expect, it } from 'vitest';
import { answer, completion, serve } from '../transport/testing/server.ts';
import { openAiAt, openGatewayRig } from './testing/gateway-rig.ts';
import { call, chat } from './testing/wire.ts';

const PATH = '/v1/chat/completions';

it("a client's own retries are tries of one call, also where it does not say so", async () => {
  await using server = await serve(answer(500, { error: { message: 'oops' } }), answer(500, { error: { message: 'oops' } }), answer(200, completion('hi')), answer(200, completion('hi')));
  await using rig = await openGatewayRig({ upstreams: [openAiAt(server.url)] });
  const [a, b] = [rig.gateway.openScope({ runId: 'r', trial: 'a' }), rig.gateway.openScope({ runId: 'r', trial: 'b' })];
  await call(a.url + PATH, { body: chat() });
  await call(a.url + PATH, { body: chat() });
  // Another trial that asks the same is none of its tries.
  await call(b.url + PATH, { body: chat() });
  await call(a.url + PATH, { body: chat() });
  const rows = await rig.rows();
  expect(rows.map(({ intent }) => [intent.scope.trial, intent.retry])).toEqual([['a', 0], ['a', 1], ['b', 0], ['a', 2]]);
  expect(new Set(rows.filter(({ intent }) => intent.scope.trial === 'a').map(({ intent }) => intent.logicalId)).size).toBe(1);
});
