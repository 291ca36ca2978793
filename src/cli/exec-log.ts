import { constants } from 'node:fs';
import { access, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
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

/**
 * Makes sure, before anything runs, that a log can be written where it is to go. Makes nothing.
 *
 * @throws UsageError `input` where it cannot
 */
export async function checkLogPlace(template: string, cwd: string): Promise<void> {
  const path = resolve(cwd, template);
  const refuse = (reason: string): UsageError => new UsageError({ code: 'input', message: `--log: ${reason}`, hint: 'name a file in a folder that you may write to, e.g. --log out.json' });
  if (/[\\/]$/.test(template) || (await kindOf(path)) === 'folder') throw refuse(`${template} is a folder`);
  // Folders that a trial gives its name to are not there yet.
  let folder = dirname(path);
  while (folder !== dirname(folder) && (folder.includes('{name}') || (await kindOf(folder)) === 'nothing')) folder = dirname(folder);
  if ((await kindOf(folder)) !== 'folder') throw refuse(`${folder} is no folder`);
  await access(folder, constants.W_OK).catch(() => {
    throw refuse(`nothing can be written to ${folder}`);
  });
}

async function kindOf(path: string): Promise<'folder' | 'file' | 'nothing'> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? 'nothing' : found.isDirectory() ? 'folder' : 'file';
}

/** As `mkdir` with `recursive`, which goes round and round where a file system says that a folder's parent is not there although it is. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((await kindOf(path)) === 'folder') return;
    const lacksParent = error instanceof Error && 'code' in error && error.code === 'ENOENT' && (await kindOf(dirname(path))) === 'nothing';
    if (!lacksParent) throw error;
    await makeFolder(dirname(path));
    await makeFolder(path);
  }
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
    await makeFolder(dirname(path));
    await writeFile(draft, `${JSON.stringify(document, undefined, 2)}\n`);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw new UsageError({ code: 'input', message: `cannot write the log ${path}: ${describeError(error)}`, hint: 'check the folder and its permissions', cause: error });
  }
}
