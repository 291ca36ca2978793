import { describe, expect, it } from 'vitest';
import type { ProtocolName } from '../protocols/index.ts';
import { describeCall } from './describe-call.ts';
import { Places, type KnownPlace } from './place.ts';

const of = (places: Places, url: string, protocol: ProtocolName = 'openai-chat', model: string | undefined = 'm') => places.of(new URL(url), protocol, model);

describe('where a call goes', () => {
  it.each<[string, ProtocolName, string]>([
    ['https://api.openai.com/v1/chat/completions', 'openai-chat', 'openai/api.openai.com/m'],
    ['https://eu.api.openai.com/v1/responses', 'openai-responses', 'openai/eu.api.openai.com/m'],
    ['https://mine.openai.azure.com/openai/deployments/d/chat/completions?api-version=1', 'openai-chat', 'azure/mine/d'],
    ['https://mine.openai.azure.com/openai/v1/chat/completions', 'openai-chat', 'azure/mine/m'],
    ['https://mine.services.ai.azure.com/models/chat/completions', 'openai-chat', 'azure/mine.services.ai.azure.com/m'],
    ['https://api.anthropic.com/v1/messages', 'anthropic-messages', 'anthropic/api.anthropic.com/m'],
    ['https://openrouter.ai/api/v1/chat/completions', 'openai-chat', 'openrouter/openrouter.ai/m'],
    ['https://generativelanguage.googleapis.com/v1beta/models/m:generateContent', 'gemini', 'gemini/generativelanguage.googleapis.com/m'],
    ['https://generativelanguage.googleapis.com/v1beta/openai/chat/completions', 'openai-chat', 'gemini/generativelanguage.googleapis.com/m'],
    ['https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/google/models/m:generateContent', 'gemini', 'vertex/us-central1-aiplatform.googleapis.com/m'],
    ['https://api.groq.com/openai/v1/chat/completions', 'openai-chat', 'groq/api.groq.com/m'],
    ['https://api.voyageai.com/v1/embeddings', 'openai-embeddings', 'voyage/api.voyageai.com/m'],
    ['https://ollama.com/api/chat', 'ollama', 'ollama/ollama.com/m'],
    ['http://127.0.0.1:11434/api/chat', 'ollama', 'ollama/127.0.0.1:11434/m'],
    ['http://127.0.0.1:9/v1beta/models/m:generateContent', 'gemini', 'gemini/127.0.0.1:9/m'],
    ['http://127.0.0.1:9/v1/messages', 'anthropic-messages', 'anthropic/127.0.0.1:9/m'],
    ['http://127.0.0.1:8000/v1/chat/completions', 'openai-chat', 'compat/127.0.0.1:8000/m'],
    ['https://proxy.example/openai/deployments/d%20e/embeddings', 'openai-embeddings', 'azure/proxy.example/d e'],
  ])('%s (%s) draws on %s', (url, protocol, deployment) => {
    expect(of(new Places(), url, protocol)).toEqual({ deployment, simulated: false });
  });

  it('has a deployment although no model is named', () => {
    expect(new Places().of(new URL('http://h/v1/chat/completions'), 'openai-chat', undefined).deployment).toBe('compat/h/unknown');
  });
});

describe('a place that was named', () => {
  const sim: KnownPlace = { url: 'http://127.0.0.1:9/v1/', provider: 'sim', account: 'local', simulated: true };

  it('gives its names to what is under it, and to nothing that only looks so', () => {
    const places = new Places([sim]);
    expect(of(places, 'http://127.0.0.1:9/v1/chat/completions')).toEqual({ deployment: 'sim/local/m', simulated: true });
    expect(of(places, 'http://127.0.0.1:9/v1')).toEqual({ deployment: 'sim/local/m', simulated: true });
    for (const other of ['http://127.0.0.1:9/v1beta/chat/completions', 'http://127.0.0.1:90/v1/chat/completions', 'https://127.0.0.1:9/v1/chat/completions', 'http://127.0.0.1:9/']) {
      expect(of(places, other).simulated).toBe(false);
      expect(places.knows(new URL(other))).toBe(false);
    }
    expect(places.knows(new URL('http://127.0.0.1:9/v1/chat/completions?x=1'))).toBe(true);
  });

  it('has the host for its account where none is given, and goes before its vendor’s name', () => {
    expect(of(new Places([{ url: 'https://api.openai.com', provider: 'team' }]), 'https://api.openai.com/v1/chat/completions').deployment).toBe('team/api.openai.com/m');
  });

  it('is found by its longest address, in whatever order they came', () => {
    const known: KnownPlace[] = [
      { url: 'http://h', provider: 'a' },
      { url: 'http://h/x/y', provider: 'c' },
      { url: 'http://h/x', provider: 'b' },
    ];
    for (const places of [new Places(known), new Places(known.toReversed())]) {
      expect(of(places, 'http://h/x/y/chat/completions').deployment).toBe('c/h/m');
      expect(of(places, 'http://h/x/chat/completions').deployment).toBe('b/h/m');
      expect(of(places, 'http://h/chat/completions').deployment).toBe('a/h/m');
    }
  });

  it('is what it was named last', () => {
    const places = new Places([sim]);
    places.add({ url: 'http://127.0.0.1:9/v1', provider: 'real' });
    expect(of(places, 'http://127.0.0.1:9/v1/chat/completions')).toEqual({ deployment: 'real/127.0.0.1:9/m', simulated: false });
  });

  it('is meant by every spelling of its address', () => {
    const places = new Places([{ url: 'HTTPS://Example.COM:443/v1//', provider: 'mine' }]);
    expect(of(places, 'https://example.com/v1/chat/completions').deployment).toBe('mine/example.com/m');
  });

  it('may speak Ollama’s words on any host; an unknown one’s /api/chat is its own', () => {
    const request = { method: 'POST', url: new URL('http://127.0.0.1:9/api/chat'), headers: {}, body: '{"model":"qwen3","messages":[]}' };
    expect(describeCall(request, new Places())).toBeUndefined();
    expect(describeCall(request, new Places([{ url: 'http://127.0.0.1:9', provider: 'ollama' }]))).toMatchObject({ deployment: 'ollama/127.0.0.1:9/qwen3', asked: { stream: true } });
    expect(describeCall({ ...request, headers: { 'user-agent': 'ollama-js/0.6.4 (x64 linux Node.js/v24.0.0)' } }, new Places())).toMatchObject({ deployment: 'ollama/127.0.0.1:9/qwen3' });
    expect(describeCall({ ...request, url: new URL('http://127.0.0.1:11434/api/chat') }, new Places())).toMatchObject({ deployment: 'ollama/127.0.0.1:11434/qwen3' });
  });
});
