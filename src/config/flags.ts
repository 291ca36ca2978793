import { UsageError } from '../core/index.ts';
import { literalSecrets } from './literal-secret.ts';
import { checkDocument, pathText, type Problem } from './problem.ts';
import type { AssayConfig } from './schema.ts';

/** What the command line may say about a run. What is left out stays as configured. */
export interface ConfigFlags {
  readonly name?: string;
  readonly suites?: readonly string[];
  readonly target?: readonly string[];
  readonly seed?: number;
  readonly generations?: number;
  readonly repeats?: number;
  readonly parallel?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly maxOutputTokens?: number;
  readonly system?: string;
  readonly stop?: readonly string[];
  readonly stream?: boolean;
  readonly tries?: number;
  readonly deadline?: number;
  readonly timeout?: number;
  readonly onRateLimit?: string;
  readonly maxCalls?: number;
  readonly maxTokens?: number;
  readonly maxUsd?: number;
  readonly engagement?: string;
  readonly store?: string;
  readonly durability?: string;
  readonly apiKeyEnv?: string;
  readonly rps?: number;
  readonly rpm?: number;
  readonly tpm?: number;
  readonly itpm?: number;
  readonly otpm?: number;
  readonly concurrency?: number;
  readonly promptsPerProbe?: number;
  readonly prompts?: string;
  readonly listen?: string;
  readonly detector?: readonly string[];
  readonly trials?: number;
  readonly variant?: readonly string[];
  readonly otlp?: string;
}

/** Where each flag goes in the configuration. */
const PLACES: Readonly<Record<keyof ConfigFlags, readonly string[]>> = {
  name: ['name'],
  suites: ['suites'],
  target: ['targets'],
  seed: ['seed'],
  generations: ['generations'],
  repeats: ['repeats'],
  parallel: ['parallel'],
  temperature: ['parameters', 'temperature'],
  topP: ['parameters', 'topP'],
  maxOutputTokens: ['parameters', 'maxOutputTokens'],
  system: ['parameters', 'system'],
  stop: ['parameters', 'stop'],
  stream: ['stream'],
  tries: ['retry', 'tries'],
  deadline: ['retry', 'deadlineSeconds'],
  timeout: ['timeoutSeconds'],
  onRateLimit: ['onRateLimit'],
  maxCalls: ['budgets', 'calls'],
  maxTokens: ['budgets', 'tokens'],
  maxUsd: ['budgets', 'usd'],
  engagement: ['engagement'],
  store: ['store'],
  durability: ['durability'],
  apiKeyEnv: ['apiKeyEnv'],
  rps: ['limits', 'rps'],
  rpm: ['limits', 'rpm'],
  tpm: ['limits', 'tpm'],
  itpm: ['limits', 'itpm'],
  otpm: ['limits', 'otpm'],
  concurrency: ['limits', 'concurrency'],
  promptsPerProbe: ['probes', 'promptsPerProbe'],
  prompts: ['probes', 'prompts'],
  detector: ['probes', 'detectors'],
  trials: ['experiments', 'trials'],
  variant: ['experiments', 'variants'],
  listen: ['gateway', 'listen'],
  otlp: ['telemetry', 'otlp', 'endpoint'],
};

/**
 * The configuration with the command line's word put over it: a flag replaces the file's value, lists whole.
 *
 * @throws UsageError `usage` that names each flag whose value cannot be used
 */
export function mergeFlags(config: AssayConfig, flags: ConfigFlags): AssayConfig {
  const document = structuredClone(config) as Record<string, unknown>;
  const given = Object.entries(PLACES).filter(([flag]) => flags[flag as keyof ConfigFlags] !== undefined);
  for (const [flag, place] of given) put(document, place, flags[flag as keyof ConfigFlags]);
  // Who names where to export wants it exported, whatever the file says.
  if (flags.otlp !== undefined) put(document, ['telemetry', 'enabled'], true);
  // What the file says was checked when it was read: only the flags can be at fault here.
  const checked = checkDocument(document);
  const problems = [...literalSecrets(document), ...('problems' in checked ? checked.problems : [])];
  if (problems.length === 0 && 'config' in checked) return checked.config;
  throw new UsageError({
    message: problems.map((problem) => `${culprit(problem, given)}: ${problem.message}`).join('; '),
    hint: '`assay COMMAND --help` lists the options',
  });
}

function put(document: Record<string, unknown>, place: readonly string[], value: unknown): void {
  const [head = '', ...rest] = place;
  if (rest.length === 0) {
    document[head] = value;
    return;
  }
  const inner = { ...(document[head] as Record<string, unknown> | undefined) };
  document[head] = inner;
  put(inner, rest, value);
}

function culprit(problem: Problem, given: readonly (readonly [string, readonly string[]])[]): string {
  const flag = given.find(([, place]) => place.every((key, i) => problem.path[i] === key));
  return flag === undefined ? pathText(problem.path) : `--${flag[0].replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
