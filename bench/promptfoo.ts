/**
 * A third-party evaluation tool, unmodified, before and behind `assay exec`: promptfoo over three providers with a model as grader, against
 * a third-party mock of which a share of requests fails (500, 429, cut connections). Its own bill, ours and the provider's side by side;
 * then the same killed at half (SIGKILL, the tool and `assay exec` at once) and started again with `--resume`. What must hold is checked:
 * the exit code is 1 where it does not.
 *
 * Usage: node bench/promptfoo.ts [cases] [concurrency] [seed] [share of failures]
 * promptfoo is installed with npm into a scratch folder under the system's temporary folder where it is missing (1.5 GB);
 * PROMPTFOO_DIR names a folder that has it in node_modules.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UsageView } from '../src/report/index.ts';
import { openStore, type Store } from '../src/store/index.ts';
import { assay, findPromptfoo, MODELS, start, toolEnvironment, writeEvaluation, type Evaluation, type ToolBill } from './promptfoo/evaluation.ts';
import { startFailingProvider, type FailingProvider, type Served } from './promptfoo/failing-provider.ts';

const [cases = 330, concurrency = 8, seed = 1, failureRate = 0.1] = process.argv.slice(2).map(Number);
const entry = await findPromptfoo();
const scratch = await mkdtemp(join(tmpdir(), 'assay-promptfoo-bench-'));
try {
  console.log(`node ${process.version}, ${cases} cases, ${concurrency} at a time, ${failureRate * 100} % of requests fail, seed ${seed}`);
  const alone = await withoutAssay();
  await behindAssay(alone);
  await killedAtHalf();
  console.log('\nall of it holds');
} finally {
  await rm(scratch, { recursive: true, force: true });
}

interface Ended {
  readonly code: number | null;
  readonly bill: ToolBill;
}

/** The tool alone: what it bills beside what was served. */
async function withoutAssay(): Promise<Ended> {
  await using provider = await startFailingProvider({ seed, failureRate });
  const { folder, evaluation, env } = await setUp('alone', provider);
  const { code, seconds, output } = await start(evaluation.command, { cwd: folder, env }).ended;
  const bill = await billOf(evaluation, output);
  console.log(`\nthe tool alone: ${seconds.toFixed(1)} s, ${inWords(bill)}`);
  show([['the tool says', ...figuresOfTool(bill)], ['the provider served', ...figuresOfProvider(provider.served())]]);
  return { code, bill };
}

/** The same behind `assay exec`, undisturbed. */
async function behindAssay(alone: Ended): Promise<void> {
  await using provider = await startFailingProvider({ seed, failureRate });
  const { folder, evaluation, env } = await setUp('behind', provider);
  const { code, seconds, output } = await start(assay('exec', '--name', 'promptfoo', '--log', 'log.json', '--', ...evaluation.command), { cwd: folder, env }).ended;
  const bill = await billOf(evaluation, output);
  const usage = await usageOf(folder, env);
  console.log(`\nbehind assay exec: ${seconds.toFixed(1)} s (its calls waited ${(usage.waited_ms / 1_000).toFixed(1)} s in all, for pauses that 429s ask for), ${inWords(bill)}`);
  show([['the tool says', ...figuresOfTool(bill)], ['assay usage', ...figuresOfUsage(usage)], ['the provider served', ...figuresOfProvider(provider.served())]]);
  const grading = usage.by_model[MODELS.grader]?.cost_usd ?? 0;
  console.log(`of our cost ${dollars(grading)} is the grader's, which the tool does not price; without it ours is ${dollars((usage.cost_usd ?? 0) - grading)}`);

  assert.deepEqual({ code, bill: inOrder(bill) }, { code: alone.code, bill: inOrder(alone.bill) }, 'the tool ends, and bills, as it does alone');
  const served = provider.served();
  assert.deepEqual(Object.keys(usage.by_model).toSorted(), Object.values(MODELS).toSorted(), 'every model has its line');
  for (const [model, books] of served) assert.deepEqual(ours(usage.by_model[model]!), theirs(books), `${model}: our count is the provider's`);
  assert.deepEqual(ours(usage), theirs(sumOf(served)), "the sum is the provider's");
  assert.equal(usage.tokens.unknown_calls, usage.calls.total - usage.calls.ok, 'what failed has no tokens, and says so');
  assert.equal(usage.tokens.estimated, 0, 'nothing is estimated');
}

/** Killed at half and started again. */
async function killedAtHalf(): Promise<void> {
  await using provider = await startFailingProvider({ seed, failureRate });
  const { folder, evaluation, env } = await setUp('killed', provider);
  const half = Math.floor(evaluation.cases / 2);
  const first = start(assay('exec', '--name', 'promptfoo', '--', ...evaluation.command), { cwd: folder, env });
  while (provider.answers().length < half && first.child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(first.child.exitCode, null, `it runs at half: ${first.child.exitCode === null ? '' : (await first.ended).output}`);
  process.kill(-first.child.pid!, 'SIGKILL');
  await first.ended;
  // What the provider has begun it finishes, for nobody.
  while (provider.busy > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  const requestsBefore = provider.requests;
  const before = await readBooks(folder);
  // The tool keeps what it has; it is to start from nothing, as a tool that cannot resume would.
  await evaluation.clear();

  const { seconds, output } = await start(assay('exec', '--resume', before.run), { cwd: folder, env }).ended;
  const bill = await billOf(evaluation, output);
  const usage = await usageOf(folder, env);
  const after = await readBooks(folder);
  const answers = provider.answers();
  const used = new Set(bill.answerIds);
  const wasted = answers.filter(({ id }) => !used.has(id));
  const twice = [...Map.groupBy(answers, ({ request }) => request).values()].filter((same) => same.length > 1);
  const replayed = usage.replayed ?? 0;
  const sum = sumOf(provider.served());
  console.log(`\nkilled at ${half} answers and started again: ${seconds.toFixed(1)} s more, ${inWords(bill)}`);
  show([
    ['the tool says, at the end', ...figuresOfTool(bill)],
    ['assay usage, both lives', ...figuresOfUsage(usage)],
    ['the provider served, both lives', ...figuresOfProvider(provider.served())],
    ['of it after the kill', ...figuresOfProvider(provider.served(requestsBefore))],
  ]);
  console.log(`answers kept when it was killed: ${before.kept.size}, given again: ${replayed}; calls in flight then, lost: ${usage.calls.lost}`);
  console.log(`answers served that are in no result: ${wasted.length}, of them kept: ${wasted.filter(({ id }) => after.kept.has(id)).length}; requests answered twice: ${twice.length}`);

  assert.equal(bill.results, evaluation.cases, 'every case has a result');
  assert.equal(used.size, bill.answerIds.length, 'no answer is used twice');
  assert.equal(replayed, before.kept.size, 'every answer that was kept is given again, once');
  assert.deepEqual(wasted.filter(({ id }) => after.kept.has(id)), [], 'no request whose answer was kept is paid twice');
  assert.ok(twice.every((same) => same.some(({ id }) => !after.kept.has(id))), 'a request is answered twice only where its first answer was lost');
  assert.ok(wasted.length <= usage.calls.lost, 'only what was in flight at the kill was served for nothing');
  assert.equal(usage.calls.ok, answers.length - wasted.length, 'every other answer is in the ledger');
  assert.deepEqual(
    [usage.tokens.prompt_tokens, usage.tokens.completion_tokens],
    [sum.promptTokens - total(wasted, 'promptTokens'), sum.completionTokens - total(wasted, 'completionTokens')],
    "so are their tokens",
  );
  const unseen = usage.calls.total - sum.requests;
  assert.ok(unseen >= 0 && unseen <= usage.calls.lost, 'all requests are in the ledger; lost calls may never have arrived');
  assert.deepEqual([usage.calls.http_error, usage.calls.rate_limited, usage.calls.network_error].map((ended, kind) => [sum.serverErrors, sum.rateLimited, sum.cut][kind]! - ended).filter((missing) => missing < 0 || missing > usage.calls.lost), [], 'so are its failures, but for those met in flight at the kill');
}

async function setUp(name: string, provider: FailingProvider): Promise<{ readonly folder: string; readonly evaluation: Evaluation; readonly env: Readonly<Record<string, string | undefined>> }> {
  const folder = join(scratch, name);
  return { folder, evaluation: await writeEvaluation(folder, { entry, cases, concurrency }), env: toolEnvironment(folder, provider.url) };
}

/** What it printed is said where it left no results. */
function billOf(evaluation: Evaluation, output: string): Promise<ToolBill> {
  return evaluation.bill().catch((cause: unknown) => {
    throw new Error(`promptfoo left no results:\n${output.slice(-3_000)}`, { cause });
  });
}

async function usageOf(cwd: string, env: Readonly<Record<string, string | undefined>>): Promise<UsageView> {
  const child = start(assay('usage', 'last', '--json'), { cwd, env });
  const { output } = await child.ended;
  return JSON.parse(output) as UsageView;
}

/** The run's id, and the ids of the answers that are kept for it. */
async function readBooks(cwd: string): Promise<{ readonly run: string; readonly kept: ReadonlySet<string> }> {
  const store = await openStore(`sqlite:${join(cwd, '.assay', 'assay.db')}`);
  try {
    const { id: run } = await store.findRun('last');
    return { run, kept: await keptIn(store, run) };
  } finally {
    await store.close();
  }
}

async function keptIn(store: Store, runId: string): Promise<Set<string>> {
  const kept = new Set<string>();
  for (const [key, count] of await store.answerCounts(runId)) {
    for (let occurrence = 0; occurrence < count; occurrence++) {
      const answer = await store.answer({ runId, key, occurrence });
      const id = /answer-([0-9a-f]{16}-\d+)/.exec(answer?.body ?? '')?.[1];
      assert.ok(id !== undefined, `an answer that is kept has the provider's id: ${answer?.body.slice(0, 200)}`);
      kept.add(id);
    }
  }
  return kept;
}

function sumOf(served: ReadonlyMap<string, Served>): Served {
  const all = [...served.values()];
  const sum = (figure: keyof Served): number => total(all, figure);
  return { requests: sum('requests'), answered: sum('answered'), rateLimited: sum('rateLimited'), serverErrors: sum('serverErrors'), cut: sum('cut'), promptTokens: sum('promptTokens'), completionTokens: sum('completionTokens') };
}

function total<Figure extends string>(all: readonly { readonly [F in Figure]: number }[], figure: Figure): number {
  return all.reduce((sum, each) => sum + each[figure], 0);
}

/** Our count and the provider's, in the same words. */
function ours({ calls, tokens }: Pick<UsageView, 'calls' | 'tokens'>): object {
  return { requests: calls.total, answered: calls.ok, rateLimited: calls.rate_limited, serverErrors: calls.http_error, cut: calls.network_error, promptTokens: tokens.prompt_tokens, completionTokens: tokens.completion_tokens };
}

function theirs(served: Served): object {
  return { ...served };
}

type Figures = readonly [requests: number | string, answered: number | string, failed: number | string, prompt: number, completion: number, usd: string];

function figuresOfTool({ requests, answerIds, promptTokens, completionTokens, costUsd }: ToolBill): Figures {
  return [requests, answerIds.length, '', promptTokens, completionTokens, dollars(costUsd)];
}

function figuresOfUsage({ calls, tokens, cost_usd: cost, replayed = 0 }: UsageView): Figures {
  return [`${calls.total}${replayed > 0 ? ` + ${replayed} replayed` : ''}`, calls.ok, calls.total - calls.ok, tokens.prompt_tokens, tokens.completion_tokens, cost === null ? 'unknown' : dollars(cost)];
}

function figuresOfProvider(served: ReadonlyMap<string, Served>): Figures {
  const { requests, answered, promptTokens, completionTokens } = sumOf(served);
  return [requests, answered, requests - answered, promptTokens, completionTokens, ''];
}

function dollars(usd: number): string {
  return `$${usd.toFixed(5)}`;
}

/** Results come in the order in which they were ready. */
function inOrder(bill: ToolBill): ToolBill {
  return { ...bill, costUsd: Number(bill.costUsd.toFixed(9)), answerIds: bill.answerIds.toSorted() };
}

function show(rows: readonly (readonly [who: string, ...Figures])[]): void {
  console.table(Object.fromEntries(rows.map(([who, requests, answered, failed, prompt, completion, usd]) => [who, { requests, answered, failed, 'prompt tokens': prompt, 'completion tokens': completion, cost: usd }])));
}

function inWords({ results, passed, failed, errors }: ToolBill): string {
  return `${results} cases: ${passed} passed, ${failed} failed, ${errors} errors`;
}
