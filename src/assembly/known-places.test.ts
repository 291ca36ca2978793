import { describe, expect, it } from 'vitest';
import { knownPlaces } from './known-places.ts';

describe('endpoints that are known', () => {
  it('are those that the configuration and the environment put elsewhere', () => {
    const env = { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', ANTHROPIC_BASE_URL: 'http://127.0.0.1:2', MINE: 'http://127.0.0.1:3/v1' };
    expect(knownPlaces({ providers: {} }, env)).toEqual([
      { url: 'http://127.0.0.1:1/v1', provider: 'openai' },
      { url: 'http://127.0.0.1:2/', provider: 'anthropic' },
    ]);
    expect(knownPlaces({ providers: { openai: { baseUrl: '${MINE}', organization: 'us' } } }, env)[0]).toEqual({ url: 'http://127.0.0.1:3/v1', provider: 'openai', account: 'us' });
    expect(knownPlaces({ providers: {} }, {})).toEqual([]);
  });

  it.each([
    ['http://models.example:8080', 'http://models.example:8080/'],
    ['models.example', 'http://models.example:11434/'],
    ['0.0.0.0:7', 'http://127.0.0.1:7/'],
  ])('include Ollama where OLLAMA_HOST is %s', (host, url) => {
    expect(knownPlaces({ providers: {} }, { OLLAMA_HOST: host })).toEqual([{ url, provider: 'ollama' }]);
  });
});
