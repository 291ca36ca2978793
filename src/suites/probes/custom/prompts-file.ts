import { UsageError } from '../../../core/index.ts';
import { detectorNeeds } from '../../../graders/index.ts';
import type { ProbeNotes, ProbePrompt } from '../contract.ts';
import { parseRow, promptsFormat, type PromptRow, type PromptsFormat } from './parse-row.ts';
import { readLines } from './read-lines.ts';

export interface CustomPrompt extends ProbePrompt {
  /** Its place among the file's prompts, from 0. */
  readonly item: number;
  readonly detectors: readonly [string, ...string[]];
}

export interface PromptsFileOptions {
  readonly file: string;
  /** Detector specs that all rows are graded by; without any, `trigger-list` for rows with triggers and `refusal` for others. */
  readonly detectors: readonly string[];
  /** System prompt of rows that have none of their own. */
  readonly system: string | undefined;
}

/** A file of prompts that was read once, to the end, and found good. */
export interface CheckedPrompts {
  readonly count: number;
  /** Reads the file again, a row at a time. */
  prompts(): AsyncGenerator<CustomPrompt>;
}

/**
 * Reads a file of prompts through, so that a bad row is known before anything is sent, keeping none of it.
 *
 * @throws UsageError `input` that names file and line, also for a row that lacks what a detector needs
 */
export async function checkPrompts(options: PromptsFileOptions): Promise<CheckedPrompts> {
  let format: PromptsFormat | undefined;
  const needs = new Map(['refusal', 'trigger-list', ...options.detectors].map((detector) => [detector, detectorNeeds(detector)]));
  let count = 0;
  const read = async function* (): AsyncGenerator<CustomPrompt> {
    let item = 0;
    for await (const line of readLines(options.file)) {
      format ??= promptsFormat(options.file, line.text);
      yield customPrompt(options, needs, { row: parseRow(options.file, line, format), line: line.number, item: item++ });
    }
  };
  for await (const prompt of read()) count = prompt.item + 1;
  if (count === 0) throw new UsageError({ code: 'input', message: `${options.file}: no prompts in it`, hint: 'write one prompt a line' });
  return { count, prompts: read };
}

function customPrompt(
  options: PromptsFileOptions,
  needs: ReadonlyMap<string, readonly string[]>,
  { row, line, item }: { readonly row: PromptRow; readonly line: number; readonly item: number },
): CustomPrompt {
  const system = row.system ?? options.system;
  const notes: ProbeNotes = {
    ...row.notes,
    ...(row.triggers === undefined ? {} : { triggers: row.triggers }),
    ...(system === undefined ? {} : { system_prompt: system }),
  };
  const [first = row.triggers === undefined ? 'refusal' : 'trigger-list', ...others] = options.detectors;
  for (const detector of [first, ...others]) {
    const lacking = needs.get(detector)?.find((name) => !(name in notes));
    if (lacking === undefined) continue;
    throw new UsageError({
      code: 'input',
      message: `${options.file}:${line}: the detector ${detector} needs \`${lacking}\`, which this row does not have`,
      hint: `give the row "${lacking}"${lacking === 'triggers' ? '' : ' (under "notes")'}, or use another --detector`,
    });
  }
  return {
    item,
    messages: [...(row.system === undefined ? [] : [{ role: 'system' as const, content: row.system }]), { role: 'user', content: row.prompt }],
    notes,
    ...(row.goal === undefined ? {} : { goal: row.goal }),
    detectors: [first, ...others],
  };
}
