import { describe, expect, it } from 'vitest';
import { fixture } from './fixtures/fixture.ts';
import { readErrorBody } from './provider-error.ts';

describe('an error body', () => {
  it.each([
    ['error-openai-429.json', 429, { type: 'tokens', code: 'rate_limit_exceeded', message: expect.stringContaining('Rate limit reached') }],
    ['error-openai-401.json', 401, { type: 'invalid_request_error', code: 'invalid_api_key', message: 'Incorrect API key provided.' }],
    ['error-openai-invalid-prompt.json', 400, { code: 'invalid_prompt' }],
    ['error-azure-429.json', 429, { code: '429', message: expect.stringContaining('37 seconds') }],
    ['error-azure-gateway.json', 429, { code: '429', message: 'Rate limit is exceeded. Try again in 6 seconds.' }],
    ['error-anthropic-529.json', 529, { type: 'overloaded_error', code: undefined, message: 'Overloaded' }],
    ['error-ollama.json', 404, { type: undefined, code: undefined, message: "model 'qwen9' not found" }],
    ['error-vllm.json', 400, { type: 'BadRequestError', code: '400', message: expect.stringContaining('maximum context length') }],
    ['error-fastapi.json', 422, { message: 'Field required; Extra inputs are not permitted' }],
    ['error-gemini-429.json', 429, { type: 'RESOURCE_EXHAUSTED', code: '429', message: expect.stringContaining('exceeded'), retryAfterMs: 34_075 }],
    ['error-html.txt', 502, { message: '502 Bad Gateway' }],
  ])('is read and is no block: %s', (name, status, error) => {
    const reading = readErrorBody(status, fixture(name));
    expect(reading.error).toMatchObject(error);
    expect(reading.error.contentFilter).toBe(false);
    expect(reading.blockReason).toBeUndefined();
  });

  it.each([
    ['error-azure-filter.json', 400, 'content_filter', 'jailbreak, violence (medium)'],
    ['error-azure-filter-inner.json', 400, 'ResponsibleAIPolicyViolation', 'sexual (high)'],
    ['error-openrouter-moderation.json', 403, '403', 'violence, harassment'],
    ['error-openai-policy.json', 400, 'invalid_prompt', expect.stringContaining('usage policy')],
  ])('is a block with its reason: %s', (name, status, code, reason) => {
    expect(readErrorBody(status, fixture(name))).toMatchObject({ error: { contentFilter: true, code }, blockReason: reason });
  });

  it.each([
    ['', 'HTTP 503 with an empty body'],
    [' \n', 'HTTP 503 with an empty body'],
    ['upstream connect error', 'upstream connect error'],
    ['<p>Down<br>for <b>repair</b></p><script>alert(1)</script>', 'Down for repair'],
    ['{}', 'HTTP 503'],
    ['[]', 'HTTP 503'],
    ['[{"error":{"message":"in a list"}}]', 'in a list'],
    ['{"error":{"message":"odd","details":[{"retryDelay":"soon"},7]}}', 'odd'],
    ['{"error":null}', 'HTTP 503'],
    ['{"error":{}}', 'HTTP 503'],
    ['"busy"', '"busy"'],
    ['{"errors":[{"message":"first"}]}', 'first'],
    ['{"message":"plain"}', 'plain'],
    ['{"error":"short","message":"longer words"}', 'longer words'],
  ])('always has a message: %j', (body, message) => {
    expect(readErrorBody(503, body).error.message).toBe(message);
  });

  it('is cut where its message goes on', () => {
    expect(readErrorBody(400, JSON.stringify({ error: { message: 'x'.repeat(5000) } })).error.message).toBe(`${'x'.repeat(1000)}…`);
    expect(readErrorBody(400, '<'.repeat(1_000_000)).error.message.length).toBeLessThanOrEqual(1001);
  });
});
