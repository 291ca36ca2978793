import { newId, seededRandom, UsageError, type Json } from '../../core/index.ts';
import type { GoalContext } from '../../engine/index.ts';
import { currentScope } from '../../ledger/index.ts';
import type { Target } from '../../models/index.ts';
import { branch, phase, role, type TrialTally } from '../../tracking/index.ts';
import { NO_TARGET } from './config.ts';
import type { TrialContext } from './contract.ts';
import type { TrialGoalData } from './goal-data.ts';
import type { Variant } from './loaded-experiment.ts';
import { noteRefusal } from './refusals.ts';
import type { TrialScores } from './trial-result.ts';

export interface TrialParts {
  readonly goal: { readonly target: string; readonly repeat: number };
  readonly data: TrialGoalData;
  readonly variant: Variant;
  readonly engine: Pick<GoalContext, 'target' | 'step' | 'trace'>;
  readonly scores: TrialScores;
  readonly tally: TrialTally;
  readonly signal: AbortSignal;
}

/** What a trial's function is given. Its members may be taken apart: none needs `this`. */
export function trialContext({ goal, data, variant, engine, scores, tally, signal }: TrialParts): TrialContext {
  // A trial that is done again after a crash writes its own entries; those of the broken one stay and can be told from them.
  const entries = `log/${newId()}`;
  let logged = 0;
  const target = (of?: string): Target => {
    const asked = (): Target => {
      const asRole = of ?? currentScope().role ?? 'target';
      if (goal.target === NO_TARGET && asRole === 'target') throw noTarget(data.trial);
      return engine.target(asRole);
    };
    return seenThrough(asked, signal);
  };
  return {
    trial: data.trial,
    variant: variant.name,
    params: variant.params,
    index: goal.repeat,
    seed: data.seed,
    random: seededRandom(data.seed),
    signal,
    target,
    endpoint: (of) => {
      const { endpoint, spec } = target(of);
      if (endpoint === undefined) throw new UsageError({ code: 'config', message: `the target ${spec} has no address that a client library could call`, hint: 'ask it through ctx.target()' });
      return endpoint();
    },
    role,
    branch,
    phase,
    log: (entry: Json) => engine.trace({ key: `${entries}/${logged++}`, type: 'custom', data: entry }),
    step: (key, fn) => engine.step(key, fn),
    usage: () => tally.toDict(),
    score: (value, options) => scores.say(value, options),
  };
}

/** The same target; calls that a budget or the end of the run refuses are noted, and all end with the trial. */
function seenThrough(asked: () => Target, signal: AbortSignal): Target {
  return {
    ...asked(),
    generate: async (request) => {
      const both = request.signal === undefined ? signal : AbortSignal.any([signal, request.signal]);
      try {
        return await asked().generate({ ...request, signal: both });
      } catch (error) {
        noteRefusal(error, { callerEnded: request.signal?.aborted === true && !signal.aborted });
        throw error;
      }
    },
  };
}

function noTarget(trial: string): UsageError {
  return new UsageError({ code: 'config', message: `the trial ${trial} asks for the target, and the run has none`, hint: 'name one with --target, e.g. --target openai:gpt-4.1-mini or --target sim:weak' });
}
