import { describe, expect, it } from 'vitest';
import { CALL_STATUSES, UNKNOWN_USAGE } from '../core/index.ts';
import { callSpan, errorType } from './call-span.ts';
import { operationOf, serverOf } from './gen-ai.ts';
import { scopePath } from './scope-path.ts';
import { sampleIntent, sampleSettlement, SENT_AT } from './testing/sample-call.ts';

const SCOPE_NODE = scopePath(sampleIntent().scope, 'outside').at(-1)!;
const OPTIONS = { under: SCOPE_NODE, content: false };

describe('the span of a call', () => {
  it('says what the row says, in the words of the conventions', () => {
    const intent = sampleIntent();
    const span = callSpan(intent, sampleSettlement(), OPTIONS);
    expect(span).toMatchObject({ name: 'chat gpt-4.1-mini', kind: 'client', startMs: SENT_AT, endMs: SENT_AT + 1_200, traceId: SCOPE_NODE.traceId, parentSpanId: SCOPE_NODE.spanId });
    expect(span.events).toEqual([{ name: 'assay.queued', atMs: SENT_AT - 250, attributes: { 'assay.call.waited_ms': 250 } }]);
    expect(span).not.toHaveProperty('error');
    expect(span.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4.1-mini',
      'gen_ai.response.model': 'gpt-4.1-mini-2025-04-14',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 20,
      'gen_ai.usage.cache_read.input_tokens': 30,
      'gen_ai.usage.cache_creation.input_tokens': 10,
      'gen_ai.usage.reasoning.output_tokens': 5,
      'server.address': 'api.openai.com',
      'server.port': 443,
      'http.response.status_code': 200,
      'assay.run.id': 'run-1',
      'assay.goal.index': 3,
      'assay.attempt.key': 'a0',
      'assay.role': 'target',
      'assay.call.id': 'call-1',
      'assay.call.request_id': 'req_abc',
      'assay.cost.usd': 0.0021,
      'assay.usage.source': 'reported',
      'assay.simulated': false,
    });
  });

  it('leaves out what nobody knows: unknown is not zero', () => {
    const { attributes } = callSpan(sampleIntent({ modelAsked: null, target: null }), sampleSettlement({ status: 'timeout', httpStatus: null, modelAnswered: null, usage: UNKNOWN_USAGE, costUsd: null, finishReason: null, requestId: null, totalMs: null }), OPTIONS);
    for (const name of Object.keys(attributes)) expect(name).not.toMatch(/usage\.(input|output|cache|reasoning)|response\.|request\.model|cost|request_id/);
    expect(attributes['assay.usage.source']).toBe('unknown');
  });

  it('tells the time to the first chunk of streams alone', () => {
    const settlement = sampleSettlement({ firstTokenMs: 350 });
    expect(callSpan(sampleIntent({ stream: true }), settlement, OPTIONS).attributes).toMatchObject({ 'gen_ai.request.stream': true, 'gen_ai.response.time_to_first_chunk': 0.35 });
    expect(callSpan(sampleIntent(), settlement, OPTIONS).attributes).not.toHaveProperty('gen_ai.response.time_to_first_chunk');
  });

  it('tells an id of the answer from an id of the request', () => {
    expect(callSpan(sampleIntent(), sampleSettlement({ requestId: 'chatcmpl-9' }), OPTIONS).attributes).toMatchObject({ 'gen_ai.response.id': 'chatcmpl-9' });
  });

  it("gives a provider's error text only where content is asked for: it may quote the prompt", () => {
    const failed = sampleSettlement({ status: 'http_error', httpStatus: 400, error: 'cannot read "the secret prompt"' });
    expect(callSpan(sampleIntent({ retry: 2 }), failed, OPTIONS)).toMatchObject({ error: {}, attributes: { 'error.type': '400', 'http.request.resend_count': 2 } });
    expect(JSON.stringify(callSpan(sampleIntent(), failed, OPTIONS))).not.toContain('secret prompt');
    expect(callSpan(sampleIntent(), failed, { ...OPTIONS, content: true }).error).toEqual({ message: 'cannot read "the secret prompt"' });
  });

  it('marks a call answered from the store', () => {
    expect(callSpan(sampleIntent(), sampleSettlement({ status: 'replayed' }), OPTIONS).attributes).toMatchObject({ 'assay.replayed': true, 'assay.call.status': 'replayed' });
  });

  it('has an id of its own that follows from the row', () => {
    const span = callSpan(sampleIntent(), sampleSettlement(), OPTIONS);
    expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
    expect(callSpan(sampleIntent({ retry: 1 }), sampleSettlement({ status: 'cut' }), OPTIONS).spanId).toBe(span.spanId);
    expect(callSpan(sampleIntent({ id: 'call-2' }), sampleSettlement(), OPTIONS).spanId).not.toBe(span.spanId);
  });
});

it('counts every fate but an answer, a block and a replay as an error', () => {
  const failing = CALL_STATUSES.filter((status) => errorType(sampleSettlement({ status })) !== undefined);
  expect(failing).toEqual(['http_error', 'rate_limited', 'timeout', 'aborted', 'cut', 'malformed', 'network_error', 'lost']);
  expect(errorType(sampleSettlement({ status: 'rate_limited', httpStatus: 429 }))).toBe('429');
  // An error told inside a 200.
  expect(errorType(sampleSettlement({ status: 'rate_limited', httpStatus: 200 }))).toBe('rate_limited');
  expect(errorType(sampleSettlement({ status: 'cut', httpStatus: 200 }))).toBe('cut');
});

it.each([
  ['azure/my-resource/gpt', { provider: 'azure.ai.openai', address: 'my-resource.openai.azure.com', port: 443 }],
  ['gemini/generativelanguage.googleapis.com/gemini-3', { provider: 'gcp.gemini', address: 'generativelanguage.googleapis.com', port: 443 }],
  ['xai/api.x.ai/grok', { provider: 'x_ai', address: 'api.x.ai', port: 443 }],
  ['compat/127.0.0.1:8000/a/b', { provider: 'compat', address: '127.0.0.1', port: 8000 }],
  ['compat/[::1]:80/m', { provider: 'compat', address: '::1', port: 80 }],
  ['compat/models.lan/m', { provider: 'compat', address: 'models.lan' }],
  ['openai/org-123/gpt', { provider: 'openai' }],
  ['sim/local/weak', { provider: 'sim' }],
])('reads of %s who serves it and where, as far as that can be told', (deployment, server) => {
  expect(serverOf(deployment)).toEqual(server);
});

it('has an operation for every wire format', () => {
  expect(['openai-chat', 'openai-responses', 'openai-embeddings', 'anthropic-messages', 'gemini', 'ollama'].map(operationOf)).toEqual(['chat', 'chat', 'embeddings', 'chat', 'generate_content', 'chat']);
});
