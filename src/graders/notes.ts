import { AssayError } from '../core/index.ts';
import type { GradeInput } from './contract.ts';

/** A note that must be a non-empty string. */
export function stringNote(input: GradeInput, grader: string, name: string): string {
  const value = input.notes[name];
  if (typeof value !== 'string' || value.trim() === '') throw missing(grader, name, 'a non-empty string');
  return value;
}

/** A note that must be a list of non-empty strings. */
export function stringListNote(input: GradeInput, grader: string, name: string): readonly string[] {
  const value = input.notes[name];
  if (!isStringList(value)) throw missing(grader, name, 'a list of non-empty strings');
  return value;
}

function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string' && item.trim() !== '');
}

function missing(grader: string, name: string, shape: string): AssayError {
  return new AssayError({
    code: 'input',
    message: `the detector ${grader} needs the note \`${name}\`: ${shape}`,
    hint: `give the prompt \`${name}\`, or use another detector`,
  });
}
