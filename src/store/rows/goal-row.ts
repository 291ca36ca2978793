import type { Goal, SuiteKind } from '../../core/index.ts';
import type { PlannedGoal } from '../contract.ts';
import type { Redactor } from '../redaction.ts';
import type { GoalsTable, OutcomeColumns } from '../schema.ts';
import { decodeOutcome } from './outcome-row.ts';
import { content, contentJson, fromJson } from './text.ts';

export function encodeGoal(redact: Redactor, goal: PlannedGoal): Omit<GoalsTable, keyof OutcomeColumns | 'started_at' | 'ended_at'> {
  return {
    run_id: goal.runId,
    goal_index: goal.index,
    key: goal.key,
    suite: goal.suite,
    plugin: redact.content(goal.plugin),
    target: redact.content(goal.target),
    text: redact.content(goal.text),
    item: goal.item,
    variant: content(redact, goal.variant),
    lane: content(redact, goal.lane),
    repeat: goal.repeat,
    tags: contentJson(redact, goal.tags),
    data: contentJson(redact, goal.data),
  };
}

export function decodeGoal(row: GoalsTable): Goal {
  return {
    runId: row.run_id,
    index: row.goal_index,
    key: row.key,
    suite: row.suite as SuiteKind,
    plugin: row.plugin,
    target: row.target,
    text: row.text,
    item: row.item,
    variant: row.variant,
    lane: row.lane,
    repeat: row.repeat,
    tags: fromJson(row.tags),
    data: fromJson(row.data),
    outcome: decodeOutcome(row),
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}
