import { describe, expect, it } from 'vitest';
import { readConfigText } from './document.ts';
import { mergeFlags } from './flags.ts';

const config = readConfigText('targets: [openai:a]\nparameters: { temperature: 0.5, topP: 0.9 }\nbudgets: { usd: 3 }\n', 'assay.yaml');

describe('flags over a configuration', () => {
  it('replace what they name and leave the rest', () => {
    const merged = mergeFlags(config, { target: ['sim:weak'], temperature: 0, maxCalls: 10, rpm: 60, tries: 3, prompts: 'p.txt' });
    expect(merged.targets).toEqual(['sim:weak']);
    expect(merged.parameters).toEqual({ temperature: 0, topP: 0.9 });
    expect(merged.budgets).toEqual({ usd: 3, calls: 10 });
    expect(merged.limits).toEqual({ rpm: 60 });
    expect(merged.retry).toEqual({ tries: 3, deadlineSeconds: 120 });
    expect(merged.probes.prompts).toBe('p.txt');
    expect(config.targets).toEqual(['openai:a']);
  });

  it('change nothing where none is given', () => {
    expect(mergeFlags(config, {})).toEqual(config);
  });

  it('may be given again over what was merged before, as on a resume', () => {
    const once = mergeFlags(config, { maxCalls: 10 });
    expect(mergeFlags(once, { maxCalls: 20 }).budgets).toEqual({ usd: 3, calls: 20 });
  });

  it.each([
    [{ maxUsd: -1 }, '--max-usd: must be more than 0'],
    [{ onRateLimit: 'wait' }, '--on-rate-limit: must be "continue" or "stop"'],
    [{ apiKeyEnv: 'not a name' }, '--api-key-env: must be the name of an environment variable'],
    [{ temperature: 9 }, '--temperature: must be at most 2'],
    [{ generations: 0, repeats: 0 }, '--generations: must be more than 0; --repeats: must be more than 0'],
    [{ target: ['compat:http://me:hunter22@host/v1#m'] }, '--target: looks like a secret'],
  ])('name the flag at fault: %j', (flags, said) => {
    expect(() => mergeFlags(config, flags)).toThrow(said);
  });
});
