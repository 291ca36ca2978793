import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig, type AssayConfigInput } from '../config/index.ts';
import { Budget } from '../limiter/index.ts';
import { withScope } from '../ledger/index.ts';
import { Assembly } from './assembly.ts';
import { createRun } from './run-handle.ts';
import { tapProcess, type ProcessTapOptions } from './taps.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'assay-taps-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

async function open(config: AssayConfigInput = {}): Promise<Assembly & AsyncDisposable> {
  const assembly = await Assembly.open({ config: parseConfig(config), location: 'sqlite::memory:', env: {}, cwd });
  return Object.assign(assembly, { [Symbol.asyncDispose]: () => assembly.close() });
}

/** A provider whose answers a test holds back. */
async function startProvider(answer: (response: ServerResponse) => void): Promise<AsyncDisposable & { readonly url: string; readonly requests: () => number }> {
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    request.resume();
    answer(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests: () => requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const whole = (response: ServerResponse): void => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ model: 'm', choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } }));
};

function ask(url: string, signal?: AbortSignal): Promise<Response> {
  return fetch(`${url}/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] }), ...(signal === undefined ? {} : { signal }) });
}

function options(change: Partial<ProcessTapOptions> = {}): ProcessTapOptions {
  return { targets: [], budget: new Budget({}), drain: new AbortController().signal, announce: () => {}, ...change };
}

describe('taps around a run', () => {
  it('enter the calls of this process while they are on, and no longer', async () => {
    await using provider = await startProvider(whole);
    await using assembly = await open();
    const taps = tapProcess(assembly, options());
    await withScope({ trial: 't' }, async () => (await ask(provider.url)).json());
    await taps.close();
    await (await ask(provider.url)).json();
    expect(provider.requests()).toBe(2);
    expect(Object.fromEntries([...(await assembly.store.sumCalls({}, 'trial'))].map(([name, { calls, total_tokens: tokens }]) => [name, [calls.total, tokens]]))).toEqual({ t: [1, 5] });
  });

  it('refuse a call that the budget cannot take before it leaves', async () => {
    await using provider = await startProvider(whole);
    await using assembly = await open();
    const taps = tapProcess(assembly, options({ budget: new Budget({ calls: 1 }) }));
    await (await ask(provider.url)).json();
    await expect(ask(provider.url)).rejects.toMatchObject({ cause: { code: 'budget_exhausted' } });
    await taps.close();
    expect(provider.requests()).toBe(1);
  });

  it('refuse a call whose price nobody knows under a budget of dollars', async () => {
    await using provider = await startProvider(whole);
    await using assembly = await open({ budgets: { usd: 1 }, prices: { known: { input: 1, output: 1 } } });
    const taps = tapProcess(assembly, options({ budget: new Budget({ usd: 1 }) }));
    await expect(ask(provider.url)).rejects.toMatchObject({ cause: { code: 'config', message: expect.stringContaining('no price is known for') as unknown } });
    await taps.close();
    expect(provider.requests()).toBe(0);
  });

  it("charge a target's own deployment when another client calls its address", async () => {
    await using provider = await startProvider(whole);
    await using assembly = await open();
    const target = (await assembly.openTargets([`compat:${provider.url}#m`])).get(`compat:${provider.url}#m`)!;
    const taps = tapProcess(assembly, options({ targets: [target] }));
    await (await ask(provider.url)).json();
    await target.generate({ messages: [{ role: 'user', content: 'hi' }] });
    await taps.close();
    const byDeployment = await assembly.store.sumCalls({}, 'deployment');
    expect([...byDeployment].map(([name, { calls }]) => [name, calls.total])).toEqual([[target.deployment, 2]]);
  });

  it('tell of promises that failed unheard instead of ending the process', async () => {
    await using assembly = await open();
    const said: string[] = [];
    const taps = tapProcess(assembly, options({ announce: (line) => said.push(line) }));
    // Vitest listens as well, and would fail this file.
    const others = process.listeners('unhandledRejection').filter((listener) => listener !== process.listeners('unhandledRejection').at(-1));
    for (const listener of others) process.off('unhandledRejection', listener);
    void Promise.reject(new Error('stray'));
    await new Promise((resolve) => setImmediate(resolve));
    for (const listener of others) process.on('unhandledRejection', listener);
    await taps.close();
    expect(said).toEqual(['warning: an experiment left a promise that failed without anyone to hear of it: stray']);
    expect(process.listeners('unhandledRejection')).toEqual(others);
  });

  it('are on for one run of a process at a time', async () => {
    await using assembly = await open({ suites: ['experiments:./one.mjs'], experiments: { trials: 1 } });
    await writeFile(join(cwd, 'one.mjs'), 'export default () => 1;\n');
    const taps = tapProcess(assembly, options());
    const handle = await createRun(assembly);
    await expect(handle.execute()).rejects.toThrow('another run of experiments is going on in this process');
    await taps.close();
    expect(await handle.execute()).toMatchObject({ status: 'completed' });
  });
});
