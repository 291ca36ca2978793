import { describe, expect, it } from 'vitest';
import { resolveEnv } from '../core/index.ts';

describe('references to the environment', () => {
  it('are replaced in texts, lists and objects', () => {
    const value = { url: 'https://${HOST}/v1', list: ['${HOST}', 3], deep: { auth: 'Bearer ${KEY}' }, off: false, none: null };
    expect(resolveEnv(value, { HOST: 'api.test', KEY: 'k$&1' })).toEqual({
      url: 'https://api.test/v1',
      list: ['api.test', 3],
      deep: { auth: 'Bearer k$&1' },
      off: false,
      none: null,
    });
  });

  it('leave the object they stand in as it is', () => {
    const value = { key: '${KEY}' };
    resolveEnv(value, { KEY: 'x' });
    expect(value).toEqual({ key: '${KEY}' });
  });

  it('do not resolve what they bring in', () => {
    expect(resolveEnv('${A}', { A: '${B}', B: 'secret' })).toBe('${B}');
  });

  it.each([undefined, ''])('name the variable and the place where it is missing (%j)', (value) => {
    expect(() => resolveEnv({ headers: ['a', '${TOKEN}'] }, { TOKEN: value }, 'providers.openai')).toThrow(
      'environment variable TOKEN is not set, but providers.openai.headers[1] refers to it',
    );
  });

  it('raise missing_key with what to type', () => {
    expect(() => resolveEnv('${TOKEN}', {})).toThrow(expect.objectContaining({ code: 'missing_key', hint: 'set it: export TOKEN=…' }));
  });
});
