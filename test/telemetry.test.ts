import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { CallRecord } from '../src/core/index.ts';
import type { UsageView } from '../src/report/index.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../src/telemetry/testing/otlp-receiver.ts';
import type { ReceivedSpan } from '../src/telemetry/testing/otlp-messages.ts';
import { Folder, type RunDocument } from './support/folder.ts';
import { startSimulatorProcess, type SimulatorProcess } from './support/processes.ts';

const source = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** Nobody listens on the port that is reserved for nothing. */
const NOWHERE = 'http://127.0.0.1:9';

/** A turn by the target, a library's hidden calls in a role, then a fork. */
const GAME = `
import OpenAI from 'openai';
export default {
  run: async (ctx) => {
    const { baseURL, apiKey, model } = ctx.endpoint();
    const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
    const say = (content) => client.chat.completions.create({ model, messages: [{ role: 'user', content }] });
    await ctx.target().generate({ messages: [{ role: 'user', content: 'the unrepeatable prompt ' + ctx.random.integer(1000) }] });
    await ctx.role('memory', () => say('remember'));
    await Promise.all(['yes', 'no'].map((name) => ctx.branch(name, () => say(name))));
    return { score: 1 };
  },
};
`;

interface Rig extends AsyncDisposable {
  readonly receiver: OtlpReceiver;
  readonly folder: Folder;
  readonly simulator: SimulatorProcess;
}

async function openRig(env: (receiver: OtlpReceiver) => Readonly<Record<string, string>> = () => ({})): Promise<Rig> {
  const receiver = await startOtlpReceiver();
  const simulator = await startSimulatorProcess({ profiles: { echo: { behaviour: 'echo' } } });
  const folder = await Folder.make({ ASSAY_SIM_URL: simulator.url, ...env(receiver) });
  await symlink(source('node_modules'), folder.file('node_modules'));
  await folder.write('game.mjs', GAME);
  return {
    receiver,
    folder,
    simulator,
    [Symbol.asyncDispose]: async () => {
      await folder[Symbol.asyncDispose]();
      await simulator[Symbol.asyncDispose]();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

async function rowsOf(folder: Folder): Promise<CallRecord[]> {
  await using store = await folder.store();
  return await store.calls({});
}

const calls = ({ spans }: OtlpReceiver): readonly ReceivedSpan[] => spans.filter(({ kind }) => kind === 3);

/** Every row is one span, with its figures, and every span stands under one that was exported too. */
async function expectOneToOne({ receiver, folder }: Rig): Promise<readonly CallRecord[]> {
  const rows = await rowsOf(folder);
  const byCall = new Map(calls(receiver).map((span) => [span.attributes['assay.call.id'], span]));
  expect(calls(receiver)).toHaveLength(rows.length);
  for (const { intent, settlement } of rows) {
    const { usage, costUsd } = settlement!;
    const span = byCall.get(intent.id)!;
    expect(span.startMs).toBe(intent.sentAt);
    expect(span.endMs).toBe(intent.sentAt + settlement!.totalMs!);
    expect(span.attributes).toMatchObject({
      'assay.run.id': intent.scope.runId,
      'assay.call.status': settlement!.status,
      'gen_ai.usage.input_tokens': (usage.inputFresh ?? 0) + (usage.cacheRead ?? 0) + (usage.cacheWrite ?? 0),
      'gen_ai.usage.output_tokens': (usage.outputText ?? 0) + (usage.reasoning ?? 0),
      'assay.simulated': true,
    });
    expect(span.attributes['assay.cost.usd'] ?? null).toBe(costUsd);
    for (const [name, value] of [['assay.trial', intent.scope.trial], ['assay.branch', intent.scope.branch], ['assay.role', intent.scope.role], ['assay.goal.index', intent.scope.goalIndex]] as const) expect(span.attributes[name]).toBe(value);
  }
  const ids = new Set(receiver.spans.map(({ spanId }) => spanId));
  expect(receiver.spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId)).map(({ name }) => name)).toEqual([]);
  return rows;
}

describe('a run with --otlp', () => {
  it('is a trace whose calls are the ledger, and whose figures are those of its usage', async () => {
    await using rig = await openRig();
    const { receiver, folder } = rig;
    const done = await folder.json<RunDocument>(0, 'run', 'experiments:./game.mjs', '--trials', '3', '--target', 'sim:echo', '--otlp', receiver.url);
    expect(await expectOneToOne(rig)).toHaveLength(12);

    const counts = new Map<string, number>();
    for (const { name } of receiver.spans) counts.set(name.split(' ')[0]!, (counts.get(name.split(' ')[0]!) ?? 0) + 1);
    expect(Object.fromEntries(counts)).toEqual({ chat: 12, branch: 6, role: 3, attempt: 3, trial: 3, goal: 3, run: 1 });
    expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(receiver.spans.filter(({ parentSpanId }) => parentSpanId === undefined).map(({ attributes }) => [attributes['assay.run.id'], attributes['assay.run.status'], attributes['assay.simulated']])).toEqual([[done.run, 'completed', true]]);
    // The hidden calls stand under the trial that made them.
    const byId = new Map(receiver.spans.map((span) => [span.spanId, span]));
    const above = (span: ReceivedSpan): string[] => (span.parentSpanId === undefined ? [] : [byId.get(span.parentSpanId)!.name.split(' ')[0]!, ...above(byId.get(span.parentSpanId)!)]);
    expect(calls(receiver).map((span) => above(span).join('<')).toSorted()).toEqual([
      ...Array.from({ length: 3 }, () => 'attempt<trial<goal<run'),
      ...Array.from({ length: 6 }, () => 'branch<attempt<trial<goal<run'),
      ...Array.from({ length: 3 }, () => 'role<attempt<trial<goal<run'),
    ]);

    const usage = await folder.json<UsageView>(0, 'usage', done.run);
    const sum = (type: string): number => receiver.points.filter(({ metric, attributes }) => metric === 'gen_ai.client.token.usage' && attributes['gen_ai.token.type'] === type).reduce((total, point) => total + point.sum, 0);
    expect([sum('input'), sum('output')]).toEqual([usage.tokens.prompt_tokens, usage.tokens.completion_tokens]);
    expect(receiver.points.filter(({ metric }) => metric === 'gen_ai.client.operation.duration').reduce((total, point) => total + point.count, 0)).toBe(usage.calls.total);
    for (const { body } of receiver.requests) expect(body.includes('unrepeatable')).toBe(false);
  });

  it('goes on in the same trace when it is resumed, each call exported once', async () => {
    await using rig = await openRig();
    const { receiver, folder } = rig;
    const stopped = await folder.json<RunDocument>(3, 'run', 'experiments:./game.mjs', '--trials', '4', '--parallel', '1', '--max-calls', '6', '--target', 'sim:echo', '--otlp', receiver.url);
    expect(stopped.status).toBe('stopped');
    const before = calls(receiver).length;
    expect(before).toBe(6);
    // Where to export is the run's own; nobody has to say it again.
    const done = await folder.json<RunDocument>(0, 'resume', stopped.run, '--max-calls', '100');
    expect(done.status).toBe('completed');
    const rows = await expectOneToOne(rig);
    expect(rows.length).toBeGreaterThan(before);
    expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(1);
    const runs = receiver.spans.filter(({ name }) => name === 'run');
    expect(new Set(runs.map(({ spanId }) => spanId)).size).toBe(1);
    expect(runs.at(-1)?.attributes).toMatchObject({ 'assay.run.status': 'completed', 'assay.run.resumes': 1 });
  });

  it.each(['nowhere', 'broken', 'hanging'] as const)('ends in time with all its results where the collector is %s', async (how) => {
    await using rig = await openRig();
    const { receiver, folder } = rig;
    receiver.behaviour = how === 'hanging' ? 'hang' : { refuse: 500 };
    const url = how === 'nowhere' ? NOWHERE : receiver.url;
    const from = performance.now();
    const result = await folder.cli('run', 'experiments:./game.mjs', '--trials', '2', '--target', 'sim:echo', '--otlp', url, '--json');
    expect(performance.now() - from).toBeLessThan(20_000);
    expect(result.code, result.stderr).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({ status: 'completed', goals: { undetermined: 2, errors: 0 } });
    expect(result.stderr.match(/telemetry cannot be exported/g)).toHaveLength(1);
    expect(result.stderr).toMatch(/warning: \d+ of \d+ spans were not exported to http:/);
  });

  it('is refused before it begins where the address is none', async () => {
    await using folder = await Folder.make();
    const result = await folder.cli('run', 'probes.encoding.base64', '--target', 'sim:weak', '--otlp', 'collector:4318');
    expect(result.code).toBe(2);
    expect(result.stderr).toContain('--otlp: must be an http:// or https:// URL');
  });
});

it('keeps the credentials of the collector to itself', async () => {
  await using rig = await openRig(() => ({ OTLP_AUTHORIZATION: 'Bearer zq81-collector-secret' }));
  const { receiver, folder } = rig;
  await folder.write('assay.yaml', `telemetry:\n  otlp:\n    endpoint: ${receiver.url}\n    headers: { authorization: "\${OTLP_AUTHORIZATION}" }\n  content: true\n`);
  receiver.behaviour = { refuse: 401 };
  const result = await folder.cli('run', 'experiments:./game.mjs', '--trials', '1', '--target', 'sim:echo', '--verbose');
  expect(result.code, result.stderr).toBe(0);
  expect(result.stderr).toContain('(HTTP 401)');
  expect(receiver.requests[0]?.headers.authorization).toBe('Bearer zq81-collector-secret');
  expect(result.stdout + result.stderr).not.toContain('zq81-collector-secret');
  for (const { name, bytes } of await folder.allFiles()) expect(bytes.includes('zq81-collector-secret'), name).toBe(false);
});

/** Says on stderr what of OpenTelemetry's is loaded. */
const WATCH_LOADS = `data:text/javascript,${encodeURIComponent("import { registerHooks } from 'node:module'; registerHooks({ load: (url, context, next) => { if (url.includes('@opentelemetry')) process.stderr.write('LOADED ' + url + '\\n'); return next(url, context); } });")}`;

it('is off without being asked for, whatever the environment says, and loads nothing then', async () => {
  await using rig = await openRig((receiver) => ({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, NODE_OPTIONS: `--import=${WATCH_LOADS}` }));
  const { receiver, folder } = rig;
  const run = ['run', 'experiments:./game.mjs', '--trials', '1', '--target', 'sim:echo'];
  const off = await folder.cli(...run);
  expect(off.code, off.stderr).toBe(0);
  expect(off.stderr).not.toContain('LOADED');
  expect(receiver.requests).toEqual([]);
  await folder.write('assay.yaml', 'telemetry: { enabled: true }\n');
  const on = await folder.cli(...run);
  expect(on.code, on.stderr).toBe(0);
  expect(on.stderr).toContain('LOADED');
  expect(calls(receiver)).toHaveLength(4);
});

/** Two calls by plain fetch. */
const program = (url: string): string => `
  for (const name of ['a', 'b']) await (await fetch('${url}/v1/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'echo', messages: [{ role: 'user', content: name }] }) })).json();
`;

/** Runs app.mjs in a folder with the meter on; returns what it said on stderr. */
async function runMetered(folder: Folder): Promise<string> {
  const child = spawn(process.execPath, ['--import', source('src/register.ts'), 'app.mjs'], { cwd: folder.path, stdio: ['ignore', 'inherit', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`the program ended with ${code}: ${stderr}`);
  return stderr;
}

describe('a metered program', () => {
  it('has exported its calls by the time it has ended', async () => {
    await using rig = await openRig();
    const { receiver, folder, simulator } = rig;
    await folder.write('assay.yaml', `telemetry: { otlp: { endpoint: "${receiver.url}" } }\n`);
    await folder.write('app.mjs', program(simulator.url));
    expect(await runMetered(folder)).not.toContain('warning');
    expect(receiver.spans.map(({ name }) => name).toSorted()).toEqual(['chat echo', 'chat echo', 'run app.mjs']);
    const rows = await rowsOf(folder);
    expect(calls(receiver).map(({ attributes }) => attributes['assay.call.id'])).toEqual(rows.map(({ intent }) => intent.id));
  });

  it('has its calls counted where telemetry cannot be set up', async () => {
    await using rig = await openRig();
    const { folder, simulator } = rig;
    await folder.write('assay.yaml', `telemetry: { otlp: { endpoint: "${NOWHERE}", headers: { authorization: "\${NOT_SET_HERE}" } } }\n`);
    await folder.write('app.mjs', program(simulator.url));
    expect(await runMetered(folder)).toMatch(/warning: telemetry is not exported: environment variable NOT_SET_HERE is not set/);
    expect(await rowsOf(folder)).toHaveLength(2);
  });
});

it('exports the calls of a command under assay exec, and those that its own meter sees, in one trace', async () => {
  await using rig = await openRig();
  const { receiver, folder, simulator } = rig;
  await folder.write('app.mjs', `
    const ask = (base, content) => fetch(base + '/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'echo', messages: [{ role: 'user', content }] }) }).then((r) => r.json());
    await ask(process.env.OPENAI_BASE_URL, 'through the gateway');
    await ask('${simulator.url}/v1', 'past the gateway');
  `);
  const result = await folder.cli('exec', '--name', 'trial-7', '--upstream', `openai=${simulator.url}/v1`, '--otlp', receiver.url, '--', process.execPath, 'app.mjs');
  expect(result.code, result.stderr).toBe(0);
  const rows = await rowsOf(folder);
  expect(new Set(calls(receiver).map(({ attributes }) => attributes['assay.call.id']))).toEqual(new Set(rows.map(({ intent }) => intent.id)));
  expect(calls(receiver).map(({ attributes }) => String(attributes['assay.call.via'])).toSorted()).toEqual(['gateway', 'undici']);
  expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(1);
  const ids = new Map(receiver.spans.map((span) => [span.spanId, span.name]));
  for (const { parentSpanId } of calls(receiver)) expect(ids.get(parentSpanId!)).toMatch(/^attempt /);
  // Each of the spans above once, though two processes made calls inside.
  expect(receiver.spans.filter(({ kind }) => kind === 1).map(({ name }) => name.split(' ', 1).join('')).toSorted()).toEqual(['attempt', 'goal', 'run', 'trial']);
});
