import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { describeError, isObject, parseJson, UsageError } from '../../core/index.ts';
import { fillIn } from './command-template.ts';

/** One command to be run. */
export interface CommandTrial {
  /** Unique within its run. */
  readonly name: string;
  /** Program and arguments, placeholders filled in. */
  readonly command: readonly string[];
  /** What its line of the trials file says, as text by field. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Longer names would break the tables, file names and headers that they stand in. */
const LONGEST_NAME = 200;

/**
 * A name as it may stand in file names, headers and tables.
 *
 * @throws UsageError for one that is empty, too long, or holds control characters
 */
export function checkTrialName(name: string, where: string): string {
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > LONGEST_NAME || /\p{Cc}/u.test(trimmed)) {
    throw new UsageError({ code: 'input', message: `${where}: a trial's name must be 1 to ${LONGEST_NAME} characters without line ends or control characters`, hint: 'e.g. trial-7' });
  }
  return trimmed;
}

/**
 * Reads a file of trials: a line is a JSON object, whose members are the trial's fields, or plain text, which is its name. Empty lines
 * are passed over. A trial is called by its field `name`, else `trial-N` by its place; the second of a name gets `#2`.
 *
 * @param template program and arguments with `{field}` placeholders; `{name}` and `{index}` (from 0) are always there
 * @throws UsageError `input` that names file and line
 */
export async function readTrials(path: string, given: string, template: readonly string[]): Promise<CommandTrial[]> {
  const trials: CommandTrial[] = [];
  const names = new Set<string>();
  let number = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
      number++;
      const text = number === 1 ? line.replace(/^\uFEFF/, '').trim() : line.trim();
      if (text === '') continue;
      const where = `${given}:${number}`;
      const index = trials.length;
      const own = fieldsOf(text, where);
      const name = unique(checkTrialName(own['name'] ?? `trial-${index + 1}`, where), names);
      const fields = { ...own, name, index: own['index'] ?? String(index) };
      trials.push({ name, command: fillIn(template, fields, where), fields });
    }
  } catch (error) {
    if (UsageError.isInstance(error)) throw error;
    throw new UsageError({ code: 'input', message: `cannot read ${given}: ${describeError(error)}`, hint: 'check the path and its permissions', cause: error });
  }
  if (trials.length === 0) throw new UsageError({ code: 'input', message: `${given} holds no trials`, hint: 'write one a line: a JSON object such as {"name": "a", "seed": 1}, or a plain name' });
  return trials;
}

function fieldsOf(text: string, where: string): Record<string, string> {
  if (!text.startsWith('{')) return { name: text };
  const parsed = parseJson(text);
  if (!isObject(parsed)) throw new UsageError({ code: 'input', message: `${where} begins like a JSON object and is none`, hint: 'write one JSON object a line, or plain text that does not begin with {' });
  return Object.fromEntries(Object.entries(parsed).map(([field, value]) => [field, typeof value === 'string' ? value : JSON.stringify(value)]));
}

function unique(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n++) free = `${name}#${n}`;
  taken.add(free);
  return free;
}
