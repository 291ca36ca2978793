import { describe, expect, it } from 'vitest';
import { AssayError } from '../core/index.ts';
import { defaultPlaybook } from './default-playbook.ts';
import { validateSimulatorOptions } from './validate-options.ts';

const problem = (options: unknown): string => {
  try {
    validateSimulatorOptions(options);
  } catch (error) {
    if (AssayError.isInstance(error) && error.code === 'config') return error.message;
    throw error;
  }
  return 'accepted';
};

describe('validateSimulatorOptions', () => {
  it('accepts every option in its proper form', () => {
    expect(
      problem({
        host: '127.0.0.1', port: 0, seed: 5, apiKeys: ['k'], playbooks: [defaultPlaybook], everyday: false,
        profiles: { reasoner: { behaviour: 'weak', latency: { minMs: 0, maxMs: 5 }, pieceMs: 1, reasoning: { min: 1, max: 9 }, toolChance: 0.5, faults: { cut: 1 } } },
        faults: { error500: 0.5, cut: 0.5 }, slowFirstByteMs: 1, hangMs: 1,
        limits: { kind: 'token-bucket', rpm: 1, rps: 1, tpm: 1, itpm: 1, otpm: 1, concurrency: 1, countAtAdmission: 'actual', bucketSeconds: 5, subWindowSeconds: 10, headers: true, otherTenant: 0.3, scope: 'family' },
        limitsByModel: { weak: { kind: 'sub-windows', rpm: 6 } }, cache: 'hash', cacheFraction: 0.1, cacheMinTokens: 1, logSize: 0, clock: undefined,
      }),
    ).toBe('accepted');
  });

  it.each([
    [{ prot: 1 }, 'prot: is not known'],
    [{ port: '80' }, 'port: must be a number'],
    [{ port: 70_000 }, 'port: must be at most 65535'],
    [{ seed: 1.5 }, 'seed: must be a whole number'],
    [{ apiKeys: ['a', 2] }, 'apiKeys[1]: must be text'],
    [{ limits: { rpm: 5 } }, 'limits.kind: is required'],
    [{ limits: { kind: 'leaky' } }, 'limits.kind: must be one of token-bucket'],
    [{ limits: { kind: 'fixed-window', rpm: 0 } }, 'limits.rpm: must be above 0'],
    [{ limits: { kind: 'fixed-window', otherTenant: 1 } }, 'limits.otherTenant: must be below 1'],
    [{ limitsByModel: { weak: { kind: 'fixed-window', tpm: -1 } } }, 'limitsByModel.weak.tpm: must be above 0'],
    [{ faults: { explode: 1 } }, 'faults.explode: is not known'],
    [{ faults: { cut: 0.6, empty: 0.6 } }, 'faults: the rates add up to 1.2'],
    [{ profiles: { x: { behaviour: 'kind' } } }, 'profiles.x.behaviour: must be one of echo'],
    [{ profiles: { x: { behaviour: 'weak', latency: { minMs: 5, maxMs: 1 } } } }, 'profiles.x.latency: minMs must not be above maxMs'],
    [{ playbooks: [{ name: 'p', rules: [{ id: 'r', pattern: '(', chance: 1, answer: '' }] }] }, 'playbooks[0].rules[0].pattern: is not a regular expression'],
    [{ playbooks: [{ name: 'p', rules: [{ id: 'r', pattern: '.', chance: 2, answer: '' }] }] }, 'playbooks[0].rules[0].chance: must be at most 1'],
    [{ playbooks: [{ name: 'p', rules: [{ id: 'r', pattern: '.', chance: 1, answer: '{decode:enigma:1}' }] }] }, 'playbooks[0].rules[0].answer: decodes enigma'],
    [{ clock: {} }, 'clock: must have now()'],
    [[], 'simulator options: must be an object'],
    [undefined, 'simulator options: must be an object'],
  ])('names what is wrong with %j', (options, message) => {
    expect(problem(options)).toContain(message);
  });
});
