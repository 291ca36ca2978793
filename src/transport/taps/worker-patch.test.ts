import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import workerThreads, { SHARE_ENV, Worker, type WorkerOptions } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallIntent, CallRecord, CallSettlement } from '../../core/index.ts';
import { exportScope, UsageTally, withScope } from '../../ledger/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { answer, completion, serve, USAGE, type Server } from '../testing/server.ts';
import type { Given } from '../testing/worker-register.ts';
import { installWorkerPatch } from './worker-patch.ts';

const REGISTER = new URL('../testing/worker-register.ts', import.meta.url).href;
const Original = Worker;

/** Calls a model over node:http, and says what it sees of its own thread. */
const CODE = `
  const { workerData, parentPort, threadId } = require('node:worker_threads');
  const http = require('node:http');
  const call = http.request(workerData.url + '/v1/chat/completions', { method: 'POST' }, (response) => {
    response.resume().on('end', () => parentPort.postMessage({ flags: process.execArgv, env: Object.keys(process.env), data: workerData, argv: process.argv.slice(2) }));
  });
  call.on('error', () => undefined);
  call.end(JSON.stringify({ model: workerData.model, messages: [] }));
`;

interface Seen {
  readonly flags: readonly string[];
  readonly env: readonly string[];
  readonly data: unknown;
  readonly argv: readonly string[];
}

let folder: string;
let store: Store;
let location: string;
let told: [CallIntent, CallSettlement][];
let patch: { remove(): void };
let unmetered: (string | null)[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-worker-'));
  location = `sqlite:${join(folder, 'assay.db')}`;
  store = await openStore(location);
  told = [];
  unmetered = [];
  patch = installWorkerPatch({
    registerUrl: REGISTER,
    exportScope: () => ({ location, scope: exportScope() }) satisfies Given,
    onWorkerCall: (intent, settlement) => told.push([intent, settlement]),
    onUnsettled: (settlements) => void store.write(...settlements.map((settlement) => ({ op: 'call.settle', settlement }) as const)),
    onUnmetered: (module) => unmetered.push(module),
  });
});
afterEach(async () => {
  patch.remove();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a thread to its end. */
async function run(server: Server, options: WorkerOptions & { readonly model?: string; readonly file?: string | URL } = {}): Promise<Seen> {
  const { model = 'any-model', file, ...given } = options;
  const worker = new Worker(file ?? CODE, { eval: file === undefined, workerData: { url: server.url, model }, ...given });
  const [[seen]] = (await Promise.all([once(worker, 'message'), once(worker, 'exit')])) as [[Seen], unknown];
  return seen;
}

/** The rows, once all are settled. */
async function rows(count: number): Promise<CallRecord[]> {
  return vi.waitFor(
    async () => {
      const found = await store.calls({});
      expect(found).toHaveLength(count);
      expect(found.every(({ settlement }) => settlement !== null)).toBe(true);
      return found;
    },
    { timeout: 10_000 },
  );
}

describe('a worker thread', () => {
  it.each<[string, WorkerOptions]>([
    ['with nothing said', {}],
    ['with flags of its own', { execArgv: ['--no-warnings'] }],
    ['with no flags at all', { execArgv: [] }],
    ['with an environment of its own', { env: { ONE: '1' } }],
    ['with an environment that has flags', { env: { NODE_OPTIONS: '--no-warnings' } }],
    ['with the environment shared', { env: SHARE_ENV }],
    ['with flags, environment, name, arguments and limits', { execArgv: ['--no-warnings'], env: {}, name: 'mine', argv: ['a'], resourceLimits: { maxOldGenerationSizeMb: 200 } }],
  ])('%s is metered, charged to the scope it is made in, and sees what it would have seen', async (_name, options) => {
    await using server = await serve(answer(200, completion('hello')));
    const tally = new UsageTally();
    const seen = await withScope({ trial: 'ours' }, () => withScope({ branch: 'a' }, () => run(server, options)), tally);
    patch.remove();
    expect(seen).toEqual(await run(server, options));
    const [{ intent, settlement }] = (await rows(1)) as [CallRecord];
    expect(intent).toMatchObject({ via: 'node-http', scope: { trial: 'ours', branch: 'a' }, modelAsked: 'any-model' });
    expect(settlement).toMatchObject({ status: 'ok', usage: { inputFresh: USAGE.prompt_tokens } });
    expect(server.received).toHaveLength(2);
    expect(tally.toDict()).toMatchObject({ total_calls: 1, prompt_tokens: USAGE.prompt_tokens, completion_tokens: USAGE.completion_tokens, by_branch: { a: { own: { calls: 1 } } } });
    expect(tally.inFlight).toBe(0);
    expect(told.map(([call, end]) => [call.id, end.status])).toEqual([[intent.id, 'ok']]);
    expect(unmetered).toEqual([]);
  });

  it.each(['worker.cjs', 'worker.mjs', 'worker.ts'])('of a file %s is metered', async (name) => {
    await using server = await serve(answer(200, completion('hello')));
    const file = join(folder, name);
    await writeFile(file, name.endsWith('cjs') ? CODE : CODE.replace(/const (\{.*?\}|http) = require\((.*?)\);/g, (_all, names: string, from: string) => `import ${names} from ${from};`).replace('import http', 'import * as http'));
    await run(server, { file });
    await run(server, { file: pathToFileURL(file), execArgv: [] });
    expect((await rows(2)).map(({ intent }) => intent.via)).toEqual(['node-http', 'node-http']);
  });

  it('of a class of the program’s own is metered, and stays of that class', async () => {
    await using server = await serve(answer(200, completion('hello')));
    class Mine extends workerThreads.Worker {
      readonly mine = true;
    }
    const worker = new Mine(CODE, { eval: true, workerData: { url: server.url, model: 'm' } });
    await once(worker, 'exit');
    expect([worker.mine, worker instanceof Mine, worker instanceof Worker, worker instanceof Original, Worker.name]).toEqual([true, true, true, true, 'Worker']);
    expect(await rows(1)).toHaveLength(1);
  });

  it('made by a thread is metered too, and counted in every scope outside', async () => {
    await using server = await serve(answer(200, completion('hello')));
    const tally = new UsageTally();
    const nested = `
      const { Worker, workerData, parentPort } = require('node:worker_threads');
      const inner = new Worker(workerData.code, { eval: true, env: {}, execArgv: [], workerData });
      inner.on('message', (seen) => parentPort.postMessage(seen));
    `;
    const worker = withScope({ trial: 'outer' }, () => new Worker(nested, { eval: true, workerData: { url: server.url, model: 'm', code: CODE } }), tally);
    await once(worker, 'exit');
    expect((await rows(1))[0]!.intent.scope).toEqual({ trial: 'outer' });
    expect(tally.toDict()).toMatchObject({ total_calls: 1, prompt_tokens: USAGE.prompt_tokens });
    expect(told).toHaveLength(1);
  });

  it('that is terminated has its calls in flight settled as lost, at once', async () => {
    const arrived = Promise.withResolvers<void>();
    await using server = await serve(() => arrived.resolve());
    const tally = new UsageTally();
    const worker = withScope({ trial: 'ours' }, () => new Worker(CODE, { eval: true, workerData: { url: server.url, model: 'm' } }), tally);
    await arrived.promise;
    await vi.waitFor(async () => expect(await store.calls({})).toHaveLength(1));
    await worker.terminate();
    const [{ settlement }] = (await rows(1)) as [CallRecord];
    expect(settlement).toMatchObject({ status: 'lost', usage: { source: 'unknown' }, costUsd: null, error: expect.stringMatching(/thread ended/) });
    expect(tally.toDict()).toMatchObject({ total_calls: 1, failed_calls: 1, unknown_calls: 1 });
    expect(tally.inFlight).toBe(0);
    expect(told.map(([, end]) => end.status)).toEqual(['lost']);
  });

  it.each([
    ['exits by itself', 'process.exit(3)', [3]],
    ['fails', "throw new Error('oops')", ['oops', 1]],
  ])('that %s in the middle of a call leaves none open', async (_name, end, ends) => {
    const arrived = Promise.withResolvers<void>();
    await using server = await serve(() => arrived.resolve());
    const worker = new Worker(`${CODE}\nparentPort.on('message', () => { ${end} });`, { eval: true, workerData: { url: server.url, model: 'm' } });
    const seen: unknown[] = [];
    worker.on('error', (error) => seen.push((error as Error).message));
    const exited = new Promise<void>((resolve) => void worker.once('exit', (code) => resolve(void seen.push(code))));
    await arrived.promise;
    await vi.waitFor(async () => expect(await store.calls({})).toHaveLength(1));
    worker.postMessage('now', []);
    await exited;
    expect(seen).toEqual(ends);
    expect((await rows(1)).map(({ settlement }) => settlement?.status)).toEqual(['lost']);
  });

  it('fails as before where it cannot be made', () => {
    const failures = [
      () => new Worker('relative.js'),
      () => new Worker(7 as never),
      () => new Worker('', { eval: true, execArgv: ['--no-such-flag', '--title'] }),
      () => new Worker('', { eval: true, execArgv: 'no list' as never }),
      () => new Worker('', { eval: true, env: { NODE_OPTIONS: '--title=x' } }),
      () => new Worker('', { eval: true, env: 'none' as never }),
      () => new Worker('', null as never),
      () => new Worker('', { eval: true, workerData: () => undefined }),
    ];
    const messageOf = (make: () => Worker): unknown => {
      try {
        void make().terminate();
        return undefined;
      } catch (error) {
        return [(error as Error).name, (error as { readonly code?: string }).code, (error as Error).message];
      }
    };
    const patched = failures.map(messageOf);
    patch.remove();
    expect(patched).toEqual(failures.map(messageOf));
    expect(patched.every((message) => message !== undefined)).toBe(true);
  });

  it('inherits what it may of a process’s flags, and none that concern the process alone', async () => {
    await using server = await serve(answer(200, completion('hello')));
    const before = [...process.execArgv];
    try {
      process.execArgv.splice(0, Infinity, '--max-old-space-size=400', '--title', 'x', '--conditions', 'mine', '--no-warnings');
      const seen = await run(server);
      expect(seen.flags).toEqual(process.execArgv);
    } finally {
      process.execArgv.splice(0, Infinity, ...before);
    }
    expect(await rows(1)).toHaveLength(1);
  });

  it('made past the patch is told of', async () => {
    const worker = new Original('', { eval: true });
    await once(worker, 'exit');
    expect(unmetered).toHaveLength(1);
  });
});

describe('the patch on worker threads', () => {
  it('is seen by whoever imports or requires the module, and goes when it is removed', () => {
    const required = createRequire(import.meta.url)('node:worker_threads') as typeof workerThreads;
    expect([required.Worker === workerThreads.Worker, required.Worker === Original]).toEqual([true, false]);
    patch.remove();
    expect(required.Worker).toBe(Original);
  });

  it('leaves nothing that keeps the process alive, or listens on after a thread has ended', async () => {
    await using server = await serve(answer(200, completion('hello')));
    const before = process.getActiveResourcesInfo().filter((kind) => kind.includes('Message')).length;
    await run(server);
    await rows(1);
    expect(process.getActiveResourcesInfo().filter((kind) => kind.includes('Message'))).toHaveLength(before);
  });
});
