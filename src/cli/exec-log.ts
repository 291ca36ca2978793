import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { describeError, UsageError } from '../core/index.ts';
import { isoTime, llmUsage } from '../report/index.ts';
import type { Store } from '../store/contract.ts';
import type { CommandScore } from '../suites/index.ts';

/** What is known of one trial when its log is written. */
export interface TrialLog {
  readonly run: string;
  readonly goalIndex: number;
  readonly trial: string;
  /** As it may be kept: without secrets. */
  readonly command: readonly string[];
  /** 128 and the signal's number where a signal ended it; `null` where it is not known. */
  readonly exitCode: number | null;
  readonly scores: readonly CommandScore[];
  /** Milliseconds since the epoch. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly simulated: boolean;
}

/**
 * Path of a trial's log: `{name}` is the trial's name, made fit for a file's.
 *
 * @throws UsageError where several trials would share one file
 */
export function logPath(template: string, trial: string, cwd: string): string {
  return resolve(cwd, template.replaceAll('{name}', fileName(trial)));
}

/** @throws UsageError where several trials would share one file */
export function checkLogTemplate(template: string, { several }: { readonly several: boolean }): void {
  if (several && !template.includes('{name}')) throw new UsageError({ message: '--log names one file for all trials', hint: `put {name} into it, e.g. --log ${join(dirname(template), `{name}-${basename(template)}`)}` });
}

/** Whatever cannot stand in a file's name, or would lead elsewhere, is encoded as in a URL. */
function fileName(trial: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return trial.replaceAll(/[\u0000-\u001F/\\:*?"<>|%]|^\.+/g, (text) => [...new TextEncoder().encode(text)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''));
}

/**
 * Writes a trial's log, whole or not at all: what reads it never sees half of one.
 *
 * @throws UsageError `input` where it cannot be written
 */
export async function writeTrialLog(path: string, log: TrialLog, store: Store): Promise<void> {
  const { run, goalIndex, trial, command, exitCode, scores, startedAt, endedAt, simulated } = log;
  const document = {
    run,
    trial,
    command,
    exit_code: exitCode,
    scores,
    started_at: startedAt === null ? null : isoTime(startedAt),
    ended_at: endedAt === null ? null : isoTime(endedAt),
    ...(simulated ? { simulated } : {}),
    llm_usage: await llmUsage(store, { runId: run, goalIndex }),
  };
  const draft = `${path}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(draft, `${JSON.stringify(document, undefined, 2)}\n`);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw new UsageError({ code: 'input', message: `cannot write the log ${path}: ${describeError(error)}`, hint: 'check the folder and its permissions', cause: error });
  }
}
