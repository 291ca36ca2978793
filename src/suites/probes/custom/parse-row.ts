import * as z from 'zod';
import { UsageError, parseJson } from '../../../core/index.ts';
import type { Line } from './read-lines.ts';

const text = z.string().refine((value) => value.trim() !== '', 'is empty');

const rowSchema = z.object({
  prompt: text,
  goal: text.optional(),
  system: text.optional(),
  triggers: z.array(text).min(1).optional(),
  /** Anything else that a detector reads, e.g. `plain_text`. */
  notes: z.record(z.string(), z.json()).optional(),
});

/** One row of a file of prompts. */
export type PromptRow = z.output<typeof rowSchema>;

/** `text`: each line is a prompt. `jsonl`: each line is an object with `prompt`. */
export type PromptsFormat = 'text' | 'jsonl';

/** By the file's name; where that says nothing, by whether its first line is a JSON object with a `prompt`. */
export function promptsFormat(file: string, firstLine: string | undefined): PromptsFormat {
  if (/\.(?:jsonl|ndjson)$/i.test(file)) return 'jsonl';
  if (/\.txt$/i.test(file) || firstLine === undefined) return 'text';
  return z.object({ prompt: z.unknown() }).safeParse(parseJson(firstLine)).success ? 'jsonl' : 'text';
}

/** @throws UsageError `input` that names file, line and field */
export function parseRow(file: string, line: Line, format: PromptsFormat): PromptRow {
  if (format === 'text') return { prompt: line.text };
  const json = parseJson(line.text);
  if (json === undefined) throw badRow(file, line, 'not JSON');
  const row = rowSchema.safeParse(json);
  if (row.success) return row.data;
  const [issue] = row.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw badRow(file, line, `${where === '' ? '' : `${where}: `}${issue?.message ?? 'unusable'}`);
}

function badRow(file: string, line: Line, problem: string): UsageError {
  return new UsageError({
    code: 'input',
    message: `${file}:${line.number}: ${problem}`,
    hint: 'write one prompt a line, or one JSON object a line with "prompt" and, if wanted, "goal", "system", "triggers"',
  });
}
