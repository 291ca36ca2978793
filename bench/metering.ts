/**
 * What the meter costs a program: a raw undici client against a mock in a process of its own, with and without the meter by turns, in one run.
 *
 *   node bench/metering.ts [rounds] [loads]      loads by their numbers, e.g. 1,3; all by default
 *
 * Per load and round, the same calls are made without and with the meter, one right after the other. Shown are, of the rounds' medians, the median
 * without, and the median of the differences with the smallest and the largest; CPU is that of the client's process with all its threads, until
 * what the meter has yet to write is written; throughput is calls by wall time. Redo log, store and limiter are on, in a fresh store each round;
 * the first two rounds warm up. The load averages of the machine are shown as well: above about 1.5 on two cores the figures are the neighbours'.
 */
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { installMeter } from '../src/assembly/index.ts';
import { seededRandom } from '../src/core/index.ts';

const EVENTS = 50;
/** Answers take this long on average, each its own time: were all the same, they would come and go in step. */
const REALISTIC_MS = 20;

const answer = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'gpt-bench',
  choices: [{ index: 0, message: { role: 'assistant', content: 'A thousand bytes of answer. '.repeat(28) }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 120, completion_tokens: 180, total_tokens: 300, completion_tokens_details: { reasoning_tokens: 20 } },
});

const events = Array.from({ length: EVENTS }, (_, i) => {
  const last = i === EVENTS - 1;
  const choices = last ? [] : [{ index: 0, delta: i === 0 ? { role: 'assistant', content: '' } : { content: `word${i} ` }, finish_reason: i === EVENTS - 2 ? 'stop' : null }];
  return `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'gpt-bench', choices, ...(last ? { usage: { prompt_tokens: 120, completion_tokens: 48, total_tokens: 168 } } : {}) })}\n\n`;
});

function serve(): void {
  const random = seededRandom(1);
  const stream = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events) response.write(event);
    response.end('data: [DONE]\n\n');
  };
  const server = createServer((request, response) => {
    const streams = request.url?.startsWith('/sse') ?? false;
    const delay = request.url?.includes('/slow/') === true ? REALISTIC_MS * (0.5 + random.next()) : 0;
    const send = (): void => {
      if (streams) return stream(response);
      response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': 'req_bench', 'content-length': Buffer.byteLength(answer) });
      response.end(answer);
    };
    request.resume().on('end', () => (delay === 0 ? send() : setTimeout(send, delay)));
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit());
}

interface Load {
  readonly name: string;
  readonly path: string;
  readonly body: string;
  readonly concurrency: number;
  readonly calls: number;
}

interface Figures {
  readonly medianUs: number;
  readonly cpuUs: number;
  readonly perSecond: number;
}

async function drive(pool: Pool, { path, body, concurrency, calls }: Load): Promise<Figures> {
  const latencies = new Float64Array(calls);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < calls; i = next++) {
      const startedAt = performance.now();
      const response = await pool.request({ method: 'POST', path, headers: { 'content-type': 'application/json', authorization: 'Bearer sk-bench' }, body });
      for await (const _chunk of response.body);
      latencies[i] = performance.now() - startedAt;
    }
  };
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, worker));
  const tookMs = performance.now() - startedAt;
  // The meter writes what it has on record to its tables after the caller has its answer: that is on its bill too.
  await new Promise((resolve) => setTimeout(resolve, 150));
  const { user, system } = process.cpuUsage(cpu);
  return { medianUs: median([...latencies]) * 1_000, cpuUs: (user + system) / calls, perSecond: (calls / tookMs) * 1_000 };
}

function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Rounds that warm the machine up. */
const WARM_UP = 2;

async function bench(rounds: number, chosen: readonly number[]): Promise<void> {
  const mock = fork(import.meta.filename, ['mock'], { execArgv: [] });
  const port = await new Promise<number>((resolve) => mock.once('message', (message) => resolve(Number(message))));
  const folder = mkdtempSync(join(tmpdir(), 'assay-metering-'));
  const prompt = 'Say something of some length about the weather of last week. '.repeat(8);
  const json = JSON.stringify({ model: 'gpt-bench', max_tokens: 200, messages: [{ role: 'user', content: prompt }] });
  const sse = JSON.stringify({ model: 'gpt-bench', max_tokens: 200, stream: true, stream_options: { include_usage: true }, messages: [{ role: 'user', content: prompt }] });
  const loads: readonly Load[] = [
    { name: 'JSON, one at a time', path: '/json/v1/chat/completions', body: json, concurrency: 1, calls: 2_000 },
    { name: 'SSE, one at a time', path: '/sse/v1/chat/completions', body: sse, concurrency: 1, calls: 1_000 },
    { name: `JSON, 64 at once, answers after about ${REALISTIC_MS} ms`, path: '/json/slow/v1/chat/completions', body: json, concurrency: 64, calls: 4_000 },
    { name: `SSE, 64 at once, answers after about ${REALISTIC_MS} ms`, path: '/sse/slow/v1/chat/completions', body: sse, concurrency: 64, calls: 4_000 },
    { name: 'JSON, 64 at once, flat out', path: '/json/v1/chat/completions', body: json, concurrency: 64, calls: 6_000 },
    { name: 'SSE, 64 at once, flat out', path: '/sse/v1/chat/completions', body: sse, concurrency: 64, calls: 3_000 },
  ];
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 64 });
  const before = loadavg();
  const results: Record<string, string>[] = [];
  try {
    for (const load of loads.filter((_, at) => chosen.length === 0 || chosen.includes(at + 1))) {
      const pairs: Pair[] = [];
      for (let round = -WARM_UP; round < rounds; round++) {
        const figures = new Map<boolean, Figures>();
        for (const withMeter of round % 2 === 0 ? [false, true] : [true, false]) figures.set(withMeter, await once({ pool, load, folder, withMeter }));
        if (round >= 0) pairs.push({ bare: figures.get(false)!, metered: figures.get(true)! });
      }
      results.push(row(load, pairs));
      console.error(`${load.name}: done`);
    }
  } finally {
    await pool.destroy();
    mock.disconnect();
    rmSync(folder, { recursive: true });
  }
  console.table(results);
  console.log(`load averages before: ${before.map((load) => load.toFixed(1)).join(' ')}, after: ${loadavg().map((load) => load.toFixed(1)).join(' ')}`);
}

interface Pair {
  readonly bare: Figures;
  readonly metered: Figures;
}

async function once({ pool, load, folder, withMeter }: { readonly pool: Pool; readonly load: Load; readonly folder: string; readonly withMeter: boolean }): Promise<Figures> {
  const meter = withMeter ? installMeter({ db: `sqlite:${join(folder, `${performance.now()}.db`)}`, cwd: folder, env: {} }) : undefined;
  try {
    // The first calls open the store, or connections.
    await drive(pool, { ...load, calls: Math.max(200, load.concurrency * 2) });
    const figures = await drive(pool, load);
    const seen = meter?.usage();
    if (seen !== undefined && (seen.failed_calls > 0 || seen.total_calls < load.calls)) throw new Error('calls failed, or were not seen');
    return figures;
  } finally {
    await meter?.close();
  }
}

function row(load: Load, pairs: readonly Pair[]): Record<string, string> {
  const spread = (of: (pair: Pair) => number, digits: number): string => {
    const all = pairs.map(of);
    return `${median(all).toFixed(digits)} (${Math.min(...all).toFixed(digits)} … ${Math.max(...all).toFixed(digits)})`;
  };
  return {
    load: load.name,
    'median µs without': median(pairs.map(({ bare }) => bare.medianUs)).toFixed(0),
    'added µs': spread(({ bare, metered }) => metered.medianUs - bare.medianUs, 0),
    'CPU µs without': median(pairs.map(({ bare }) => bare.cpuUs)).toFixed(0),
    'added CPU µs': spread(({ bare, metered }) => metered.cpuUs - bare.cpuUs, 0),
    'calls/s without': median(pairs.map(({ bare }) => bare.perSecond)).toFixed(0),
    'calls/s with': median(pairs.map(({ metered }) => metered.perSecond)).toFixed(0),
    'throughput %': spread(({ bare, metered }) => (metered.perSecond / bare.perSecond) * 100, 1),
  };
}

if (process.argv[2] === 'mock') serve();
else await bench(Number(process.argv[2] ?? 7), (process.argv[3] ?? '').split(',').filter(Boolean).map(Number));
