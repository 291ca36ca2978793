import type { Grader } from '../contract.ts';

/** A detector as it was asked for, e.g. `contains/word:PWNED` taken apart. */
export interface DetectorSpec {
  /** As written; becomes the grader's name in score rows, so two detectors of one kind stay apart. */
  readonly text: string;
  readonly name: string;
  /** What stands between slashes after the name. */
  readonly modifiers: readonly string[];
  /** What follows the first colon, untouched; `undefined` where there is no colon. */
  readonly argument: string | undefined;
}

/** A kind of detector: one file and one line in the registry. */
export interface DetectorDefinition {
  readonly name: string;
  /** What a hit means, in one line. */
  readonly summary: string;
  /** How it is written, e.g. `contains:TEXT`. */
  readonly usage: string;
  /** Modifiers it understands. */
  readonly modifiers: readonly string[];
  readonly argument: 'required' | 'none';
  /** Notes it cannot do without, so that a plan can be refused before anything is sent. */
  readonly needs: readonly string[];
  /** @throws UsageError where the argument cannot be used */
  create(spec: DetectorSpec): Grader;
}
