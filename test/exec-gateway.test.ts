import { once } from 'node:events';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExecRig, providerCount, tokensOf } from './support/exec-rig.ts';
import { eventually } from './support/folder.ts';
import type { RunningCli } from './support/processes.ts';

interface Greeting {
  readonly url: string;
  readonly run: string;
  readonly simulated: boolean;
  readonly base_urls: Readonly<Record<string, string>>;
}

let rig: ExecRig;
beforeEach(async () => void (rig = await ExecRig.open({ simulator: { profiles: { late: { behaviour: 'echo', latency: { minMs: 800, maxMs: 800 } } } }, env: { GATE_TOKEN: 'open-sesame-1234' } })));
afterEach(() => rig[Symbol.asyncDispose]());

async function start(...options: readonly string[]): Promise<{ readonly running: RunningCli; readonly greeting: Greeting }> {
  const running = rig.folder.start('gateway', '--listen', '127.0.0.1:0', '--upstream', `openai=${rig.provider.url}/v1`, '--json', ...options);
  let printed = '';
  const failed = once(running.child, 'exit').then(async () => Promise.reject(new Error((await running.result).stderr)));
  failed.catch(() => {});
  running.child.stdout!.on('data', (text: string) => (printed += text));
  await Promise.race([eventually(() => printed.endsWith('}\n')), failed]);
  return { running, greeting: JSON.parse(printed) as Greeting };
}

const client = (greeting: Greeting, headers: Record<string, string> = {}): OpenAI => new OpenAI({ baseURL: greeting.base_urls['openai']!, apiKey: 'k', maxRetries: 0, defaultHeaders: headers });
const ask = (openai: OpenAI, text: string, model = 'echo'): Promise<unknown> => openai.chat.completions.create({ model, messages: [{ role: 'user', content: text }] });

describe('assay gateway', () => {
  it('serves until it is told to end, with every call in the books of its run', async () => {
    const { running, greeting } = await start();
    await ask(client(greeting), 'plain');
    await ask(client(greeting, { 'x-assay-trial': 'a%20trial', 'x-assay-role': 'judge' }), 'charged');
    expect((await fetch(`${greeting.url}/health`)).status).toBe(200);
    expect(await (await fetch(`${greeting.url}/metrics`)).text()).toContain('assay_');
    running.child.kill('SIGTERM');
    const { code, stderr } = await running.result;
    expect(code, stderr).toBe(0);
    const { run, calls } = await rig.books();
    expect(run).toMatchObject({ id: greeting.run, status: 'completed', name: 'gateway', suites: ['experiments'], planned: 0 });
    expect(calls.map(({ intent: { scope, via } }) => [via, scope.trial, scope.role])).toEqual([
      ['gateway', undefined, undefined],
      ['gateway', 'a trial', 'judge'],
    ]);
    expect(tokensOf(calls)).toBe((await providerCount(rig.provider)).tokens.total_tokens);
    expect(stderr).toContain(`2 calls, ${tokensOf(calls)} tokens`);
    expect(JSON.parse((await rig.folder.cli('usage', 'last', '--json')).stdout)).toMatchObject({ run: greeting.run });
  });

  it('lets calls under way finish before it ends', async () => {
    const { running, greeting } = await start();
    const answer = ask(client(greeting), 'slow one', 'late');
    await eventually(async () => (await rig.books()).calls.length === 1);
    running.child.kill('SIGINT');
    expect(await answer).toMatchObject({ choices: [{ message: { content: 'slow one' } }] });
    expect((await running.result).code).toBe(0);
    expect((await rig.books()).calls.map(({ settlement }) => settlement?.status)).toEqual(['ok']);
  });

  it('killed outright leaves its run interrupted and its calls lost, for whoever looks next', async () => {
    const { running, greeting } = await start();
    const answer = ask(client(greeting), 'slow one', 'late').catch((error: unknown) => error);
    await eventually(async () => (await rig.books()).calls.length === 1);
    running.child.kill('SIGKILL');
    expect(await answer).toBeInstanceOf(OpenAI.APIConnectionError);
    await running.result;
    expect(JSON.parse((await rig.folder.cli('runs', '--json')).stdout)).toMatchObject([{ run: greeting.run, status: 'interrupted' }]);
    expect((await rig.books()).calls.map(({ settlement }) => settlement?.status)).toEqual(['lost']);
    const resumed = await rig.folder.cli('resume', 'last');
    expect(resumed.code).toBe(2);
    expect(resumed.stderr).toContain('start `assay gateway` again');
  });

  it('wants a token where one is set, and keeps it out of the store', async () => {
    const { running, greeting } = await start('--token-env', 'GATE_TOKEN');
    await expect(ask(client(greeting), 'without')).rejects.toMatchObject({ status: 401 });
    await ask(client(greeting, { 'x-assay-token': 'open-sesame-1234' }), 'with');
    running.child.kill('SIGTERM');
    await running.result;
    expect((await rig.books()).calls).toHaveLength(1);
    for (const { name, bytes } of await rig.folder.allFiles()) expect(bytes.includes('open-sesame-1234'), name).toBe(false);
  });

  it('holds the budget of its run, and goes on serving what needs none', async () => {
    const { running, greeting } = await start('--max-calls', '1');
    await ask(client(greeting), 'first');
    await expect(ask(client(greeting), 'second')).rejects.toMatchObject({ status: 429, code: 'budget_exhausted' });
    expect((await fetch(`${greeting.url}/health`)).status).toBe(200);
    running.child.kill('SIGTERM');
    expect((await running.result).code).toBe(0);
    expect((await providerCount(rig.provider)).requests.received).toBe(1);
  });

  it.each([
    [['--listen', '0.0.0.0:0'], 'token'],
    [['--listen', 'http://x'], '--listen: must be HOST:PORT'],
    [['--token-env', 'NOT_SET_ANYWHERE'], 'NOT_SET_ANYWHERE is not set'],
    [['--upstream', 'gemini=sim'], 'does not speak gemini'],
  ])('records nothing where it cannot start: %j', async (options, said) => {
    const { code, stderr } = await rig.folder.cli('gateway', '--listen', '127.0.0.1:0', ...options);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    await using store = await rig.folder.store();
    expect(await store.listRuns()).toEqual([]);
  });
});
