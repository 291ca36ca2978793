import type { Attempt, Goal, Run } from '../core/index.ts';
import { cut, inputMessages, outputMessages } from './content.ts';
import type { SpanAttributes } from './contract.ts';
import { ASSAY, GEN_AI } from './gen-ai.ts';
import type { ParentEnd } from './parent-spans.ts';

interface Telling {
  /** Whether texts go along. */
  readonly content: boolean;
}

/** What a run's span says at its end. */
export function runEnd(run: Run, { simulated, content }: Telling & { readonly simulated: boolean }): ParentEnd {
  const { status, reason, name } = run;
  return {
    ...times(run.startedAt ?? run.createdAt, run.endedAt),
    ...(name === null ? {} : { name: `run ${name}` }),
    attributes: {
      ...(name === null ? {} : { [ASSAY.runName]: name }),
      [ASSAY.runStatus]: status,
      [ASSAY.runResumes]: run.resumes,
      [ASSAY.suites]: run.suites,
      [ASSAY.targets]: run.targets,
      [ASSAY.simulated]: simulated || run.simulated,
      ...(status === 'failed' ? { 'error.type': status } : {}),
    },
    ...(status === 'failed' ? { error: content && reason !== null ? { message: reason } : {} } : {}),
  };
}

/** What a goal's span says at its end. An attack that failed is no error. */
export function goalEnd(goal: Goal, at: number, { content }: Telling): ParentEnd {
  const { outcome } = goal;
  const attributes: SpanAttributes = {
    [ASSAY.plugin]: goal.plugin,
    [ASSAY.target]: goal.target,
    [ASSAY.repeat]: goal.repeat,
    ...(goal.variant === null ? {} : { [ASSAY.variant]: goal.variant }),
    ...(outcome === null ? {} : { [ASSAY.outcome]: outcome.kind }),
    ...(outcome !== null && 'blocked' in outcome && outcome.blocked === true ? { [ASSAY.blocked]: true } : {}),
    ...(content ? { [ASSAY.goalText]: cut(goal.text) } : {}),
  };
  const known = { ...times(goal.startedAt ?? undefined, goal.endedAt ?? at), name: `goal ${goal.plugin}` };
  if (outcome?.kind !== 'error') return { ...known, attributes };
  return {
    ...known,
    attributes: { ...attributes, 'error.type': outcome.code, [ASSAY.errorSource]: outcome.source },
    error: content ? { message: outcome.reason } : {},
  };
}

/** What an attempt's span says at its end. */
export function attemptEnd({ conversation, outputs, error, startedAt, endedAt }: Attempt, { content }: Telling): ParentEnd {
  return {
    startMs: startedAt,
    endMs: endedAt,
    attributes: {
      ...(error === null ? {} : { 'error.type': error.code, [ASSAY.errorSource]: error.source }),
      ...(content && conversation.length > 0 ? { [GEN_AI.inputMessages]: inputMessages(conversation) } : {}),
      ...(content && outputs.length > 0 ? { [GEN_AI.outputMessages]: outputMessages(outputs) } : {}),
    },
    ...(error === null ? {} : { error: content ? { message: error.message } : {} }),
  };
}

function times(startMs: number | undefined, endMs: number | null): Pick<ParentEnd, 'startMs' | 'endMs'> {
  return { ...(startMs === undefined ? {} : { startMs }), ...(endMs === null ? {} : { endMs }) };
}
