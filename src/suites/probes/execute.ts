import type { Attempt, Goal, Message, Outcome } from '../../core/index.ts';
import type { GoalContext } from '../../engine/index.ts';
import { parseDetectorSpec, type Grader } from '../../graders/index.ts';
import type { Exchange, Probe, ProbeHooks } from './contract.ts';
import { readGoalData, type ProbeGoalData } from './goal-data.ts';
import { gradeAttempt, isHit, recordGrades, type Graded } from './grade-attempt.ts';
import { hookedAttempt } from './hooked-attempt.ts';
import { verdict } from './verdict.ts';

export interface ExecuteOptions {
  /** The probe's own behaviour, where it has any. */
  readonly probe: Pick<Probe, 'next' | 'turns'> & ProbeHooks;
  /** The user's hooks. */
  readonly hooks: ProbeHooks | undefined;
  readonly stream: boolean;
}

/**
 * Tries one goal: one attempt with all generations, or, for a probe of several turns, a conversation for each generation with an attempt
 * for each turn. Graded as it goes; finished attempts are not made again on resume, grading is, and gives the same.
 *
 * @throws what the target throws: such an error ends the goal as `error`, never as a verdict
 */
export async function executeProbe(goal: Goal, ctx: GoalContext, options: ExecuteOptions): Promise<Outcome> {
  const data = readGoalData(goal);
  const graders = data.detectors.map((spec) => graderFor(spec));
  const trial: Trial = { goal, ctx, options, data, graders };
  if (options.probe.next === undefined) {
    return verdict((await tryOnce(trial, { key: 'attempt-0', messages: data.messages, turn: 0, generations: data.generations, seed: data.model.seed })).graded);
  }
  const graded: Graded[] = [];
  for (let conversation = 0; conversation < data.generations; conversation++) graded.push(...(await converse(trial, conversation)));
  return verdict(graded);
}

interface Trial {
  readonly goal: Goal;
  readonly ctx: GoalContext;
  readonly options: ExecuteOptions;
  readonly data: ProbeGoalData;
  readonly graders: readonly Grader[];
}

/** Plays one conversation to its end: until the probe has no more to say, or an output is blocked or empty. */
async function converse(trial: Trial, conversation: number): Promise<Graded[]> {
  const { probe } = trial.options;
  const { data } = trial;
  const seed = data.model.seed === undefined ? undefined : data.model.seed + conversation;
  const all: Graded[] = [];
  const history: Exchange[] = [];
  let messages: readonly Message[] = data.messages;
  for (let turn = 0; turn < (probe.turns ?? 1); turn++) {
    const { attempt, graded } = await tryOnce(trial, { key: `conversation-${conversation}/turn-${turn}`, messages, turn, generations: 1, seed });
    all.push(...graded);
    const [output] = attempt.outputs;
    if (output === undefined || output.blocked || output.text.trim() === '') break;
    history.push({ messages: attempt.conversation, output, hit: graded.some((grade) => grade.deciding && isHit(grade)) });
    const next = probe.next?.(history, data.notes);
    if (next === undefined) break;
    messages = [...attempt.conversation, { role: 'assistant', content: output.text }, { role: 'user', content: next }];
  }
  return all;
}

interface Try {
  readonly key: string;
  readonly messages: readonly Message[];
  readonly turn: number;
  readonly generations: number;
  readonly seed: number | undefined;
}

async function tryOnce({ goal, ctx, options, data, graders }: Trial, { key, messages, turn, generations, seed }: Try): Promise<{ readonly attempt: Attempt; readonly graded: Graded[] }> {
  const { seed: _planned, ...parameters } = data.model;
  const attempt = await ctx.attempt(key, ({ signal }) =>
    hookedAttempt({
      target: ctx.target(),
      request: { messages, ...withoutAbsent(parameters), ...(seed === undefined ? {} : { seed }), generations, ...(options.stream ? { stream: true } : {}), signal },
      hooks: [options.probe, ...(options.hooks === undefined ? [] : [options.hooks])],
      info: { plugin: goal.plugin, target: goal.target, goalIndex: goal.index, attemptKey: key, turn, notes: data.notes },
    }),
  );
  const graded = await gradeAttempt(attempt, { graders, deciding: data.deciding, notes: data.notes });
  await recordGrades(ctx, attempt, graded);
  return { attempt, graded };
}

type Present<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function withoutAbsent<T extends object>(parameters: T): Present<T> {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined)) as Present<T>;
}

const graders = new Map<string, Grader>();

/** Detectors keep no state between outputs, so one of each will do for all goals. */
function graderFor(spec: string): Grader {
  const known = graders.get(spec) ?? parseDetectorSpec(spec);
  graders.set(spec, known);
  return known;
}
