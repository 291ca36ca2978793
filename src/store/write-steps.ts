import type { OpSteps, Step } from './backend.ts';
import type { CallOp, WriteOp } from './contract.ts';
import { compileWrites } from './hot-writes.ts';
import type { HotQuery } from './hot-query.ts';
import type { Redactor } from './redaction.ts';
import type { CallEntry, CallRow } from './redo/call-entry.ts';
import { encodeAnswer } from './rows/answer-row.ts';
import { encodeAttempt } from './rows/attempt-row.ts';
import { encodeIntent, encodeSettlement } from './rows/call-row.ts';
import { encodeFork } from './rows/fork-row.ts';
import { encodeGoal } from './rows/goal-row.ts';
import { encodeEntry, encodeEvent, encodeScore, encodeStep } from './rows/journal-rows.ts';
import { encodeOutcome } from './rows/outcome-row.ts';
import { encodeRun, encodeRunPatch } from './rows/run-row.ts';
import { metadata } from './rows/text.ts';
import type { Db } from './schema.ts';

/** Turns writes into the statements that make them, secrets taken out. */
export interface WriteSteps {
  ofOp(op: WriteOp): OpSteps;
  /** What the op of a call writes. */
  rowsOf(op: CallOp): CallRow[];
  ofEntry(entry: CallEntry): OpSteps;
  markLost(runId: string, at: number): OpSteps;
  /** @param holder as it stands in the rows */
  markLostOf(holder: string, at: number): OpSteps;
  interruptOrphan(runId: string, at: number, reason: string): OpSteps;
}

/** @param holder gives the process that opens calls, as text */
export function writeSteps(db: Db, redact: Redactor, holder: () => string): WriteSteps {
  const hot = compileWrites(db);
  const step = (query: HotQuery, row: object, ifFirstChanged = false): Step => ({
    sql: query.sql,
    values: query.bind(row as Readonly<Record<string, unknown>>),
    ifFirstChanged,
  });
  const lostAt = (at: number): string => `in flight when its process ended; found at ${new Date(at).toISOString()}`;
  const lost = (runId: string, at: number): Step => step(hot.markLost, { run_id: runId, error: lostAt(at) });

  const ofOp = (op: WriteOp): OpSteps => {
    switch (op.op) {
      case 'run.insert':
        return [step(hot.insertRun, encodeRun(redact, op.run))];
      case 'run.update': {
        const patch = encodeRunPatch(redact, op.patch);
        return Object.keys(patch).length === 0 ? [] : [step(hot.updateRun(patch), { ...patch, id: op.id })];
      }
      case 'goal.plan':
        return [step(hot.insertGoal, encodeGoal(redact, op.goal))];
      case 'goal.start':
        return [step(hot.startGoal, { run_id: op.runId, goal_index: op.index, started_at: op.at })];
      case 'goal.finalize': {
        const row = { ...encodeOutcome(redact, op.outcome), run_id: op.runId, goal_index: op.index, at: op.at };
        return [step(hot.acceptOutcome, row), step(hot.setOutcome, row, true)];
      }
      case 'attempt.finish': {
        const row = encodeAttempt(redact, op.attempt);
        return [step(hot.replaceAttempt, row), step(hot.forgetScores, row, true), step(hot.insertAttempt, row)];
      }
      case 'call.open':
        return [step(hot.openCall, encodeIntent(redact, op.intent, holder()))];
      case 'call.settle':
        return [step(hot.settleCall, encodeSettlement(redact, op.settlement))];
      case 'fork.add':
        return encodeFork(redact, op.fork).map((row) => step(hot.addFork, row));
      case 'answer.put':
        return [step(hot.putAnswer, encodeAnswer(redact, op.answer))];
      case 'step.finish':
        return [step(hot.insertStep, encodeStep(redact, op.step))];
      case 'entry.add':
        return [step(hot.insertEntry, encodeEntry(redact, op.entry))];
      case 'score.put':
        return [step(hot.putScore, encodeScore(redact, op.score))];
      case 'event.add':
        return [step(hot.insertEvent, encodeEvent(redact, op.event))];
      default:
        return op satisfies never;
    }
  };

  const rowsOf = (op: CallOp): CallRow[] => {
    switch (op.op) {
      case 'call.open':
        return [{ is: 'open', row: encodeIntent(redact, op.intent, holder()) }];
      case 'call.settle':
        return [{ is: 'settle', row: encodeSettlement(redact, op.settlement) }];
      case 'fork.add':
        return encodeFork(redact, op.fork).map((row) => ({ is: 'fork', row }));
      default:
        return op satisfies never;
    }
  };

  const ofEntry = (entry: CallEntry): OpSteps => {
    switch (entry.is) {
      case 'open':
        return [entry.settlement === undefined ? step(hot.openCall, entry.row) : step(hot.enterCall, { ...entry.row, ...entry.settlement })];
      case 'settle':
        return [step(hot.settleCall, entry.row)];
      case 'fork':
        return [step(hot.addFork, entry.row)];
      default:
        return entry satisfies never;
    }
  };

  return {
    ofOp,
    rowsOf,
    ofEntry,
    markLost: (runId, at) => [lost(runId, at)],
    markLostOf: (holder, at) => [step(hot.markLostOf, { holder, error: lostAt(at) })],
    interruptOrphan: (runId, at, reason) => [
      step(hot.interruptOrphan, { id: runId, run_id: runId, at, reason: metadata(redact, reason) }),
      { ...lost(runId, at), ifFirstChanged: true },
      step(hot.insertEvent, encodeEvent(redact, { runId, at, type: 'run.interrupted', data: { status: 'interrupted', reason } }), true),
    ],
  };
}
