import * as z from 'zod';
import { AssayError, type Json } from '../../core/index.ts';
import type { ScoreOptions } from './contract.ts';

/** Name of the score that decides. */
export const MAIN_SCORE = 'score';

/** A score of a trial, as it is kept. */
export interface TrialScore {
  readonly name: string;
  readonly value: number | null;
  /** `null` where nothing says from where on a trial has passed. */
  readonly threshold: number | null;
  readonly reason: string | null;
}

/** What a trial came to. */
export interface TrialVerdict {
  /** The main one first, where there is one. */
  readonly scores: readonly TrialScore[];
  /** `null` where nothing says whether it passed. */
  readonly passed: boolean | null;
  readonly reason: string | null;
  readonly notes: { readonly [name: string]: Json };
}

const resultSchema = z.strictObject({
  score: z.number().min(0).max(1).nullable().optional(),
  threshold: z.number().optional(),
  passed: z.boolean().optional(),
  reason: z.string().optional(),
  notes: z.record(z.string(), z.json()).optional(),
});

type Result = z.output<typeof resultSchema>;

/** Gathers what a trial says of itself. */
export class TrialScores {
  readonly #said = new Map<string, TrialScore>();
  readonly #threshold: number | undefined;

  /** @param threshold of the main score, unless the trial names another */
  constructor(threshold: number | undefined) {
    this.#threshold = threshold;
  }

  /** @throws AssayError `input` for what is no score */
  say(value: number | null, options: ScoreOptions = {}): void {
    const name = options.name ?? MAIN_SCORE;
    if (typeof name !== 'string' || !/^[\w.:-]{1,100}$/.test(name)) throw wrong(`${JSON.stringify(name)} is no name for a score`, 'use letters, digits, ".", "_", ":" and "-"');
    if (value !== null && !(typeof value === 'number' && value >= 0 && value <= 1)) throw outOfRange(name === MAIN_SCORE ? 'the score' : `the score ${name}`, value);
    if (options.threshold !== undefined && !Number.isFinite(options.threshold)) throw wrong(`the threshold of the score ${name} is ${String(options.threshold)}, which is no figure`);
    const threshold = options.threshold ?? (name === MAIN_SCORE ? this.#threshold : undefined);
    this.#said.set(name, { name, value, threshold: threshold ?? null, reason: options.reason ?? null });
  }

  /**
   * The verdict, given what the trial returned.
   *
   * @throws AssayError `input` naming what in it cannot be used
   */
  verdict(returned: unknown): TrialVerdict {
    const { passed, score, threshold, reason, notes } = readResult(returned);
    const before = this.#said.get(MAIN_SCORE);
    if (score !== undefined) this.say(score, { ...(threshold === undefined ? {} : { threshold }), ...(reason === undefined ? {} : { reason }) });
    else if (before !== undefined && threshold !== undefined) this.say(before.value, { threshold, ...(before.reason === null ? {} : { reason: before.reason }) });
    const main = this.#said.get(MAIN_SCORE);
    const reached = main === undefined || main.value === null || main.threshold === null ? null : main.value >= main.threshold;
    if (passed !== undefined && threshold !== undefined && reached !== null && passed !== reached) {
      throw wrong(`the trial says passed: ${passed}, and its score ${main?.value} against its threshold ${threshold} says otherwise`, 'return one or the other');
    }
    const others = [...this.#said.values()].filter((each) => each !== main);
    return { scores: main === undefined ? others : [main, ...others], passed: passed ?? reached, reason: reason ?? main?.reason ?? null, notes: notes ?? {} };
  }
}

function readResult(returned: unknown): Result {
  switch (typeof returned) {
    case 'undefined':
      return {};
    case 'number':
      return { score: returned };
    case 'boolean':
      return { score: returned ? 1 : 0, passed: returned };
    case 'object':
      if (returned === null) return {};
      break;
    default:
      throw wrong(`the trial returned a ${typeof returned}`, EXPECTED);
  }
  const read = resultSchema.safeParse(returned);
  if (read.success) return read.data;
  const { score } = returned as { readonly score?: unknown };
  if (typeof score === 'number' && !(score >= 0 && score <= 1)) throw outOfRange('the score', score);
  throw wrong(`what the trial returned cannot be used: ${z.prettifyError(read.error).replaceAll(/\s*\n\s*/g, ' ').replaceAll('✖ ', '')}`, EXPECTED);
}

const EXPECTED = 'return a number within 0 and 1, { score, threshold?, passed?, reason?, notes? }, or nothing';

function outOfRange(what: string, value: unknown): AssayError {
  return wrong(`${what} is ${typeof value === 'number' ? value : JSON.stringify(value)}, which does not lie within 0 and 1`, 'divide by the largest value there can be; other figures can go into notes');
}

function wrong(message: string, hint?: string): AssayError {
  return new AssayError({ code: 'input', message, ...(hint === undefined ? {} : { hint }) });
}
