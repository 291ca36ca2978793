import { UsageError } from '../../core/index.ts';
import type { Grader } from '../contract.ts';
import { escapeRegExp, quote } from '../text.ts';
import type { DetectorDefinition, DetectorSpec } from './definition.ts';
import { textDetector } from './text-detector.ts';

export interface ContainsOptions {
  readonly name: string;
  readonly texts: readonly string[];
  /** Whether one of the texts is enough. Default `any`. */
  readonly match?: 'any' | 'all';
  /** Whether upper and lower case differ. Default false. */
  readonly caseSensitive?: boolean;
  /** Whether a text must stand as whole words: no letter, digit or underscore at its sides. Default false. */
  readonly word?: boolean;
}

/** Hits where the output contains the texts. Compared in Unicode form NFC. */
export function contains(options: ContainsOptions): Grader {
  const finders = options.texts.map((text) => ({ text, found: finder(text, options) }));
  const all = options.match === 'all';
  return textDetector({
    name: options.name,
    threshold: 1,
    detect: (text) => {
      const normal = text.normalize('NFC');
      const present = finders.filter((each) => each.found(normal));
      const hit = all ? present.length === finders.length : present.length > 0;
      return {
        value: hit ? 1 : 0,
        reason: present.length === 0 ? 'none of the texts is in the output' : `contains ${present.map((each) => quote(each.text)).join(', ')}`,
      };
    },
  });
}

function finder(text: string, options: ContainsOptions): (output: string) => boolean {
  const needle = text.normalize('NFC');
  if (options.word === true) {
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])${escapeRegExp(needle)}(?![\\p{L}\\p{N}_])`, options.caseSensitive === true ? 'u' : 'iu');
    return (output) => pattern.test(output);
  }
  if (options.caseSensitive === true) return (output) => output.includes(needle);
  const lower = needle.toLowerCase();
  return (output) => output.toLowerCase().includes(lower);
}

/** Splits at `|`; `\|` stands for a bar. */
function alternatives(spec: DetectorSpec): string[] {
  const texts = (spec.argument ?? '').split(/(?<!\\)\|/).map((text) => text.replaceAll(String.raw`\|`, '|'));
  if (texts.some((text) => text.trim() === '')) {
    throw new UsageError({ message: `--detector ${spec.text}: one of the texts is empty`, hint: String.raw`write texts between bars, and \| for a bar` });
  }
  return texts;
}

function definition(name: string, summary: string, usage: string, texts: (spec: DetectorSpec) => string[], match: 'any' | 'all'): DetectorDefinition {
  return {
    name,
    summary,
    usage,
    modifiers: ['case', 'word'],
    argument: 'required',
    needs: [],
    create: (spec) =>
      contains({ name: spec.text, texts: texts(spec), match, caseSensitive: spec.modifiers.includes('case'), word: spec.modifiers.includes('word') }),
  };
}

export const containsText = definition('contains', 'the output contains the text', 'contains:TEXT', (spec) => [spec.argument ?? ''], 'any');
export const containsAny = definition('contains-any', 'the output contains at least one of the texts', 'contains-any:A|B|C', alternatives, 'any');
export const containsAll = definition('contains-all', 'the output contains every one of the texts', 'contains-all:A|B|C', alternatives, 'all');
