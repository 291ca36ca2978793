import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The release that the figures are of. */
const VERSION = '0.123.1';
const ASSAY = fileURLToPath(new URL('../../bin/assay.js', import.meta.url));

/** What the tool says of a whole evaluation. */
export interface ToolBill {
  readonly results: number;
  readonly passed: number;
  readonly failed: number;
  readonly errors: number;
  /** Requests that it says it made: of the models tried, and of graders. */
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** US dollars, of the models tried alone: graders have no cost in its results. */
  readonly costUsd: number;
  /** Ids of the answers that its results are made of. */
  readonly answerIds: readonly string[];
}

export interface Evaluation {
  /** Program and arguments that run it. */
  readonly command: readonly string[];
  readonly cases: number;
  /** What it printed in its results file. */
  bill(): Promise<ToolBill>;
  /** Forgets its results and all that it keeps for itself. */
  clear(): Promise<void>;
}

/** Models that are tried, and the one that grades. */
export const MODELS = { chat: 'gpt-4.1-mini', responses: 'gpt-4.1-nano', anthropic: 'claude-haiku-4-5', grader: 'gpt-4.1' } as const;

/** Path of promptfoo's entry file; installs it where it is missing. `PROMPTFOO_DIR` names a folder that has it. */
export async function findPromptfoo(): Promise<string> {
  const home = process.env['PROMPTFOO_DIR'] ?? join(tmpdir(), `assay-promptfoo-${VERSION}`);
  const entry = join(home, 'node_modules/promptfoo/dist/src/entrypoint.js');
  if (existsSync(entry)) return entry;
  if (process.env['PROMPTFOO_DIR'] !== undefined) throw new Error(`PROMPTFOO_DIR=${home} has no promptfoo: run npm install promptfoo@${VERSION} there, or leave the variable out`);
  console.log(`installing promptfoo ${VERSION} into ${home} (1.5 GB) …`);
  const startedAt = performance.now();
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'package.json'), '{"private":true}');
  const [code] = (await once(spawn('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `promptfoo@${VERSION}`], { cwd: home, stdio: 'inherit' }), 'close')) as [number | null];
  if (code !== 0) throw new Error(`npm install promptfoo@${VERSION} ended with ${code}`);
  console.log(`installed in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
  return entry;
}

/** Writes an evaluation of `cases` test cases over three providers, a part of them graded by a model. */
export async function writeEvaluation(folder: string, { entry, cases, concurrency }: { readonly entry: string; readonly cases: number; readonly concurrency: number }): Promise<Evaluation> {
  const rows = Math.ceil(cases / 3);
  const rubric = { type: 'llm-rubric', value: 'says a number', provider: `openai:chat:${MODELS.grader}` };
  const config = {
    description: 'numbers in words',
    prompts: ['Say the number {{n}} in words.'],
    providers: [
      { id: `openai:chat:${MODELS.chat}`, config: { temperature: 0, max_tokens: 100 } },
      { id: `openai:responses:${MODELS.responses}`, config: { max_output_tokens: 100 } },
      { id: `anthropic:messages:${MODELS.anthropic}`, config: { max_tokens: 100 } },
    ],
    defaultTest: { assert: [{ type: 'contains', value: 'answer' }, { type: 'javascript', value: 'output.length > 10' }] },
    tests: Array.from({ length: rows }, (_, n) => ({ vars: { n }, ...(n % 5 === 0 ? { assert: [rubric] } : {}) })),
  };
  await mkdir(folder, { recursive: true });
  const configFile = join(folder, 'promptfooconfig.json');
  const results = join(folder, 'results.json');
  await writeFile(configFile, JSON.stringify(config));
  return {
    command: [process.execPath, entry, 'eval', '-c', configFile, '--no-cache', '--no-table', '--no-progress-bar', '--no-share', '-j', String(concurrency), '-o', results],
    cases: rows * 3,
    bill: async () => readBill(await readFile(results, 'utf8')),
    clear: async () => {
      await rm(results, { force: true });
      await rm(join(folder, 'home'), { recursive: true, force: true });
    },
  };
}

/** The environment of the tool: its own settings only, nothing of ours. */
export function toolEnvironment(folder: string, providerUrl: string): Record<string, string | undefined> {
  return {
    ...process.env,
    // It starts itself again by the name of node.
    PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
    NO_COLOR: '1',
    OPENAI_API_KEY: 'none',
    ANTHROPIC_API_KEY: 'none',
    OPENAI_BASE_URL: `${providerUrl}/v1`,
    ANTHROPIC_BASE_URL: providerUrl,
    PROMPTFOO_CONFIG_DIR: join(folder, 'home'),
    PROMPTFOO_DISABLE_TELEMETRY: '1',
    PROMPTFOO_DISABLE_UPDATE: '1',
    PROMPTFOO_DISABLE_SHARING: '1',
    PROMPTFOO_DISABLE_REMOTE_GENERATION: '1',
    PROMPTFOO_REQUEST_BACKOFF_MS: '200',
  };
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string; readonly seconds: number }>;
}

/** Starts a command in a process group of its own, so that all of it can be killed at once. */
export function start(command: readonly string[], { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> }): Started {
  const startedAt = performance.now();
  const child = spawn(command[0]!, command.slice(1), { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, output, seconds: (performance.now() - startedAt) / 1_000 }));
  return { child, ended };
}

/** `assay` with these arguments, as a command. */
export function assay(...args: readonly string[]): string[] {
  return [process.execPath, ASSAY, ...args];
}

interface Results {
  readonly results: {
    readonly stats: {
      readonly successes: number;
      readonly failures: number;
      readonly errors: number;
      readonly tokenUsage: { readonly prompt: number; readonly completion: number; readonly numRequests: number; readonly assertions: { readonly prompt: number; readonly completion: number; readonly numRequests: number } };
    };
    readonly results: readonly { readonly cost?: number; readonly response?: { readonly output?: unknown }; readonly gradingResult?: { readonly componentResults?: readonly { readonly reason?: string }[] } | null }[];
  };
}

function readBill(text: string): ToolBill {
  const { stats, results } = (JSON.parse(text) as Results).results;
  const { prompt, completion, numRequests, assertions } = stats.tokenUsage;
  const texts = results.flatMap(({ response, gradingResult }) => [response?.output, ...(gradingResult?.componentResults ?? []).map(({ reason }) => reason)]);
  return {
    results: results.length,
    passed: stats.successes,
    failed: stats.failures,
    errors: stats.errors,
    requests: numRequests + assertions.numRequests,
    promptTokens: prompt + assertions.prompt,
    completionTokens: completion + assertions.completion,
    costUsd: results.reduce((sum, { cost }) => sum + (cost ?? 0), 0),
    answerIds: texts.flatMap((each) => (typeof each === 'string' ? (/\(([0-9a-f]{16}-\d+)\)/.exec(each)?.[1] ?? []) : [])),
  };
}
