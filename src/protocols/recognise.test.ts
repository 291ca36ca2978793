import { describe, expect, it } from 'vitest';
import { looksLikeModelCall } from './looks-like-model-call.ts';
import { modelVendor } from './model-hosts.ts';
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
    ['/v1/responses/compact', 'openai-responses'],
    ['/openai/deployments/my-gpt/responses', 'openai-responses'],
    ['/openai/v1/embeddings', 'openai-embeddings'],
    ['/openai/v1/completions', 'openai-chat'],
    ['/beta/completions', 'openai-chat'],
    ['/v1/fim/completions', 'openai-chat'],
    ['/api/v1/responses', 'openai-responses'],
    ['/v1/embeddings', 'openai-embeddings'],
    ['/openai/deployments/ada/embeddings', 'openai-embeddings'],
    ['/v1/messages', 'anthropic-messages'],
    ['/proxy/x/v1/messages', 'anthropic-messages'],
    ['/anthropic/v1/messages?beta=true', 'anthropic-messages'],
    ['/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict', 'anthropic-messages'],
    ['/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict', 'anthropic-messages'],
    ['/v1beta/models/gemini-2.5-flash:generateContent', 'gemini'],
    ['/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse', 'gemini'],
    ['/v1beta/tunedModels/mine:generateContent', 'gemini'],
    ['/v1beta/models/gemini-embedding-001:embedContent', 'gemini'],
    ['/v1beta/models/gemini-embedding-001:batchEmbedContents', 'gemini'],
    ['/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:streamGenerateContent', 'gemini'],
    ['/v1/projects/p/locations/l/endpoints/123:generateContent', 'gemini'],
    ['/api/chat', 'ollama'],
    ['/api/generate', 'ollama'],
    ['/api/embed', 'ollama'],
    ['/api/embeddings', 'ollama'],
    ['/ollama/api/chat/', 'ollama'],
    ['/api/v1/embeddings', 'openai-embeddings'],
    ['/api/chat/completions', 'openai-chat'],
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
    '/v1/responses/input_tokens',
    '/v1/things/compact',
    '/forms/7/responses',
    '/v1beta/models',
    '/v1beta/models/gemini-2.5-flash:countTokens',
    '/v1beta/models/gemini-2.5-flash:batchGenerateContent',
    '/v1beta/models/gemini-2.5-flash',
    '/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict',
    '/v1/projects/p/locations/l/publishers/google/models/imagen-4:predict',
    '/api/tags',
    '/api/pull',
    '/api/show',
    '/chat',
    '/generate',
    '/channels/7/messages',
    '/search/completions',
    '/v1/chat/completions/abc',
    '/x?next=/v1/chat/completions',
  ])('%s is none', (path) => {
    expect(recogniseProtocol('POST', path)).toBeUndefined();
  });

  it.each([
    ['localhost:11434', true],
    ['gpu.example:11434', true],
    ['ollama.com', true],
    ['example.com', false],
    ['localhost:3000', false],
    ['example.com:114340', false],
    ['notollama.com', false],
  ])('takes words that any site may use for Ollama’s on hosts that are known for it alone: %s', (host, known) => {
    for (const path of ['/api/chat', '/api/generate', '/api/embed', '/api/embeddings']) {
      expect(recogniseProtocol('POST', path, host)?.name).toBe(known ? 'ollama' : undefined);
    }
    expect(recogniseProtocol('POST', '/v1/chat/completions', host)?.name).toBe('openai-chat');
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
    ['ollama.com', '/api/chat'],
    ['localhost:8080', '/v1beta/models/gemini-2.5-flash:generateContent'],
    ['us-central1-aiplatform.googleapis.com', '/v1/projects/p/locations/l/publishers/google/models/imagen-4:predict'],
  ])('%s%s does', (host, path) => {
    expect(looksLikeModelCall(host, path)).toBe(true);
  });

  it.each([
    ['api.openai.com', '/v1/models'],
    ['api.openai.com', '/v1/files'],
    ['example.com', '/v2/chat'],
    ['example.com', '/api/chat'],
    ['notopenai.azure.com.evil.example', '/v2/chat'],
    ['localhost:3000', '/api/chat'],
    ['localhost:11434', '/api/tags'],
    ['generativelanguage.googleapis.com', '/v1beta/models/gemini-2.5-flash:countTokens'],
    ['api.anthropic.com', '/v1/messages/count_tokens'],
    ['us-east5-aiplatform.googleapis.com', '/v1/projects/p/locations/l/publishers/anthropic/models/count-tokens:rawPredict'],
    ['', ''],
  ])('%s%s does not', (host, path) => {
    expect(looksLikeModelCall(host, path)).toBe(false);
  });
});

describe('whose models a host serves', () => {
  it.each([
    ['api.openai.com', 'openai'],
    ['eu.api.openai.com', 'openai'],
    ['mine.openai.azure.com:443', 'azure'],
    ['API.Anthropic.com', 'anthropic'],
    ['europe-west4-aiplatform.googleapis.com', 'vertex'],
    ['bedrock-runtime.eu-central-1.amazonaws.com', 'bedrock'],
    ['evilapi.openai.com.example', undefined],
    ['evil-api.openai.com', undefined],
    ['xollama.com', undefined],
    ['localhost', undefined],
    ['', undefined],
  ])('%s: %s', (host, vendor) => {
    expect(modelVendor(host)).toBe(vendor);
  });
});
