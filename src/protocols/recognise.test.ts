import { describe, expect, it } from 'vitest';
import { looksLikeModelCall } from './model-hosts.ts';
import { protocols, recogniseProtocol } from './recognise.ts';

describe('recognising a wire format', () => {
  it.each([
    ['/v1/chat/completions', 'openai-chat'],
    ['/chat/completions', 'openai-chat'],
    ['/api/v1/chat/completions', 'openai-chat'],
    ['/openai/deployments/my-gpt/chat/completions', 'openai-chat'],
    ['/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21', 'openai-chat'],
    ['/openai/v1/chat/completions/', 'openai-chat'],
    ['/v1/completions', 'openai-chat'],
    ['/openai/deployments/my-gpt/completions', 'openai-chat'],
    ['/v1/responses', 'openai-responses'],
    ['/openai/v1/responses', 'openai-responses'],
    ['/openai/responses', 'openai-responses'],
    ['/api/v1/responses', 'openai-responses'],
    ['/v1/embeddings', 'openai-embeddings'],
    ['/openai/deployments/ada/embeddings', 'openai-embeddings'],
    ['/v1/messages', 'anthropic-messages'],
    ['/proxy/x/v1/messages', 'anthropic-messages'],
    ['/anthropic/v1/messages?beta=true', 'anthropic-messages'],
  ])('%s is %s', (path, name) => {
    expect(recogniseProtocol('POST', path)?.name).toBe(name);
    expect(recogniseProtocol('post', path)?.name).toBe(name);
    expect(recogniseProtocol('GET', path)).toBeUndefined();
  });

  it.each([
    '/',
    '',
    '/v1/models',
    '/v1/messages/count_tokens',
    '/v1/messages/batches',
    '/v1/responses/resp_1',
    '/v1/responses/resp_1/cancel',
    '/forms/7/responses',
    '/api/embeddings',
    '/channels/7/messages',
    '/search/completions',
    '/v1/chat/completions/abc',
    '/x?next=/v1/chat/completions',
  ])('%s is none', (path) => {
    expect(recogniseProtocol('POST', path)).toBeUndefined();
  });

  it('has every protocol under its own name', () => {
    for (const [name, protocol] of Object.entries(protocols)) expect(protocol.name).toBe(name);
  });
});

describe('what looks like a model call', () => {
  it.each([
    ['api.openai.com', '/v1/chat/completions'],
    ['localhost:8080', '/v1/chat/completions'],
    ['api.openai.com', '/v1/images/generations'],
    ['API.OpenAI.com:443', '/v1/audio/speech'],
    ['generativelanguage.googleapis.com', '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse'],
    ['us-central1-aiplatform.googleapis.com', '/v1/projects/p/locations/l/publishers/google/models/m:generateContent'],
    ['us-east5-aiplatform.googleapis.com', '/v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict'],
    ['bedrock-runtime.eu-central-1.amazonaws.com', '/model/anthropic.claude-v2/converse'],
    ['api.cohere.com', '/v2/chat'],
    ['localhost:11434', '/api/chat'],
    ['localhost:11434', '/api/embeddings'],
  ])('%s%s does', (host, path) => {
    expect(looksLikeModelCall(host, path)).toBe(true);
  });

  it.each([
    ['api.openai.com', '/v1/models'],
    ['api.openai.com', '/v1/files'],
    ['example.com', '/v2/chat'],
    ['example.com', '/api/chat'],
    ['notopenai.azure.com.evil.example', '/v2/chat'],
    ['localhost:11434', '/api/tags'],
    ['', ''],
  ])('%s%s does not', (host, path) => {
    expect(looksLikeModelCall(host, path)).toBe(false);
  });
});
