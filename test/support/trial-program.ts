/**
 * A program as a user writes one: many trials at once, with forks, roles and phases, through several clients, with all that goes wrong in
 * them. Prints what Assay told it of each trial, and what it knows itself of what came before its forks.
 */
import { createInterface } from 'node:readline';
import { get } from 'node:http';
import OpenAI from 'openai';
import { Agent, request } from 'undici';
import { bind, branch, currentUsage, LLMUsageTracker, phase, role, trial, type LlmUsage } from '../../src/register.ts';
import { planGoneTrial, planTrial, type PlannedCall, type PlannedFork, type PlannedStep, type PlannedTrial } from './trial-plan.ts';

export interface ProgramResult {
  readonly trials: readonly TrialResult[];
  /** Of the whole process. */
  readonly usage: LlmUsage;
  /** Calls that did not go as the caller expects of its client without a meter. */
  readonly surprises: readonly string[];
}

export interface TrialResult {
  readonly name: string;
  readonly usage: LlmUsage;
  /** Physical calls of the trunk, and of the trunks of that, that had ended at a branch's first fork, where none was under way. By path. */
  readonly preForkCalls: Readonly<Record<string, number>>;
}

/** What is known of a branch without the ledger. */
interface Path {
  readonly path: string;
  readonly preFork: number | undefined;
  ended: number;
  underWay: number;
  readonly inside: Map<string, Path>;
}

const [server = '', seed = '', trials = '', calls = ''] = process.argv.slice(2);
const agent = new Agent({ connections: 128 });
const sdk = new OpenAI({ baseURL: `${server}/v1`, apiKey: 'none' });
const surprises: string[] = [];

const arrived = new Map<string, () => void>();
const arrivals = get(`${server}/arrivals`);
await new Promise<void>((resolve) => {
  arrivals.on('response', (response) => {
    resolve();
    createInterface({ input: response })
      .on('line', (id) => arrived.get(id)?.())
      .on('error', () => {});
  });
});
arrivals.on('error', () => {});

// Made outside any trial: what runs here is in its scope by `bind` alone.
const queue: (() => Promise<void>)[] = [];
const idle: (() => void)[] = [];
async function work(): Promise<void> {
  for (;;) {
    const job = queue.shift();
    if (job === undefined) await new Promise<void>((resolve) => void idle.push(resolve));
    else await job();
  }
}

function enqueue(job: () => Promise<void>): void {
  queue.push(job);
  idle.shift()?.();
}
for (let worker = 0; worker < 64; worker++) void work();

async function runTrial(planned: PlannedTrial): Promise<TrialResult> {
  const tracker = new LLMUsageTracker();
  const preForkCalls: Record<string, number> = {};
  const trunk: Path = { path: '', preFork: 0, ended: 0, underWay: 0, inside: new Map() };
  let inTrial: (() => LlmUsage) | undefined;
  await tracker.track(() =>
    trial(planned.name, async () => {
      inTrial = bind(currentUsage);
      await runSteps(planned.steps, trunk, preForkCalls);
    }),
  );
  await tracker.settled();
  const usage = tracker.toDict();
  if (JSON.stringify(inTrial?.()) !== JSON.stringify(usage)) surprises.push(`${planned.name}: its tracker and currentUsage differ`);
  return { name: planned.name, usage, preForkCalls };
}

async function runSteps(steps: readonly PlannedStep[], at: Path, preForkCalls: Record<string, number>): Promise<void> {
  const side: Promise<void>[] = [];
  for (const step of steps) {
    const done = 'call' in step ? runCall(step.call, at) : runFork(step.fork, at, preForkCalls);
    const { overlaps } = 'call' in step ? step.call : step.fork;
    if (overlaps) side.push(done);
    else await done;
  }
  await Promise.all(side);
}

function runFork(fork: PlannedFork, at: Path, preForkCalls: Record<string, number>): Promise<void> {
  let inside = at.inside.get(fork.branch);
  if (inside === undefined) {
    const path = at.path === '' ? fork.branch : `${at.path}/${fork.branch}`;
    const preFork = at.preFork === undefined || at.underWay > 0 ? undefined : at.preFork + at.ended;
    inside = { path, preFork, ended: 0, underWay: 0, inside: new Map() };
    at.inside.set(fork.branch, inside);
    if (preFork !== undefined) preForkCalls[path] = preFork;
  }
  const branchAt = inside;
  return branch(fork.branch, () => runSteps(fork.steps, branchAt, preForkCalls));
}

async function runCall(call: PlannedCall, at: Path): Promise<void> {
  const { told } = call;
  at.underWay++;
  try {
    await labelled(told.role, role, () => labelled(told.phase, phase, () => handOut(call)));
  } catch (error) {
    surprises.push(`${told.trial}#${told.n} ${told.way} by ${call.via}: ${String(error)}`);
  }
  at.underWay--;
  at.ended += told.way.endsWith('-again') ? 2 : 1;
}

function labelled<T>(name: string, scoped: (name: string, fn: () => T) => T, fn: () => T): T {
  return name === '' ? fn() : scoped(name, fn);
}

/** Returns once the call is over, whoever makes it. */
function handOut(call: PlannedCall): Promise<void> {
  if (call.by === 'trial') return make(call);
  return new Promise((resolve, reject) => {
    if (call.by === 'queue') return enqueue(bind(() => make(call).then(resolve, reject)));
    // Its body runs while somebody outside any trial asks for its values.
    const values = call.told.role === '' ? bind(() => generate(call))() : role(call.told.role, () => generate(call));
    return enqueue(() => consume(values).then(resolve, reject));
  });
}

async function consume(values: AsyncIterable<string>): Promise<void> {
  for await (const value of values) if (value === 'enough') break;
}

async function* generate(call: PlannedCall): AsyncGenerator<string> {
  yield 'begun';
  await make(call);
  yield 'enough';
}

const FAILING: ReadonlySet<string> = new Set(['cut', 'cut-late', 'hang', 'gone']);

async function make(call: PlannedCall): Promise<void> {
  const { told, via } = call;
  const abort = new AbortController();
  if (told.way === 'hang') arrived.set(`${told.trial}#${told.n}`, () => abort.abort());
  const exchange = via === 'openai' ? bySdk(call, abort) : via === 'fetch' ? byFetch(call, abort) : byUndici(call, abort);
  if (told.way === 'gone') abort.abort();
  const ended = await exchange.then(
    (status) => status,
    (error: unknown) => error,
  );
  arrived.delete(`${told.trial}#${told.n}`);
  const expected = told.way === 'refuse' ? 500 : told.way === 'limit' ? 429 : 200;
  const asExpected = FAILING.has(told.way) || abort.signal.aborted ? ended instanceof Error || told.way === 'leave' || told.way === 'leave-late' : ended === expected;
  if (!asExpected) surprises.push(`${told.trial}#${told.n} ${told.way} by ${via}${call.stream ? ', streamed' : ''}: ${String(ended)}`);
}

function bodyOf({ told, model, stream }: PlannedCall) {
  const asks = stream && told.way !== 'quiet';
  return { model, messages: [{ role: 'user' as const, content: JSON.stringify(told) }], ...(stream ? { stream: true as const } : {}), ...(asks ? { stream_options: { include_usage: true } } : {}) };
}

/** Whether a caller that leaves has seen enough: some words, or the usage. */
function enough(call: PlannedCall, seen: string): boolean {
  return call.told.way === 'leave' ? seen.includes('word') : call.told.way === 'leave-late' && seen.includes('"usage":{');
}

async function byFetch(call: PlannedCall, abort: AbortController): Promise<number> {
  const response = await fetch(`${server}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(bodyOf(call)), signal: abort.signal });
  await readOn(call, response.body!, abort);
  return response.status;
}

async function byUndici(call: PlannedCall, abort: AbortController): Promise<number> {
  const { statusCode, body } = await request(`${server}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(bodyOf(call)), signal: abort.signal, dispatcher: agent });
  await readOn(call, body, abort);
  return statusCode;
}

async function readOn(call: PlannedCall, body: AsyncIterable<Uint8Array>, abort: AbortController): Promise<void> {
  const decoder = new TextDecoder();
  let seen = '';
  for await (const chunk of body) {
    seen += decoder.decode(chunk, { stream: true });
    if (!enough(call, seen)) continue;
    if (call.aborts) abort.abort();
    else break;
  }
  // A caller that did not ask for usage is not shown any.
  if (call.told.way === 'quiet' && seen.includes('usage')) surprises.push(`${call.told.trial}#${call.told.n}: the usage was not hidden`);
}

async function bySdk(call: PlannedCall, abort: AbortController): Promise<number> {
  const options = { signal: abort.signal, maxRetries: call.told.way.endsWith('-again') ? 2 : 0 };
  try {
    const answer = await sdk.chat.completions.create(bodyOf(call), options);
    if (Symbol.asyncIterator in answer) {
      let seen = '';
      for await (const chunk of answer) {
        seen += JSON.stringify(chunk);
        if (!enough(call, seen)) continue;
        if (call.aborts) abort.abort();
        else break;
      }
    }
    return 200;
  } catch (error) {
    if (error instanceof OpenAI.APIError && error.status !== undefined) return error.status as number;
    throw error;
  }
}

const count = Number(trials);
const results = await Promise.all([
  ...Array.from({ length: count }, (_, index) => runTrial(planTrial(Number(seed), index, Number(calls)))),
  ...Array.from({ length: Math.ceil(count / 50) }, (_, index) => runTrial(planGoneTrial(Number(seed), index, Number(calls)))),
]);
arrivals.destroy();
await agent.close();
const result: ProgramResult = { trials: results, usage: currentUsage(), surprises };
process.stdout.write(JSON.stringify(result));
