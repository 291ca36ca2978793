import { isObject, type JsonObject, type Run, type RunStatus } from '../../core/index.ts';
import type { Redactor } from '../redaction.ts';
import type { RunsTable } from '../schema.ts';
import { content, contentJson, fromJson, metadata, metadataJson } from './text.ts';

export type RunPatch = Partial<Pick<Run, 'status' | 'reason' | 'planned' | 'resumes' | 'startedAt' | 'endedAt' | 'config' | 'simulated' | 'engagement'>>;

export function encodeRun(redact: Redactor, run: Run): RunsTable {
  return {
    id: run.id,
    status: run.status,
    reason: metadata(redact, run.reason),
    name: content(redact, run.name),
    suites: contentJson(redact, run.suites),
    targets: contentJson(redact, run.targets),
    config: configJson(redact, run.config),
    seed: run.seed,
    engagement: content(redact, run.engagement),
    simulated: run.simulated ? 1 : 0,
    planned: run.planned,
    resumes: run.resumes,
    created_at: run.createdAt,
    started_at: run.startedAt,
    ended_at: run.endedAt,
  };
}

/** The columns a patch sets; what it leaves out or `undefined` stays as it is. */
export function encodeRunPatch(redact: Redactor, patch: RunPatch): Partial<RunsTable> {
  const row: Partial<RunsTable> = {};
  if (patch.status !== undefined) row.status = patch.status;
  if (patch.reason !== undefined) row.reason = metadata(redact, patch.reason);
  if (patch.config !== undefined) row.config = configJson(redact, patch.config);
  if (patch.engagement !== undefined) row.engagement = content(redact, patch.engagement);
  if (patch.simulated !== undefined) row.simulated = patch.simulated ? 1 : 0;
  if (patch.planned !== undefined) row.planned = patch.planned;
  if (patch.resumes !== undefined) row.resumes = patch.resumes;
  if (patch.startedAt !== undefined) row.started_at = patch.startedAt;
  if (patch.endedAt !== undefined) row.ended_at = patch.endedAt;
  return row;
}

/** A configuration, in which a system prompt is what models are given, not what Assay was: a secret planted in it is part of the test. */
function configJson(redact: Redactor, config: JsonObject): string {
  const stored = config['config'];
  const parameters = isObject(stored) ? stored['parameters'] : undefined;
  if (!isObject(stored) || !isObject(parameters) || typeof parameters['system'] !== 'string') return metadataJson(redact, config);
  const others = JSON.parse(metadataJson(redact, { ...config, config: { ...stored, parameters: { ...parameters, system: '' } } })) as { config: { parameters: { system: string } } };
  others.config.parameters.system = redact.content(parameters['system']);
  return JSON.stringify(others);
}

export function decodeRun(row: RunsTable): Run {
  return {
    id: row.id,
    status: row.status as RunStatus,
    reason: row.reason,
    name: row.name,
    suites: fromJson(row.suites),
    targets: fromJson(row.targets),
    config: fromJson(row.config),
    seed: row.seed,
    engagement: row.engagement,
    simulated: row.simulated === 1,
    planned: row.planned,
    resumes: row.resumes,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}
