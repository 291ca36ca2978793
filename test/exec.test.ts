import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExecRig, providerCount, tokensOf } from './support/exec-rig.ts';
import { eventually } from './support/folder.ts';

interface Log {
  readonly run: string;
  readonly trial: string;
  readonly command: readonly string[];
  readonly exit_code: number;
  readonly scores: readonly { readonly name: string; readonly value: number }[];
  readonly llm_usage: { readonly total_calls: number; readonly failed_calls: number; readonly total_tokens: number };
}

/** A Node that is older than what Assay needs, where the machine has one. */
const OLD_NODE = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
  const { status, stdout } = spawnSync(path, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8', env: {} });
  return status === 0 && Number(stdout) >= 18 && Number(stdout) < 24;
});

let rig: ExecRig;
beforeEach(async () => void (rig = await ExecRig.open()));
afterEach(() => rig[Symbol.asyncDispose]());

const log = async (name = 'out.json'): Promise<Log> => JSON.parse(await readFile(rig.folder.file(name), 'utf8')) as Log;

describe('assay exec', () => {
  it.each(['app.mjs', 'app.cjs'])('counts what a program (%s) asks, streamed or not, as the provider does', async (name) => {
    const command = await rig.program(name, `console.log(await ask('one'), await askStreamed('two'), process.env.ASSAY_TRIAL, process.env.ASSAY_RUN.length > 0);`);
    const { code, stdout, stderr } = await rig.exec(['--name', 'trial-7', '--log', 'out.json'], command);
    expect(stdout).toBe('one two trial-7 true\n');
    expect(code).toBe(0);
    const served = await providerCount(rig.provider);
    const { run, calls } = await rig.books();
    expect(calls.map(({ intent, settlement }) => [intent.via, intent.scope.trial, intent.stream, settlement?.status])).toEqual([
      ['gateway', 'trial-7', false, 'ok'],
      ['gateway', 'trial-7', true, 'ok'],
    ]);
    expect(served.requests.ok).toBe(2);
    expect(tokensOf(calls)).toBe(served.tokens.total_tokens);
    expect(run).toMatchObject({ status: 'completed', name: 'trial-7', suites: ['experiments.command'], planned: 1 });
    expect(await log()).toMatchObject({ run: run.id, trial: 'trial-7', command, exit_code: 0, llm_usage: { total_calls: 2, failed_calls: 0, total_tokens: served.tokens.total_tokens } });
    expect(stderr).toBe(`assay: 2 calls, ${served.tokens.total_tokens} tokens, cost unknown, run ${run.id}\n`.replace('cost unknown', /cost unknown(?:, waited \d+ ms)?/.exec(stderr)?.[0] ?? 'cost unknown'));
  });

  it('counts what a shell script asks by curl, of two providers, with the key that it brings', async () => {
    const script = await rig.folder.write(
      'ask.sh',
      `curl -s "$OPENAI_BASE_URL/chat/completions" -H "authorization: Bearer $OPENAI_API_KEY" -H 'content-type: application/json' -d '{"model":"echo","messages":[{"role":"user","content":"by curl"}]}' | grep -o 'by curl'
curl -s "$ANTHROPIC_BASE_URL/v1/messages" -H "x-api-key: $ANTHROPIC_API_KEY" -H 'anthropic-version: 2023-06-01' -H 'content-type: application/json' -d '{"model":"echo","max_tokens":50,"messages":[{"role":"user","content":"and again"}]}' | grep -o 'and again'
`,
    );
    const { code, stdout } = await rig.exec([], ['sh', script]);
    expect(stdout).toBe('by curl\nand again\n');
    expect(code).toBe(0);
    const { calls } = await rig.books();
    expect(calls.map(({ intent }) => intent.protocol)).toEqual(['openai-chat', 'anthropic-messages']);
    expect(tokensOf(calls)).toBe((await providerCount(rig.provider)).tokens.total_tokens);
  });

  it('leaves stdin, stdout and stderr to the command, byte by byte, and says little itself', async () => {
    const running = rig.start(['--quiet'], [process.execPath, '-e', "process.stdout.write(Buffer.from([0, 255, 10, 13, 128])); process.stderr.write('oops')"]);
    const chunks: Buffer[] = [];
    running.child.stdout!.setEncoding('latin1').on('data', (text: string) => chunks.push(Buffer.from(text, 'latin1')));
    const { code, stderr } = await running.result;
    expect(Buffer.concat(chunks)).toEqual(Buffer.from([0, 255, 10, 13, 128]));
    expect(stderr).toBe('oops');
    expect(code).toBe(0);
  });

  it('keeps the exit code of a command that fails, and records it as an error of the target', async () => {
    const command = await rig.program('fail.mjs', `await ask('before the end'); process.exit(5);`);
    const { code, stderr } = await rig.exec(['--name', 'f', '--log', 'out.json'], command);
    expect(code).toBe(5);
    expect(stderr).toMatch(/^assay: 1 call, \d+ tokens/);
    await using store = await rig.folder.store();
    const run = await store.findRun('last');
    expect((await store.goal(run.id, 0))?.outcome).toMatchObject({ kind: 'error', source: 'target', code: 'exit_5' });
    expect(run.status).toBe('failed');
    expect(await log()).toMatchObject({ exit_code: 5, llm_usage: { total_calls: 1 } });
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('passes %s on to the command, whose end is its own: 128 and the number of the signal', async (signal, expected) => {
    const running = rig.start([], ['sh', '-c', 'echo ready; exec sleep 60']);
    await once(running.child.stdout!, 'data');
    running.child.kill(signal);
    const { code, stderr } = await running.result;
    expect(code).toBe(expected);
    expect(stderr).toContain('cancelled');
    await using store = await rig.folder.store();
    expect((await store.goal((await store.findRun('last')).id, 0))?.outcome?.kind).toBe('cancelled');
  });

  it('lets a command that answers a signal by itself end as it likes', async () => {
    const running = rig.start([], ['sh', '-c', "trap 'echo tidied; exit 0' TERM; echo ready; while :; do sleep 0.05; done"]);
    await once(running.child.stdout!, 'data');
    running.child.kill('SIGTERM');
    const { code, stdout } = await running.result;
    expect(stdout).toBe('ready\ntidied\n');
    expect(code).toBe(0);
    expect((await rig.books()).run.status).toBe('completed');
  });

  it.each([
    [['no-such-command-here'], 'there is no command no-such-command-here'],
    [['./missing.sh'], 'there is no ./missing.sh'],
    [['/etc/passwd'], 'may not be executed'],
    [['/etc'], 'is a folder'],
    [[], 'no command was given'],
    [['echo a | wc -l'], "assay exec -- sh -c '…'"],
    [['SEED=1'], 'assay exec -- env SEED=1 COMMAND'],
    [['cd'], "cd is a word of the shell's own"],
  ])('records nothing for what cannot be started: %j', async (command, said) => {
    const { code, stderr } = await rig.exec([], command);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    await using store = await rig.folder.store();
    expect(await store.listRuns()).toEqual([]);
  });

  it.each([
    [['--log', '.'], '--log: . is a folder'],
    [['--parallel', '2'], '--parallel goes with --each'],
    [['--threshold', '5'], 'It must be a number from 0 to 1'],
  ])('refuses %j before anything runs', async (options, said) => {
    const { code, stdout, stderr } = await rig.exec(options, ['echo', 'ran']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(said);
  });

  it('tells of an upstream that no variable leads to: it may be a slip', async () => {
    const { code, stderr } = await rig.exec(['--upstream', `opnai=${rig.provider.url}/v1`], ['true']);
    expect(code).toBe(0);
    expect(stderr).toContain('no variable leads programs to the upstream opnai, they must ask at $ASSAY_SCOPE_URL/u/opnai; did you mean openai?');
  });

  it('says a log that could not be written, whatever is quiet, and does not end as if it had been', async () => {
    const { code, stderr } = await rig.exec(['--quiet', '--log', 'logs/out.json'], ['sh', '-c', 'touch logs']);
    expect(code).toBe(3);
    expect(stderr).toContain('cannot write the log');
  });

  it('names the proxy of the environment that cannot be used', async () => {
    await using other = await ExecRig.open({ env: { HTTPS_PROXY: '::bad', https_proxy: '' } });
    const { code, stderr } = await other.exec([], ['true']);
    expect(code).toBe(2);
    expect(stderr).toContain('HTTPS_PROXY names no proxy');
  });

  it('goes to the providers through the proxy of the environment, ALL_PROXY included', async () => {
    const asked: (string | undefined)[] = [];
    const proxy = createHttpServer((request, response) => {
      asked.push(request.url);
      response.writeHead(502).end();
    }).on('connect', (request, socket) => {
      asked.push(request.url);
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    await using other = await ExecRig.open({ env: { ALL_PROXY: `127.0.0.1:${(proxy.address() as AddressInfo).port}`, HTTPS_PROXY: '', https_proxy: '', HTTP_PROXY: '', http_proxy: '', all_proxy: '' } });
    try {
      await other.exec(['--upstream', 'openai=https://models.example/v1'], ['sh', '-c', 'curl -s "$OPENAI_BASE_URL/models"']);
      expect(asked).toEqual(['models.example:443']);
    } finally {
      proxy.close();
    }
  });

  it('does not need a folder for temporary files', async () => {
    await using other = await ExecRig.open({ env: { TMPDIR: '/none/such' } });
    expect(await other.exec([], ['echo', 'ran'])).toMatchObject({ code: 0, stdout: 'ran\n' });
  });

  it('wants the command behind dashes, and stdout for the command alone', async () => {
    expect((await rig.folder.cli('exec', 'echo', 'x')).stderr).toContain('assay exec [options] -- echo x');
    const refused = await rig.folder.cli('exec', '--json', '--', 'true');
    expect(refused.code).toBe(2);
    expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: 'usage' } });
  });

  it("takes options behind the dashes for the command's", async () => {
    expect((await rig.exec([], ['echo', '--json', '--name', 'x', '-probes', '--', '--quiet'])).stdout).toBe('--json --name x -probes -- --quiet\n');
  });

  it('tells the verdict from a score that the command reports', async () => {
    const report = (body: string): string[] => ['sh', '-c', `curl -sf -X POST "$ASSAY_SCOPE_URL/score" -H 'content-type: application/json' -d '${body}' >/dev/null`];
    const outcomes: unknown[] = [];
    for (const [body, options] of [
      ['{"value":0.8,"threshold":0.5}', []],
      ['{"value":0.2,"threshold":0.5,"reason":"too slow"}', []],
      ['{"value":0.2}', []],
      ['{"value":0.2}', ['--threshold', '0.1']],
    ] as const) {
      expect((await rig.exec([...options, '--log', 'out.json'], report(body))).code).toBe(0);
      await using store = await rig.folder.store();
      const run = await store.findRun('last');
      outcomes.push((await store.goal(run.id, 0))?.outcome?.kind);
      expect((await store.scores(run.id, 0)).map(({ value }) => value)).toEqual((await log()).scores.map(({ value }) => value));
    }
    expect(outcomes).toEqual(['passed', 'failed', 'undetermined', 'passed']);
  });

  it('lets the command open branches and roles, and ask what it used', async () => {
    const command = await rig.program(
      'scopes.mjs',
      `const post = async (path, body) => (await fetch(process.env.ASSAY_SCOPE_URL + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).json();
await ask('trunk');
const { openai_base_url } = await post('/scopes', { branch: 'fork-a', role: 'judge' });
const inner = new (OpenAI.default ?? OpenAI)({ baseURL: openai_base_url });
await inner.chat.completions.create({ model: 'echo', messages: [{ role: 'user', content: 'inside' }] });
const usage = await (await fetch(process.env.ASSAY_SCOPE_URL + '/usage')).json();
console.log(usage.total_calls ?? usage.calls ?? JSON.stringify(usage));`,
    );
    const { code, stdout } = await rig.exec(['--name', 't'], command);
    expect(code).toBe(0);
    expect(stdout).toContain('2');
    const { calls } = await rig.books();
    expect(calls.map(({ intent: { scope } }) => [scope.trial, scope.branch, scope.role])).toEqual([
      ['t', undefined, 'target'],
      ['t', 'fork-a', 'judge'],
    ]);
  });

  it('leads both kinds of Anthropic clients to the gateway, whose base URLs differ by the version', async () => {
    const resolve = (name: string): string => JSON.stringify(pathToFileURL(createRequire(import.meta.url).resolve(name)).href);
    const command = await rig.program(
      'claude.mjs',
      `const { default: Anthropic } = await import(${resolve('@anthropic-ai/sdk')});
const { anthropic } = await import(${resolve('@ai-sdk/anthropic')});
const { generateText } = await import(${resolve('ai')});
const message = await new Anthropic().messages.create({ model: 'echo', max_tokens: 50, messages: [{ role: 'user', content: 'by its own SDK' }] });
console.log(message.content[0].text);
console.log((await generateText({ model: anthropic('echo'), prompt: 'by the AI SDK', maxRetries: 0 })).text);`,
    );
    const { stdout, stderr } = await rig.exec([], command);
    expect(stdout, stderr).toBe('by its own SDK\nby the AI SDK\n');
    expect((await rig.books()).calls.map(({ intent }) => intent.protocol)).toEqual(['anthropic-messages', 'anthropic-messages']);
  });

  it('makes a base URL that was set before the upstream', async () => {
    await using own = await ExecRig.open({ env: { OPENAI_BASE_URL: `${rig.provider.url}/v1` } });
    const command = await own.program('app.mjs', `console.log(await ask('by the environment'), process.env.OPENAI_BASE_URL.includes('/s/'));`);
    const { stdout, stderr } = await own.folder.cli('exec', '--', ...command);
    expect(stdout, stderr).toBe('by the environment true\n');
    expect((await providerCount(rig.provider)).requests.ok).toBe(1);
  });

  it('tries a program out on the simulated provider, whatever model it asks for, and says that it did', async () => {
    await using own = await ExecRig.open({ env: { OPENAI_API_KEY: '' } });
    const command = await own.program('app.mjs', `console.log((await ask('hello', 'gpt-4o-mini')).length > 0);`);
    const { code, stdout, stderr } = await own.folder.cli('exec', '--upstream', 'openai=sim', '--', ...command);
    expect(stdout, stderr).toBe('true\n');
    expect(code).toBe(0);
    expect(stderr).toContain('(simulated)');
    expect((await own.books()).run.simulated).toBe(true);
  });

  it('counts calls of a Node program that goes past the gateway, charged to the trial', async () => {
    const command = await rig.program(
      'past.mjs',
      `const past = new (OpenAI.default ?? OpenAI)({ baseURL: ${JSON.stringify(`${rig.provider.url}/v1`)} });
await past.chat.completions.create({ model: 'echo', messages: [{ role: 'user', content: 'past' }] });
await ask('through');`,
    );
    expect((await rig.exec(['--name', 't'], command)).code).toBe(0);
    const { calls } = await rig.books();
    expect(calls.map(({ intent }) => [intent.via, intent.scope.trial, intent.scope.goalIndex])).toEqual([
      ['undici', 't', 0],
      ['gateway', 't', 0],
    ]);
    expect(tokensOf(calls)).toBe((await providerCount(rig.provider)).tokens.total_tokens);
  });

  it('leaves options that Node was given before in force, with spaces in their paths', async () => {
    await mkdir(rig.folder.file('with space'));
    const preload = await rig.folder.write('with space/pre.cjs', 'globalThis.preloaded = true;');
    await using own = await ExecRig.open({ env: { NODE_OPTIONS: `--require "${preload}" --no-deprecation` } });
    const { stdout } = await own.folder.cli('exec', '--', process.execPath, '-e', 'console.log(globalThis.preloaded, process.noDeprecation)');
    expect(stdout).toBe('true true\n');
  });

  it('holds calls back to the limits that were set, whatever deployment they go to', async () => {
    await using strict = await ExecRig.open({ simulator: { limits: { kind: 'token-bucket', concurrency: 2 }, profiles: { late: { behaviour: 'echo', latency: { minMs: 30, maxMs: 60 } } } } });
    const command = await strict.program('many.mjs', `console.log((await Promise.all(Array.from({ length: 12 }, (_, i) => ask('question ' + i, 'late')))).length);`);
    const { code, stderr } = await strict.exec(['--concurrency', '2'], command);
    expect(code, stderr).toBe(0);
    expect((await providerCount(strict.provider)).requests).toMatchObject({ received: 12, ok: 12 });
    expect(stderr).toMatch(/12 calls, \d+ tokens, cost unknown, waited /);
  });

  it.skipIf(OLD_NODE === undefined)('lets an older Node run, says once that it counts less there, and counts what goes to the gateway', async () => {
    const script = await rig.folder.write(
      'old.cjs',
      `fetch(process.env.OPENAI_BASE_URL + '/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'echo', messages: [{ role: 'user', content: process.version }] }) })
  .then((answer) => answer.json())
  .then((answer) => console.log(answer.choices[0].message.content));`,
    );
    const { code, stdout, stderr } = await rig.exec([], ['sh', '-c', '"$0" "$1" && "$0" "$1"', OLD_NODE!, script]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^(v\d+\.\d+\.\d+\n)\1$/);
    expect(stderr.match(/counting calls that go past the gateway needs 24/g)).toHaveLength(1);
    expect((await rig.books()).calls).toHaveLength(2);
  });

  it('warns of a model host that a program reaches past the gateway, and lets it through', async () => {
    // A program that knows its host and honours the proxy, as most but Node do. The far end is a port that nobody serves TLS on: what matters is who was asked for.
    const far = createServer((socket) => socket.end());
    far.listen(0, '127.0.0.1');
    await once(far, 'listening');
    try {
      const script = `curl -s -o /dev/null https://api.openai.com:1/v1/models --connect-timeout 2; curl -s -o /dev/null --noproxy '' -x "$HTTPS_PROXY" https://localhost:${(far.address() as { readonly port: number }).port}/; exit 0`;
      const { stderr } = await rig.exec([], ['sh', '-c', script]);
      expect(stderr.match(/api\.openai\.com was reached past the gateway/g)).toHaveLength(1);
      expect(stderr).not.toContain('localhost was reached');
      expect(stderr).toContain('assay: 1 connection to api.openai.com went past the gateway');
    } finally {
      far.close();
    }
  });

  it('waits for calls that the command left running, and records them', async () => {
    await using slow = await ExecRig.open({ simulator: { profiles: { late: { behaviour: 'echo', latency: { minMs: 700, maxMs: 700 } } } } });
    const script = await slow.folder.write(
      'leave.sh',
      `curl -s "$OPENAI_BASE_URL/chat/completions" -H 'content-type: application/json' -d '{"model":"late","messages":[{"role":"user","content":"still here"}]}' >/dev/null 2>&1 &
sleep 0.3`,
    );
    const { code, stderr } = await slow.exec(['--name', 'daemon'], ['sh', script]);
    expect(code).toBe(0);
    expect(stderr).toContain('daemon has ended, and 1 call of what it started is under way');
    expect((await slow.books()).calls.map(({ settlement }) => settlement?.status)).toEqual(['ok']);
  });

  it('waits for such calls no longer when a signal comes, and keeps what the command itself came to', async () => {
    await using slow = await ExecRig.open({ simulator: { profiles: { late: { behaviour: 'echo', latency: { minMs: 60_000, maxMs: 60_000 } } } } });
    const script = await slow.folder.write(
      'leave.sh',
      `curl -s "$OPENAI_BASE_URL/chat/completions" -H 'content-type: application/json' -d '{"model":"late","messages":[{"role":"user","content":"still here"}]}' >/dev/null 2>&1 &
sleep 0.3`,
    );
    const running = slow.start(['--name', 'daemon'], ['sh', script]);
    let said = '';
    running.child.stderr!.on('data', (text: string) => (said += text));
    await eventually(() => said.includes('is under way: waiting'));
    const at = performance.now();
    running.child.kill('SIGTERM');
    const { code } = await running.result;
    expect(performance.now() - at).toBeLessThan(5_000);
    expect(code).toBe(0);
    const { run, calls } = await slow.books();
    expect(run.status).toBe('completed');
    expect(calls.map(({ settlement }) => settlement?.status)).toEqual(['aborted']);
  });

  it('keeps secrets out of the store that stand among the arguments', async () => {
    const secret = 'sk-proj-abcdefghijklmnopqrstuvwxyz0123456789';
    expect((await rig.exec(['--log', 'out.json'], ['echo', '--api-key', secret])).stdout).toContain(secret);
    for (const { name, bytes } of await rig.folder.allFiles()) expect(bytes.includes(secret), name).toBe(false);
    const resumed = await rig.resume();
    expect(resumed.stderr).toContain('nothing is left to do');
  });

  it('can be looked at while it goes on', async () => {
    const running = rig.start([], ['sh', '-c', 'echo ready; exec sleep 60']);
    try {
      await once(running.child.stdout!, 'data');
      await eventually(async () => (await rig.books()).run.status === 'running');
    } finally {
      running.child.kill('SIGTERM');
      await running.result;
    }
    expect((await rig.books()).run.status).toBe('cancelled');
  });
});
