import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { beforeAll, describe, expect, it } from 'vitest';
import { pythonClients } from '../scripts/python-clients.ts';
import { CALL_STATUSES, type CallStatus } from '../src/core/index.ts';
import type { StoredLlmUsage, UsageView } from '../src/report/index.ts';
import type { SimStats } from '../src/simulator/index.ts';
import { BROKEN_OFF, startProvider, type Served } from './support/clients/provider.ts';
import { PROMPTS } from './support/clients/prompts.ts';
import { ExecRig } from './support/exec-rig.ts';
import { Folder } from './support/folder.ts';
import type { CliResult } from './support/processes.ts';

/** A fresh environment takes a quarter of a minute where the network is good. */
const INSTALLING_MS = 900_000;

let python: string;
beforeAll(async () => {
  python = await pythonClients((line) => process.stderr.write(`${line}\n`));
}, INSTALLING_MS);

const program = (name: string): string => fileURLToPath(new URL(`support/python/${name}`, import.meta.url));

/** Of the shell of a user who has keys, and no base URLs of his own. */
const ENV = { OPENAI_API_KEY: 'a-key', ANTHROPIC_API_KEY: 'a-key', OPENAI_BASE_URL: '', OPENAI_API_BASE: '', ANTHROPIC_BASE_URL: '', MEM0_TELEMETRY: 'False', PYTHONWARNINGS: 'ignore' };

interface Log {
  readonly exit_code: number;
  readonly scores: readonly { readonly name: string; readonly value: number }[];
  readonly llm_usage: StoredLlmUsage;
}

type Seen = Readonly<Record<string, unknown>>;

/** What a program saw with nothing between it and the provider, and with us between them. */
interface TwoRuns {
  readonly plain: Seen;
  readonly behind: Seen;
  readonly served: ReadonlyMap<string, Served>;
  readonly usage: UsageView;
  readonly log: Log;
}

async function twoRuns(library: string): Promise<TwoRuns> {
  const command = [python, program('clients.py'), JSON.stringify(PROMPTS), library];
  await using alone = await startProvider();
  await using provider = await startProvider();
  const home = await mkdtemp(join(tmpdir(), 'assay-python-'));
  try {
    const env = { ...ENV, MEM0_DIR: home };
    await using folder = await Folder.make(env);
    const { url } = provider.surroundings;
    const direct = { ...env, OPENAI_BASE_URL: `${alone.surroundings.url}/v1`, ANTHROPIC_BASE_URL: alone.surroundings.url, OPENAI_API_BASE: `${alone.surroundings.url}/v1` };
    const [plain, behind] = await Promise.all([
      printed(command, direct),
      folder.cli('exec', '--name', library, '--log', 'log.json', '--upstream', `openai=${url}/v1`, '--upstream', `anthropic=${url}`, '--', ...command),
    ]);
    expect(behind.code, behind.stderr).toBe(0);
    return {
      plain: JSON.parse(plain) as Seen,
      behind: JSON.parse(behind.stdout) as Seen,
      served: provider.served(),
      usage: await folder.json<UsageView>(0, 'usage', 'last'),
      log: JSON.parse(await readFile(folder.file('log.json'), 'utf8')) as Log,
    };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function printed([file = '', ...args]: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] });
  return text(child.stdout);
}

/** Streams that the program leaves before their end. */
const LEFT = new Set(['py-left', 'py-cancelled', 'py-messages-left']);
/** Anthropic tells the prompt's tokens in a stream's first event: what came before the end is kept. */
const TOLD_EARLY = new Set(['py-messages-cut', 'py-messages-left']);

function fatesOf(model: string, { answers }: Served): Partial<Record<CallStatus, number>> {
  const fates = answers.map((answer): CallStatus => {
    if (LEFT.has(model)) return 'aborted';
    if (answer === 'cut') return 'cut';
    if (answer === 'rubbish') return 'malformed';
    if (answer === 'hung up') return 'network_error';
    if (answer === 429) return 'rate_limited';
    if (answer === 400) return 'blocked';
    return answer === 200 ? 'ok' : 'http_error';
  });
  return counts(fates);
}

function counts<Name extends string>(names: readonly Name[]): Partial<Record<Name, number>> {
  return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length])) as Partial<Record<Name, number>>;
}

describe.each([
  ['openai', 29],
  ['anthropic', 12],
  ['mem0', 3],
] as const)('the Python client of %s under assay exec', (library, cases) => {
  let runs: TwoRuns;
  beforeAll(async () => {
    runs = await twoRuns(library);
  }, 300_000);

  it('does what it does without', () => {
    const { plain, behind } = runs;
    expect(Object.keys(plain)).toHaveLength(cases);
    expect(behind).toEqual(plain);
  });

  it('is counted model by model as the provider counts, failures, retries and streams that are left included', () => {
    const { served, usage, log } = runs;
    expect(Object.keys(usage.by_model).toSorted()).toEqual([...served.keys()].toSorted());
    for (const [model, books] of served) {
      const { calls, tokens } = usage.by_model[model]!;
      const early = TOLD_EARLY.has(model) ? BROKEN_OFF.usage.prompt_tokens : 0;
      expect(counts(CALL_STATUSES.flatMap((status) => Array.from({ length: calls[status] }, () => status))), model).toEqual(fatesOf(model, books));
      expect({ model, prompt: tokens.prompt_tokens, completion: tokens.completion_tokens, estimated: tokens.estimated }).toEqual({ model, prompt: books.promptTokens + early, completion: books.completionTokens, estimated: 0 });
      expect(log.llm_usage.calls_by_model[model], model).toBe(books.answers.length);
    }
  });

  it('has the same sums in its log as in the usage of its run', () => {
    const { usage, log } = runs;
    const { calls, tokens } = usage;
    expect(log.llm_usage).toMatchObject({
      total_calls: calls.total,
      failed_calls: calls.total - calls.ok - calls.blocked,
      prompt_tokens: tokens.prompt_tokens,
      completion_tokens: tokens.completion_tokens,
      total_tokens: tokens.total_tokens,
      unknown_calls: tokens.unknown_calls,
      estimated_calls: 0,
    });
    expect(calls.total).toBe([...runs.served.values()].reduce((sum, { answers }) => sum + answers.length, 0));
  });
});

/** A program under `assay exec` before the simulator, whose count is the truth. */
async function simulated(name: string, { simulator = {}, options = [], args = [] }: { readonly simulator?: object; readonly options?: readonly string[]; readonly args?: readonly string[] } = {}) {
  const rig = await ExecRig.open({ simulator: { otherModels: 'echo', ...simulator }, env: ENV });
  const command = [python, program(name), ...args];
  const run = (): Promise<CliResult> => rig.exec(['--log', 'log.json', ...options], command);
  return {
    rig,
    run,
    stats: async () => (await rig.provider.stats()) as unknown as SimStats,
    usage: () => rig.folder.json<UsageView>(0, 'usage', 'last'),
    log: async () => JSON.parse(await readFile(rig.folder.file('log.json'), 'utf8')) as Log,
    [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose](),
  };
}

describe('Python programs under assay exec', () => {
  it('are counted as the provider counts with many calls of all kinds at once, some of which fail and are tried again', { timeout: 180_000 }, async () => {
    await using them = await simulated('mixed.py', { simulator: { faults: { error500: 0.06, error503: 0.03, error529: 0.02, reset: 0.05 } }, args: ['180'] });
    const { code, stdout, stderr } = await them.run();
    expect(code, stderr).toBe(0);
    const [saw, stats, usage, log] = [JSON.parse(stdout) as { readonly prompt: number; readonly completion: number }, await them.stats(), await them.usage(), await them.log()];
    const { requests } = stats;
    expect(requests.error).toBeGreaterThan(5);
    expect(requests.reset).toBeGreaterThan(2);
    expect(usage.calls).toMatchObject({ total: requests.received, ok: requests.ok, http_error: requests.error, network_error: requests.reset });
    expect(Object.keys(usage.by_model).toSorted()).toEqual(['chat', 'chat-streamed', 'embeddings', 'messages', 'messages-streamed', 'responses']);
    for (const [model, books] of Object.entries(stats.by_model)) {
      const { calls, tokens } = usage.by_model[model]!;
      expect({ model, calls: calls.total, ok: calls.ok, prompt: tokens.prompt_tokens, completion: tokens.completion_tokens }).toEqual({ model, calls: books.requests, ok: books.ok, prompt: books.prompt_tokens, completion: books.completion_tokens });
      expect(log.llm_usage.calls_by_model[model]).toBe(books.requests);
    }
    expect([usage.tokens.prompt_tokens, usage.tokens.completion_tokens]).toEqual([stats.tokens.prompt_tokens, stats.tokens.completion_tokens]);
    expect([saw.prompt, saw.completion]).toEqual([stats.tokens.prompt_tokens, stats.tokens.completion_tokens]);
  });

  it('open branches and roles and report a score over HTTP, and find them in the sums', { timeout: 120_000 }, async () => {
    await using them = await simulated('scopes.py', { options: ['--name', 'secret'] });
    const { code, stdout, stderr } = await them.run();
    expect(code, stderr).toBe(0);
    const { seen, usage: asked } = JSON.parse(stdout) as { readonly seen: Readonly<Record<string, { readonly calls: number; readonly tokens: number }>>; readonly usage: StoredLlmUsage };
    const sums = (wanted: (branch: string, role: string) => boolean) =>
      Object.entries(seen)
        .filter(([name]) => wanted(...(name.split(':') as [string, string])))
        .reduce((sum, [, { calls, tokens }]) => ({ calls: sum.calls + calls, tokens: sum.tokens + tokens }), { calls: 0, tokens: 0 });
    const [usage, log] = [await them.usage(), await them.log()];

    expect(usage.calls.total).toBe((await them.stats()).requests.ok);
    for (const role of ['target', 'judge', 'memory']) {
      const { calls, tokens } = usage.by_role[role]!;
      expect({ role, calls: calls.total, tokens: tokens.total_tokens }).toEqual({ role, ...sums((_branch, of) => of === role) });
      expect(log.llm_usage.by_role[role]).toMatchObject({ calls: calls.total, total_tokens: tokens.total_tokens });
    }
    for (const branch of ['(trunk)', 'ask', 'candidates', 'ask/again']) {
      const { own, inclusive } = usage.by_branch![branch]!;
      const inside = branch === '(trunk)' ? () => true : (path: string) => path === branch || path.startsWith(`${branch}/`);
      expect({ branch, calls: own.calls.total, tokens: own.tokens.total_tokens }).toEqual({ branch, ...sums((path) => path === branch) });
      expect({ branch, calls: inclusive.calls.total, tokens: inclusive.tokens.total_tokens }).toEqual({ branch, ...sums(inside) });
      expect(log.llm_usage.by_branch[branch]?.own).toMatchObject({ calls: own.calls.total, total_tokens: own.tokens.total_tokens });
    }
    const preFork = (branch: string): number | undefined => usage.by_branch![branch]!.pre_fork?.calls.total;
    expect([preFork('ask'), preFork('candidates'), preFork('ask/again')]).toEqual([2, 2, 2 + usage.by_branch!['ask']!.own.calls.total]);
    expect(asked.total_calls).toBe(usage.calls.total);
    expect(log.scores).toMatchObject([{ name: 'consistency', value: 0.75 }]);
    await using store = await them.rig.folder.store();
    expect((await store.goal((await store.findRun('last')).id, 0))?.outcome?.kind).toBe('passed');
  });

  it('that failed are started again without paying twice, whatever they ask and however it is answered', { timeout: 120_000 }, async () => {
    await using them = await simulated('interrupted.py', { args: ['mark'] });
    const first = await them.run();
    expect(first.code, first.stderr).toBe(1);
    const paid = await them.stats();
    const again = await them.rig.resume();
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout).toBe(first.stdout);
    expect(first.stdout.split('\n')).toHaveLength(7);
    expect((await them.stats()).requests.received).toBe(paid.requests.received);
    const usage = await them.usage();
    expect(usage).toMatchObject({ calls: { total: 6, ok: 6 }, replayed: 6, tokens: { total_tokens: paid.tokens.total_tokens } });
  });

  it('are told at a cap that it is reached, and their clients do not ask again', async () => {
    await using them = await simulated('capped.py', { options: ['--max-calls', '3'] });
    const { code, stdout } = await them.run();
    expect(stdout.trim().split('\n')).toEqual(['answered', 'answered', 'answered', 'refused 429 budget_exhausted', 'refused 429 budget_exhausted']);
    expect(code).toBe(3);
    expect((await them.stats()).requests.received).toBe(3);
    expect((await them.usage()).calls.total).toBe(3);
  });
});
