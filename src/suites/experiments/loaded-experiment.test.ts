import { describe, expect, it } from 'vitest';
import { defineExperiment } from './define-experiment.ts';
import { readExperiment, type LoadedExperiment } from './loaded-experiment.ts';

const read = (exported: unknown, contentHash = 'hash'): LoadedExperiment => readExperiment(exported, { shown: 'my.ts', defaultName: 'my', contentHash, files: ['/my.ts'] });

const one = (): number => 1;

describe('an experiment', () => {
  it('may be a plain function, called after its file', () => {
    expect(read(() => 1)).toMatchObject({ id: 'experiments.my', variants: [{ name: null, params: {} }], threshold: undefined, hiddenRoles: ['memory'] });
  });

  it('may have variants by name alone, or with parameters, which keep their order and identity', () => {
    const agent = { ask: () => 'yes' };
    expect(read({ variants: ['b', 'a'], run: () => 1 }).variants).toEqual([{ name: 'b', params: {} }, { name: 'a', params: {} }]);
    expect(read({ variants: { one: agent }, run: () => 1 }).variants[0].params).toBe(agent);
  });

  it('knows the parameters of its variants by type', () => {
    const experiment = defineExperiment({
      variants: { short: { turns: 3 }, long: { turns: 10 } },
      run: ({ params, trial }) => {
        const turns: 3 | 10 = params.turns;
        // @ts-expect-error -- a trial's name is no number
        const name: number = trial;
        return turns / 10 + Number(name === undefined);
      },
    });
    expect(Object.keys(experiment.variants ?? {})).toEqual(['short', 'long']);
  });

  it('keeps the `this` of its object', async () => {
    const experiment = {
      factor: 0.5,
      run(): number {
        return this.factor;
      },
    };
    const { factor: _factor, ...rest } = { ...experiment };
    expect(() => read(experiment)).toThrow('an experiment has no "factor"');
    class Mine {
      readonly #factor = 0.5;
      run(): number {
        return this.#factor;
      }
    }
    expect(await read(new Mine()).run({} as never)).toBe(0.5);
    expect(rest).toHaveProperty('run');
  });

  it('has another fingerprint with another version or other content', () => {
    const prints = [read({ run: () => 1 }), read({ run: () => 1, version: 2 }), read({ run: () => 1 }, 'other'), read({ run: () => 1, version: '2' })].map(({ fingerprint }) => fingerprint);
    expect(new Set(prints).size).toBe(4);
  });

  it.each([
    ['no default export', undefined, 'my.ts: the module has no default export'],
    ['a default export that is none', 'text', 'its default export is a string, which is no experiment'],
    ['null', null, 'its default export is null'],
    ['no run', { variants: ['a'] }, 'the experiment has no function run'],
    ['a run that is none', { run: 3 }, 'the experiment has no function run'],
    ['a misspelt key', { run: one, treshold: 1 }, 'an experiment has no "treshold"'],
    ['a name that cannot be one', { run: one, name: 'a b' }, 'the name "a b" cannot be used'],
    ['a name that is taken', { run: one, name: 'command' }, 'the name command is taken'],
    ['no variants among its variants', { run: one, variants: {} }, 'variants is empty'],
    ['a variant twice', { run: one, variants: ['a', 'a'] }, 'the variant a is there twice'],
    ['a variant with a slash', { run: one, variants: ['a/b'] }, `the variant's name "a/b" cannot be used`],
    ['variants that are no list', { run: one, variants: 'a' }, 'variants is neither'],
    ['a threshold that is none', { run: one, threshold: '1' }, 'threshold is 1, which is no figure'],
    ['a time-out of nothing', { run: one, timeoutSeconds: 0 }, 'timeoutSeconds is 0'],
    ['expectations without figures', { run: one, expected: { calls: 1 } }, 'expected lacks a figure'],
    ['a playbook whose rule is none', { run: one, playbook: { name: 'p', rules: [{ id: 'a', pattern: '(', chance: 1, answer: 'x' }] } }, 'my.ts: its playbook cannot be used: playbook.rules[0].pattern: is not a regular expression'],
    ['a playbook that is none', { run: one, playbook: 'p' }, 'its playbook cannot be used: playbook: must be an object'],
    ['hidden roles that are no list', { run: one, hiddenRoles: 'memory' }, 'hiddenRoles is no list'],
  ])('is refused with %s', (_what, exported, message) => {
    expect(() => read(exported)).toThrow(expect.objectContaining({ code: 'config', message: expect.stringContaining(message) as unknown, hint: expect.any(String) as unknown }));
  });
});
