import { describe, expect, test } from 'vitest';
import { selectPlugins } from './select-plugins.ts';

const plugins = [
  { id: 'probes.encoding.base64', tags: ['owasp:llm01', 'atlas:AML.T0051'] },
  { id: 'probes.encoding.braille', tags: ['owasp:llm01'] },
  { id: 'probes.sysprompt.direct', tags: ['owasp:llm07'] },
  { id: 'probes.custom', tags: [], byNameOnly: true },
];
const chosen = (...specs: string[]): string[] => selectPlugins(plugins, specs).map((plugin) => plugin.id.slice('probes.'.length));

describe('selecting plugins', () => {
  test.each([
    [['probes.encoding.base64'], ['encoding.base64']],
    [['probes.encoding'], ['encoding.base64', 'encoding.braille']],
    [['probes'], ['encoding.base64', 'encoding.braille', 'sysprompt.direct']],
    [['probes.custom'], ['custom']],
    [['probes', 'probes.custom'], ['encoding.base64', 'encoding.braille', 'sysprompt.direct', 'custom']],
    [['tag:owasp:llm01'], ['encoding.base64', 'encoding.braille']],
    [['tag:owasp'], ['encoding.base64', 'encoding.braille', 'sysprompt.direct']],
    [['probes.encoding', '-probes.encoding.braille'], ['encoding.base64']],
    [['-probes.encoding', 'probes'], ['sysprompt.direct']],
    [['probes', '-tag:owasp:llm07'], ['encoding.base64', 'encoding.braille']],
    [['probes.encoding.base64', 'probes.encoding'], ['encoding.base64', 'encoding.braille']],
  ])('%j chooses %j', (specs, ids) => {
    expect(chosen(...specs)).toEqual(ids);
  });

  test.each([
    [['probes.encodng'], 'probes.encoding'],
    [['encoding.base64'], 'probes.encoding.base64'],
    [['base64'], 'probes.encoding.base64'],
    [['-probes.encoding.brail'], 'probes.encoding.braille'],
    [['tag:owasp:llm02'], 'tag:owasp:llm01'],
  ])('%j is refused with the nearest name', (specs, near) => {
    expect(() => chosen(...specs)).toThrow(expect.objectContaining({ code: 'usage', message: expect.stringContaining(specs[0]!), hint: expect.stringContaining(near) }));
  });

  test('a part of a name is not a family', () => {
    expect(() => chosen('probes.enc')).toThrow('nothing called "probes.enc"');
  });

  test.each([[['probes.encoding', '-probes']], [['-probes.encoding']], [[]]])('%j leaves nothing, which is refused', (specs) => {
    expect(() => chosen(...specs)).toThrow('nothing is left to run');
  });
});
