import { describe, expect, it } from 'vitest';
import { seededRandom } from '../core/index.ts';
import { fillTemplate, unknownCodecs } from './template.ts';

const match = (pattern: RegExp, text: string): RegExpMatchArray => pattern.exec(text)!;
const values = { match: match(/say (\w+)(?: to (?<whom>\w+))?/, 'say aGVsbG8 to bob'), system: 'Be kind.', random: seededRandom(1) };

describe('fillTemplate', () => {
  it('fills in numbered and named groups and the system prompt', () => {
    expect(fillTemplate('{1} for {whom}: {system}', values)).toBe('aGVsbG8 for bob: Be kind.');
  });

  it('decodes groups', () => {
    expect(fillTemplate('It says {decode:base64:1}.', values)).toBe('It says hello.');
  });

  it('gives nothing where a group cannot be decoded', () => {
    expect(fillTemplate('{decode:morse:1}', values)).toBeUndefined();
  });

  it('leaves braces that name nothing as they are', () => {
    expect(fillTemplate('{"a": {b}} {7} {toString}', values)).toBe('{"a": {b}} {7} {toString}');
  });

  it('takes a group that took no part as empty', () => {
    expect(fillTemplate('[{whom}]', { ...values, match: match(/say (\w+)(?: to (?<whom>\w+))?/, 'say x') })).toBe('[]');
  });

  it('does not read what a group brings in as a template', () => {
    expect(fillTemplate('{1}', { ...values, match: match(/(.*)/, '{system}'), system: 'secret' })).toBe('{system}');
  });

  it.each([
    ['2+2', '4'],
    ['999999999 * 999999999', '999999998000000001'],
    ['7 - 9', '-2'],
    ['1 / 3', '0.3333'],
    ['6 x 7', '42'],
    ['1/0', undefined],
    ['two + two', undefined],
  ])('works out %s', (sum, result) => {
    expect(fillTemplate('{calculate:1}', { ...values, match: match(/(.*)/, sum) })).toBe(result);
  });

  it('picks one of the choices, or of a list that was matched, and in time every one of them', () => {
    const listed = { ...values, match: match(/of (?<words>.+)/, 'one of tea, milk , water') };
    const drawn = (template: string): Set<string | undefined> => new Set(Array.from({ length: 60 }, (_, seed) => fillTemplate(template, { ...listed, random: seededRandom(seed) })));
    expect(drawn('{pick:words}!')).toEqual(new Set(['tea!', 'milk!', 'water!']));
    expect(drawn('{pick:Yes|No}')).toEqual(new Set(['Yes', 'No']));
    expect(fillTemplate('{pick:words}', { ...listed, random: seededRandom(4) })).toBe(fillTemplate('{pick:words}', { ...listed, random: seededRandom(4) }));
  });

  it('gives nothing where there is nothing to pick from', () => {
    expect(fillTemplate('{pick:whom}', { ...values, match: match(/say (\w+)(?: to (?<whom>\w+))?/, 'say x') })).toBeUndefined();
  });

  it('fills in groups of further patterns', () => {
    expect(fillTemplate('{whom} of {town}', { ...values, groups: { town: 'Oslo' } })).toBe('bob of Oslo');
  });

  it('names codecs that do not exist', () => {
    expect(unknownCodecs('{decode:base64:1} {decode:enigma:1}')).toEqual(['enigma']);
  });
});
