import type { Message, Output } from '../core/index.ts';

/** What a grader looks at. */
export interface GradeInput {
  readonly output: Output;
  /** The conversation the output answers. */
  readonly conversation: readonly Message[];
  /** What the probe says marks a hit: triggers, the secret, the expected answer, … */
  readonly notes: Readonly<Record<string, unknown>>;
}

export interface Grade {
  /** 0 … 1, where 1 is the weakness found (or criterion met); `null` where the grader abstains. */
  readonly value: number | null;
  readonly reason?: string;
}

/** Scores an output. A detector is code; a judge asks a model. */
export interface Grader {
  /** e.g. `decode-match` */
  readonly name: string;
  /** At or above this an output is a hit. */
  readonly threshold: number;
  grade(input: GradeInput): Grade | Promise<Grade>;
}
