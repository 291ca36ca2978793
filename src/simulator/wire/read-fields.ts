import { asNumber, asString, isObject } from '../../core/index.ts';
import type { AskMessage } from '../ask.ts';

/** Text of a message's content: a string, or parts of which the textual ones count. Images are counted apart. */
export function contentText(content: unknown): { readonly text: string; readonly images: number } {
  if (typeof content === 'string') return { text: content, images: 0 };
  if (!Array.isArray(content)) return { text: '', images: 0 };
  const texts: string[] = [];
  let images = 0;
  for (const part of content) {
    if (!isObject(part)) continue;
    const text = asString(part['text']) ?? asString(part['refusal']);
    if (text !== undefined) texts.push(text);
    else if (/image/.test(asString(part['type']) ?? '')) images++;
  }
  return { text: texts.join('\n'), images };
}

const ROLES: Readonly<Record<string, AskMessage['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
};

/** `undefined` where the role is unknown. */
export function messageRole(role: unknown): AskMessage['role'] | undefined {
  return typeof role === 'string' && Object.hasOwn(ROLES, role) ? ROLES[role] : undefined;
}

/** A list of strings from a string, a list or nothing. */
export function stringList(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
}

/** A whole number above 0, or `undefined` where the field is absent or `null`, or `'invalid'`. */
export function positiveInteger(value: unknown): number | undefined | 'invalid' {
  if (value === undefined || value === null) return undefined;
  const number = asNumber(value);
  return number !== undefined && Number.isInteger(number) && number > 0 ? number : 'invalid';
}
