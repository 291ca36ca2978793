import type { Grade, GradeInput, Grader } from '../contract.ts';

export interface TextDetectorOptions {
  readonly name: string;
  /** At or above this value an output is a hit. */
  readonly threshold: number;
  /** Judges an output that has text. */
  readonly detect: (text: string, input: GradeInput) => Grade;
}

/** A detector over an output's text. It abstains where there is none: silence says nothing about the model. */
export function textDetector(options: TextDetectorOptions): Grader {
  return {
    name: options.name,
    threshold: options.threshold,
    grade: (input) =>
      input.output.text.trim() === '' ? { value: null, reason: 'the output has no text' } : options.detect(input.output.text, input),
  };
}
