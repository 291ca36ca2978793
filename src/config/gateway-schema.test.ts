import { describe, expect, it } from 'vitest';
import { parseConfig } from './document.ts';
import { collectSecrets } from './secrets.ts';

const problem = (gateway: unknown): string => {
  try {
    parseConfig({ gateway });
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the configuration was taken');
};

describe('the gateway block of the configuration', () => {
  it('listens on this machine alone, with no upstream of its own and no token, where nothing is said', () => {
    expect(parseConfig({}).gateway).toEqual({ listen: '127.0.0.1:4100', tokens: [], upstreams: {}, longestWaitSeconds: 30, maxBodyMb: 64, requestTimeoutSeconds: 60, idleTimeoutSeconds: 300 });
  });

  it('refuses a token that is written out, without repeating it', () => {
    const message = problem({ tokens: ['let-me-in-please'] });
    expect(message).toContain('gateway.tokens[0]');
    expect(message).toContain('${ENV}');
    expect(message).not.toContain('let-me-in');
  });

  it('refuses a key in an upstream, and says where keys go', () => {
    expect(problem({ upstreams: { openai: { apiKey: 'abc' } } })).toContain('apiKeyEnv');
  });

  it.each([
    [{ upstreams: { mine: { url: 'ftp://example.com' } } }, 'gateway.upstreams.mine.url'],
    [{ upstreams: { mine: { kind: 'cohere' } } }, 'gateway.upstreams.mine.kind'],
    [{ upstreams: { 'a/b': {} } }, 'plain name'],
    [{ listen: 'http://127.0.0.1:1' }, 'HOST:PORT'],
    [{ longestWaitSeconds: -1 }, 'at least 0'],
    [{ upstream: {} }, 'did you mean "upstreams"'],
    [{ upstreams: { mine: { url: '${' } } }, 'starts no reference'],
  ])('names what is wrong in %j', (gateway, said) => {
    expect(problem(gateway)).toContain(said);
  });

  it('takes the simulator and addresses from the environment as upstreams', () => {
    const { gateway } = parseConfig({ gateway: { upstreams: { openai: { url: 'sim' }, mine: { url: '${MY_LLM}', kind: 'openai' } } } });
    expect(gateway.upstreams).toEqual({ openai: { url: 'sim' }, mine: { url: '${MY_LLM}', kind: 'openai' } });
  });

  it('counts tokens, keys that the gateway holds and secret headers among the secrets', () => {
    const config = parseConfig({
      gateway: { tokens: ['${DOOR}'], upstreams: { mine: { url: 'http://127.0.0.1:1/v1', apiKeyEnv: 'HELD', headers: { 'x-api-key': '${HEADER}', 'x-team': '${TEAM}' } } } },
    });
    const names = collectSecrets(config, { DOOR: 'door-value', HELD: 'held-value', HEADER: 'header-value', TEAM: 'team-value' }).map((secret) => secret.value);
    expect(names.toSorted()).toEqual(['door-value', 'header-value', 'held-value']);
  });
});
