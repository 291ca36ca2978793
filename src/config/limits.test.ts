import { describe, expect, it } from 'vitest';
import { limitsFor, matchesGlob } from './limits.ts';

describe('limits of a deployment', () => {
  const config = {
    deployments: {
      'openai/api.openai.com/gpt-x': { rpm: 500 },
      '*': { concurrency: 4, rpm: 1 },
      'openai/*': { rpm: 100, tpm: 1000 },
      'azure/*/prod': { rpm: 9 },
    },
  };

  it('add up from the widest pattern to the exact name', () => {
    expect(limitsFor(config, 'openai/api.openai.com/gpt-x')).toEqual({ concurrency: 4, rpm: 500, tpm: 1000 });
    expect(limitsFor(config, 'openai/other/gpt-x')).toEqual({ concurrency: 4, rpm: 100, tpm: 1000 });
    expect(limitsFor(config, 'azure/acc/prod')).toEqual({ concurrency: 4, rpm: 9 });
  });

  it("put the run's own word last, for its targets alone", () => {
    const flagged = { ...config, limits: { rpm: 60 } };
    expect(limitsFor(flagged, 'azure/acc/prod', { target: true })).toEqual({ concurrency: 4, rpm: 60 });
    expect(limitsFor(flagged, 'azure/acc/prod')).toEqual({ concurrency: 4, rpm: 9 });
  });

  it('are unknown where nothing is said', () => {
    expect(limitsFor({ deployments: { 'openai/*': { rpm: 1 } } }, 'azure/a/b')).toBeUndefined();
  });

  it.each([
    ['openai/*/gpt-4.1', 'openai/h/gpt-4.1', true],
    ['openai/*/gpt-4.1', 'openai/h/gpt-4x1', false],
    ['*mini', 'openai/h/gpt-4.1-mini', true],
    ['*', '', true],
    ['a+b', 'a+b', true],
    ['openai', 'openai/h/m', false],
  ])('pattern %s and name %s: %s', (pattern, name, fits) => {
    expect(matchesGlob(pattern, name)).toBe(fits);
  });
});
