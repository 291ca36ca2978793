import type { Random } from '../core/index.ts';
import { type CodecName, decodeText, isCodecName } from './codecs.ts';

const PLACEHOLDER = /\{(?:decode:([a-z0-9-]+):(\w+)|calculate:(\w+)|pick:([^{}]+)|(\w+))\}/g;

type Captured = string | undefined;

/** What placeholders stand for. */
export interface TemplateValues {
  /** The match that decided: its numbered and named groups. */
  readonly match: RegExpMatchArray;
  /** Named groups of what matched as well. */
  readonly groups?: Readonly<Record<string, string>>;
  /** Draws for `{pick:…}`. */
  readonly random: Random;
  readonly system: string;
  /** Result of the tool that the rule called, where there is one. */
  readonly tool?: string;
}

/** Codecs that a template names and that do not exist. */
export function unknownCodecs(template: string): string[] {
  return [...template.matchAll(PLACEHOLDER)].flatMap(([, codec]) => (codec === undefined || isCodecName(codec) ? [] : [codec]));
}

/**
 * Fills a template in. Braces that name nothing stay as they are, so JSON may be written in answers.
 *
 * @returns the text, or `undefined` where something could not be decoded, worked out or picked
 */
export function fillTemplate(template: string, values: TemplateValues): string | undefined {
  let readable = true;
  const text = template.replaceAll(PLACEHOLDER, (whole: string, codec: Captured, encoded: Captured, sum: Captured, choice: Captured, name: Captured) => {
    if (sum !== undefined) {
      const result = calculate(valueOf(sum, values) ?? '');
      if (result === undefined) readable = false;
      return result ?? '';
    }
    if (choice !== undefined) {
      const picked = pick(choice, values);
      if (picked === undefined) readable = false;
      return picked ?? '';
    }
    if (codec === undefined || encoded === undefined) return valueOf(name ?? '', values) ?? whole;
    const decoded = decodeText(codec as CodecName, valueOf(encoded, values) ?? '');
    if (decoded === undefined) readable = false;
    return decoded ?? '';
  });
  return readable ? text : undefined;
}

/** One of the choices written down, or of a group's list. */
function pick(choice: string, values: TemplateValues): string | undefined {
  const choices = choice.includes('|') ? choice.split('|') : (valueOf(choice, values) ?? '').split(',').map((each) => each.trim());
  const offered = choices.filter((each) => each !== '');
  return offered.length === 0 ? undefined : values.random.pick(offered);
}

function valueOf(name: string, { match, groups, system, tool }: TemplateValues): string | undefined {
  if (name === 'system') return system;
  if (name === 'tool') return tool;
  if (/^\d$/.test(name)) return Number(name) < match.length ? (match[Number(name)] ?? '') : undefined;
  const named = { ...groups, ...match.groups };
  return Object.hasOwn(named, name) ? (named[name] ?? '') : undefined;
}

/** Works out two numbers joined by a sign; exact but for division, which is rounded to four places. */
function calculate(sum: string): string | undefined {
  const [, left, sign, right] = /^\s*(\d+)\s*([-+*/x×])\s*(\d+)\s*$/i.exec(sum) ?? [];
  if (left === undefined || right === undefined) return undefined;
  const [a, b] = [BigInt(left), BigInt(right)];
  if (sign === '+') return String(a + b);
  if (sign === '-') return String(a - b);
  if (sign !== '/') return String(a * b);
  return b === 0n ? undefined : String(Math.round((Number(a) / Number(b)) * 10_000) / 10_000);
}
