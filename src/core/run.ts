import type { Json, JsonObject } from './json.ts';
import type { Message, Output } from './message.ts';
import type { Outcome } from './outcome.ts';

export const RUN_STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled', 'stopped', 'interrupted'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** Families of things to try. */
export const SUITE_KINDS = ['evals', 'probes', 'attacks', 'scenarios', 'audits', 'experiments'] as const;
export type SuiteKind = (typeof SUITE_KINDS)[number];

/** One execution of suites. */
export interface Run {
  readonly id: string;
  readonly status: RunStatus;
  /** Why it has this status, where there is something to say. */
  readonly reason: string | null;
  readonly name: string | null;
  /** What was asked for, e.g. `["probes.encoding"]`. */
  readonly suites: readonly string[];
  readonly targets: readonly string[];
  /** The full configuration, secrets left out: all that a resume needs. */
  readonly config: JsonObject;
  readonly seed: number;
  /** Who allowed the attack, on what, until when. */
  readonly engagement: string | null;
  readonly simulated: boolean;
  /** Goals planned, or `null` while planning goes on. */
  readonly planned: number | null;
  /** How many times it was resumed. */
  readonly resumes: number;
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** What gets one outcome. Identity is `(runId, index)`; the text is for display. */
export interface Goal {
  readonly runId: string;
  readonly index: number;
  /** Hash of all that changes the answer. */
  readonly key: string;
  readonly suite: SuiteKind;
  /** e.g. `probes.encoding.base64` */
  readonly plugin: string;
  readonly target: string;
  readonly text: string;
  readonly item: number;
  readonly variant: string | null;
  readonly repeat: number;
  readonly tags: readonly string[];
  /** Goals with the same lane run one after another, in planned order. */
  readonly lane: string | null;
  /** What `execute` needs. */
  readonly data: Json;
  /** `null` until it is finalized. */
  readonly outcome: Outcome | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

/** The seed's field names, kept. */
/** Sums over the attempt's calls whose usage is known; `null` where it made calls and none of them said. */
export interface TokenNotes {
  readonly prompt_tokens: number | null;
  readonly completion_tokens: number | null;
  readonly reasoning_tokens: number | null;
  readonly total_tokens: number | null;
  readonly model: string;
  readonly deployment: string;
}

export interface RateLimitingNotes {
  readonly tokens_this_attempt: number | null;
  readonly cumulative_tokens: number;
  /** Percent of the long quota used, or `null` where none is set. */
  readonly quota_percentage: number | null;
  readonly deployment: string;
  readonly waited_ms: number;
  /** ISO 8601. */
  readonly timestamp: string;
}

export type AttemptNotes = { readonly tokens?: TokenNotes; readonly rate_limiting?: RateLimitingNotes } & { readonly [key: string]: unknown };

export type AttemptStatus = 'finished' | 'error';

/** One try at a goal, recorded once, when it has ended. */
export interface Attempt {
  readonly runId: string;
  readonly goalIndex: number;
  /** Unique within the goal. */
  readonly key: string;
  /** Order within the goal, from 0. */
  readonly seq: number;
  readonly status: AttemptStatus;
  readonly conversation: readonly Message[];
  readonly outputs: readonly Output[];
  readonly notes: AttemptNotes;
  readonly error: { readonly source: 'target' | 'judge' | 'framework'; readonly code: string; readonly message: string } | null;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** A finished step of a goal's pipeline and what it returned. */
export interface StepRecord {
  readonly runId: string;
  readonly goalIndex: number;
  readonly key: string;
  readonly name: string;
  readonly value: Json;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** One entry of a goal's transcript. Unique by (run, goal, key), so writing it twice keeps one. */
export interface TranscriptEntry {
  readonly runId: string;
  readonly goalIndex: number;
  readonly key: string;
  readonly type: 'interaction' | 'evaluation' | 'tool_call' | 'tool_result' | 'thought' | 'custom' | 'error';
  readonly at: number;
  readonly data: Json;
}

/** Stands for the threshold of a score that has none: no score reaches it. */
export const NO_THRESHOLD = Number.MAX_VALUE;

/** One row per (attempt, output, grader). */
export interface Score {
  readonly runId: string;
  readonly goalIndex: number;
  readonly attemptKey: string;
  readonly outputIndex: number;
  readonly grader: string;
  /** 0 … 1, where 1 is the weakness found or the criterion met; `null` where the grader abstained. */
  readonly value: number | null;
  /** At or above this value the output is a hit; `NO_THRESHOLD` where nothing says so. */
  readonly threshold: number;
  readonly reason: string | null;
}

/** A state change that live views follow. `seq` is given by the store, in commit order. */
export interface RunEvent {
  readonly seq: number;
  readonly runId: string;
  readonly at: number;
  readonly type: string;
  readonly data: JsonObject;
}

/** Who runs a run. A dead holder loses its lease at once on the same host, elsewhere by expiry. */
export interface LeaseHolder {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Start time of the process as the system reports it, so a reused pid is not mistaken for it. */
  readonly pidStartedAt: string;
}

export interface Lease {
  readonly runId: string;
  readonly holder: LeaseHolder;
  readonly heartbeatAt: number;
  readonly expiresAt: number;
}
