/**
 * What the gateway adds to a call, and how many it carries, beside direct calls, a bare undici proxy and @portkey-ai/gateway: the same
 * mock, the same load, in turns within one run. Mock, load and each gateway are processes of their own. CPU is what the gateway's
 * process used for each request.
 *
 * Usage: node bench/gateway.ts [seconds a turn] [turns] [connections, e.g. 1,16,64] [json,stream]
 * Portkey's gateway is installed with npm into a scratch folder under the system's temporary folder where it is missing.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const [seconds = '4', turns = '3', connections = '1,16,64', kinds = 'json,stream'] = process.argv.slice(2);
const script = (name: string): string => fileURLToPath(new URL(`gateway/${name}`, import.meta.url));

interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whose CPU is counted. */
  readonly pid: number | undefined;
}

interface Measured {
  readonly requests: number;
  readonly failed: number;
  readonly rps: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly first50: number;
  readonly cpuMicros: number;
}

const children: ChildProcess[] = [];
const folder = await mkdtemp(join(tmpdir(), 'assay-gateway-bench-'));
try {
  const mock = await startChild(script('mock.ts'), []);
  const url = `http://127.0.0.1:${mock.port}`;
  const bare = await startChild(script('bare-proxy.ts'), [url]);
  const assay = await startChild(script('assay-gateway.ts'), [url, join(folder, 'assay.db')]);
  const portkey = await startPortkey();
  const contestants: Contestant[] = [
    { name: 'direct', port: mock.port, headers: {}, pid: undefined },
    { name: 'bare undici proxy', ...bare, headers: {} },
    { name: 'assay gateway', ...assay, headers: {} },
    ...(portkey === undefined ? [] : [{ name: 'portkey gateway', ...portkey, headers: { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${url}/v1` } }]),
  ];
  console.log(`node ${process.version}, ${cpus().length} CPUs (${cpus()[0]?.model ?? '?'}), ${turns} turns of ${seconds} s each`);
  for (const kind of kinds.split(',')) {
    for (const each of connections.split(',').map(Number)) await compare(contestants, kind === 'stream', each);
  }
} finally {
  for (const child of children) child.stdin?.end();
  await Promise.all(children.filter((child) => child.exitCode === null && child.signalCode === null).map((child) => once(child, 'exit')));
  await rm(folder, { recursive: true, force: true });
}

async function compare(contestants: readonly Contestant[], stream: boolean, at: number): Promise<void> {
  const rounds = new Map<string, Measured[]>(contestants.map(({ name }) => [name, []]));
  for (let turn = 0; turn < Number(turns); turn++) {
    // Whoever comes first comes last in the next turn.
    for (const contestant of turn % 2 === 0 ? contestants : contestants.toReversed()) rounds.get(contestant.name)!.push(await measure(contestant, stream, at));
  }
  const medians = new Map(Array.from(rounds, ([name, all]) => [name, medianOf(all)]));
  console.log(`\n${stream ? 'streams of 50 events' : 'JSON answers of 1 KB'}, ${at} connections`);
  console.table(
    Array.from(medians, ([name, one]) => ({
      through: name,
      'requests/s': Math.round(one.rps),
      'p50 ms': one.p50.toFixed(2),
      'p95 ms': one.p95.toFixed(2),
      'p99 ms': one.p99.toFixed(2),
      'first byte p50 ms': one.first50.toFixed(2),
      'CPU µs/request': Number.isNaN(one.cpuMicros) ? '' : Math.round(one.cpuMicros),
      failed: one.failed,
    })),
  );
  const ours = medians.get('assay gateway')!;
  const ratio = (other: string): string => `${(ours.rps / (medians.get(other)?.rps ?? NaN)).toFixed(2)} × its requests/s, ${(ours.cpuMicros / (medians.get(other)?.cpuMicros ?? NaN)).toFixed(2)} × its CPU a request`;
  console.log(`added to a direct call at the median: ${(ours.p50 - medians.get('direct')!.p50).toFixed(2)} ms`);
  console.log(`beside the bare proxy: ${ratio('bare undici proxy')}`);
  if (medians.has('portkey gateway')) console.log(`beside portkey: ${ratio('portkey gateway')}`);
}

async function measure({ port, headers, pid }: Contestant, stream: boolean, at: number): Promise<Measured> {
  const before = await cpuMicros(pid);
  const warmup = 1;
  const load = spawn(process.execPath, [script('load.ts'), JSON.stringify({ port, path: '/v1/chat/completions', headers, stream, connections: at, seconds: Number(seconds), warmup })], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  load.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const [code] = (await once(load, 'close')) as [number];
  if (code !== 0) throw new Error(`the load ended with ${code}`);
  const measured = JSON.parse(text) as Omit<Measured, 'cpuMicros'>;
  if (measured.requests === 0) throw new Error(`nothing was answered through ${port}: ${text}`);
  // The warm-up's requests are not in the count, its CPU is: both are scaled to the same time.
  const used = ((await cpuMicros(pid)) - before) * (Number(seconds) / (Number(seconds) + warmup));
  return { ...measured, cpuMicros: used / measured.requests };
}

/** CPU time of a process so far; the kernel counts in hundredths of a second. */
async function cpuMicros(pid: number | undefined): Promise<number> {
  if (pid === undefined) return NaN;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function medianOf(all: readonly Measured[]): Measured {
  const median = (of: (one: Measured) => number): number => all.map(of).toSorted((a, b) => a - b)[Math.floor(all.length / 2)]!;
  return {
    requests: median((one) => one.requests),
    failed: all.reduce((sum, one) => sum + one.failed, 0),
    rps: median((one) => one.rps),
    p50: median((one) => one.p50),
    p95: median((one) => one.p95),
    p99: median((one) => one.p99),
    first50: median((one) => one.first50),
    cpuMicros: median((one) => one.cpuMicros),
  };
}

async function startChild(file: string, args: readonly string[]): Promise<{ readonly port: number; readonly pid: number }> {
  const profile = process.env['BENCH_PROFILE'] !== undefined && file.endsWith('assay-gateway.ts') ? ['--cpu-prof', `--cpu-prof-dir=${process.env['BENCH_PROFILE']}`] : [];
  const child = spawn(process.execPath, [...profile, file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { port: (JSON.parse(line) as { readonly port: number }).port, pid: child.pid! };
}

async function startPortkey(): Promise<{ readonly port: number; readonly pid: number } | undefined> {
  const home = join(tmpdir(), 'assay-bench-portkey');
  const server = join(home, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  if (!existsSync(server)) {
    await mkdir(home, { recursive: true });
    // Its streams fail with later versions of this dependency: "TypeError: immutable" as it adds headers.
    await writeFile(join(home, 'package.json'), JSON.stringify({ private: true, overrides: { '@hono/node-server': '1.13.7' } }));
    const [code] = (await once(spawn('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '@portkey-ai/gateway@1.15.2'], { cwd: home, stdio: 'inherit' }), 'close')) as [number];
    if (code !== 0) {
      console.log('@portkey-ai/gateway could not be installed: left out');
      return undefined;
    }
  }
  const port = await freePort();
  const child = spawn(process.execPath, [server, '--headless', `--port=${port}`], { cwd: home, stdio: ['pipe', 'ignore', 'ignore'], env: { ...process.env, NODE_ENV: 'production' } });
  children.push(child);
  child.stdin.on('close', () => child.kill());
  while (!(await answers(port))) {
    if (child.exitCode !== null) throw new Error(`portkey ended with ${child.exitCode}`);
  }
  return { port, pid: child.pid! };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => setTimeout(resolve, 50, false));
  });
}
