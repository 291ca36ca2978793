import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { newId, UsageError, type Scope } from '../core/index.ts';
import { DEEPEST_BRANCH, LONGEST_NAME, LONGEST_PATH, presentableName } from './scope-name.ts';
import { exportScope, runInScope, scopeFromHeaders, scopeFromText, scopeToHeaders, scopeToText } from './scope-text.ts';
import { carryScope, withScope, type CarriedScope } from './scope.ts';

const named = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((name) => presentableName('branch', name) === name);
const scopes: fc.Arbitrary<Scope> = fc
  .record({ trial: named, role: named, phase: named, branch: fc.array(named, { minLength: 1, maxLength: 4 }).map((names) => names.join('/')) }, { requiredKeys: [] });
const carried = (scope: Scope): CarriedScope => withScope(scope, carryScope);
const reader = (headers: Record<string, string>) => (name: string) => headers[name];

describe('exportScope', () => {
  it('is read back to the same scope and forks, whatever the names', () => {
    fc.assert(
      fc.property(scopes, fc.option(fc.nat()), (part, goalIndex) => {
        const scope = { ...part, runId: '20260101-000000-abcd', attemptKey: 'k', ...(goalIndex === null ? {} : { goalIndex }) };
        const whole = withScope(scope, () => ({ text: exportScope(), carried: carryScope() }));
        expect(scopeFromText(whole.text)).toEqual(whole.carried);
        expect(runInScope(whole.text, carryScope)).toEqual(whole.carried);
      }),
    );
  });

  it('is empty JSON outside any scope', () => {
    expect(exportScope()).toBe('{}');
    expect(runInScope('{}', carryScope)).toEqual({ scope: {}, forks: [] });
  });

  it('keeps a program-made name that is too long as far as it goes', () => {
    const text = scopeToText({ scope: { phase: `step\n${'x'.repeat(5_000)}` }, forks: [] });
    expect(scopeFromText(text).scope.phase).toBe(`step ${'x'.repeat(LONGEST_NAME - 5)}`);
  });
});

describe('runInScope', () => {
  it('takes the place of the surrounding scope', () => {
    const text = withScope({ trial: 't', branch: 'a' }, exportScope);
    expect(withScope({ trial: 'other', role: 'judge' }, () => runInScope(text, carryScope)).scope).toEqual({ trial: 't', branch: 'a' });
  });

  it.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['a number', '7'],
    ['too much', `{"trial":"t","other":"${'x'.repeat(20_000)}"}`],
    ['a trial that is no text', '{"trial":7}'],
    ['an empty role', '{"role":""}'],
    ['a goal that is no number', '{"goalIndex":"1"}'],
    ['a goal below zero', '{"goalIndex":-1}'],
    ['a run that is no text', '{"runId":{}}'],
    ['a branch with an empty level', '{"branch":"a//b"}'],
    ['a branch that is no text', '{"branch":["a"]}'],
    ['forks without a branch', `{"forks":["${newId()}"]}`],
    ['fewer forks than levels', `{"branch":"a/b","forks":["${newId()}"]}`],
    ['forks that are no ids', '{"branch":"a","forks":["1; drop"]}'],
    ['forks that are no list', '{"branch":"a","forks":"x"}'],
  ])('refuses %s, and runs nothing', (_what, text) => {
    expect(() => runInScope(text, () => expect.unreachable())).toThrow(UsageError);
  });

  it('refuses what is no text at all', () => {
    expect(() => runInScope(undefined as unknown as string, () => expect.unreachable())).toThrow(UsageError);
  });

  it('passes over members that it does not know', () => {
    expect(scopeFromText('{"trial":"t","later":{"version":2}}')).toEqual({ scope: { trial: 't' }, forks: [] });
  });
});

describe('scope headers', () => {
  it('are ASCII and read back to the same scope and forks, whatever the names', () => {
    fc.assert(
      fc.property(scopes, (scope) => {
        const { forks } = carried(scope);
        const headers = scopeToHeaders(scope, forks);
        for (const value of Object.values(headers)) expect(value).toMatch(/^[\u0021-\u007E]+$/);
        expect(scopeFromHeaders(reader(headers))).toEqual({ scope, forks });
      }),
    );
  });

  it('say nothing of run, goal and attempt', () => {
    expect(scopeToHeaders({ runId: 'r', goalIndex: 1, attemptKey: 'k', role: 'judge' }, [])).toEqual({ 'x-assay-role': 'judge' });
  });

  it('fit into what servers take, at their longest', () => {
    const branch = Array.from({ length: DEEPEST_BRANCH }, () => '文'.repeat(Math.floor(LONGEST_PATH / DEEPEST_BRANCH) - 1)).join('/');
    const scope: Scope = { trial: '文'.repeat(LONGEST_NAME), role: '文'.repeat(LONGEST_NAME), phase: '文'.repeat(LONGEST_NAME), branch };
    const size = Object.entries(scopeToHeaders(scope, carried(scope).forks)).reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0);
    expect(size).toBeLessThan(16_384 - 1_024);
  });

  it('are read where there are none, or empty ones', () => {
    expect(scopeFromHeaders(() => undefined)).toEqual({ scope: {}, forks: [] });
    expect(scopeFromHeaders(() => '')).toEqual({ scope: {}, forks: [] });
  });

  it('may name a branch without its forks: it is forked where the request arrives', () => {
    expect(scopeFromHeaders(reader({ 'x-assay-branch': 'a%2Fb' }))).toEqual({ scope: { branch: 'a/b' }, forks: [] });
  });

  it.each([
    ['x-assay-role', '50%', 'not URI-encoded'],
    ['x-assay-trial', 'a%0Ab', 'cannot be shown'],
    ['x-assay-phase', 'x'.repeat(LONGEST_NAME + 1), 'characters'],
    ['x-assay-branch', '%2Fa', 'is empty'],
    ['x-assay-branch', Array.from({ length: DEEPEST_BRANCH + 1 }, () => 'a').join('%2F'), 'too deep'],
    ['x-assay-fork', newId(), 'do not fit'],
  ])('%s: %s is refused with what to do about it', (name, value, message) => {
    expect(() => scopeFromHeaders(reader({ [name]: value }))).toThrow(expect.objectContaining({ code: 'usage', message: expect.stringContaining(message), hint: expect.any(String) }));
  });
});
