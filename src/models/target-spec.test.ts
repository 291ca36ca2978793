import { describe, expect, it } from 'vitest';
import { parseTargetSpec } from './target-spec.ts';

describe('parseTargetSpec', () => {
  it('takes provider and model apart, colons in the model kept', () => {
    expect(parseTargetSpec('openai:gpt-4.1-mini')).toEqual({ spec: 'openai:gpt-4.1-mini', provider: 'openai', name: 'gpt-4.1-mini' });
    expect(parseTargetSpec('openai:ft:gpt-4.1:acme')).toMatchObject({ provider: 'openai', name: 'ft:gpt-4.1:acme' });
  });

  it('reads an inline endpoint with its model', () => {
    expect(parseTargetSpec('compat:http://127.0.0.1:8000/v1/#qwen3:8b')).toEqual({
      spec: 'compat:http://127.0.0.1:8000/v1/#qwen3:8b',
      provider: 'compat',
      name: 'http://127.0.0.1:8000/v1/',
      url: 'http://127.0.0.1:8000/v1',
      model: 'qwen3:8b',
    });
  });

  it('reads a named endpoint, with another model where one is given', () => {
    expect(parseTargetSpec('compat:local')).toEqual({ spec: 'compat:local', provider: 'compat', name: 'local' });
    expect(parseTargetSpec('compat:local#m')).toMatchObject({ name: 'local', model: 'm' });
  });

  it.each([
    ['gpt-4', /not of the form provider:model/],
    ['openai:', /not of the form/],
    [':x', /not of the form/],
    ['nobody:x', /unknown provider "nobody"/],
    ['compat:http://127.0.0.1/v1', /names no model/],
    ['compat:http://127.0.0.1/v1#', /names no model/],
    ['compat:http://[bad/v1#m', /URL that cannot be read/],
  ])('refuses %s with what is wrong', (spec, message) => {
    expect(() => parseTargetSpec(spec)).toThrow(message);
  });
});
