/**
 * Sends chat completions as fast as they are answered, over bare keep-alive sockets, and prints what it measured as JSON.
 * Usage: node load.ts '{"port": …, "path": …, "headers": {…}, "stream": false, "connections": 16, "seconds": 5, "warmup": 1}'
 */
import { connect } from 'node:net';

interface Load {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: boolean;
  readonly connections: number;
  readonly seconds: number;
  readonly warmup: number;
}

const load = JSON.parse(process.argv[2]!) as Load;
const body = JSON.stringify({
  model: 'gpt-4.1-mini',
  max_tokens: 100,
  messages: [
    { role: 'system', content: 'You are a helpful assistant that answers in full sentences.' },
    { role: 'user', content: 'Tell me what you know about the history of the measurement of gold. '.repeat(4) },
  ],
  ...(load.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
});
const headers = { host: `127.0.0.1:${load.port}`, 'content-type': 'application/json', authorization: 'Bearer sk-none', 'content-length': String(Buffer.byteLength(body)), ...load.headers };
const request = Buffer.from(`POST ${load.path} HTTP/1.1\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`);

const startedAt = performance.now();
const countsFrom = startedAt + load.warmup * 1_000;
const endsAt = countsFrom + load.seconds * 1_000;
const latencies: number[] = [];
const firstBytes: number[] = [];
let failed = 0;

function one(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port: load.port, host: '127.0.0.1', noDelay: true });
    let sentAt = 0;
    let firstAt = 0;
    let received = '';
    const send = (): void => {
      received = '';
      firstAt = 0;
      sentAt = performance.now();
      socket.write(request);
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed')));
    socket.on('data', (chunk: Buffer) => {
      if (firstAt === 0) firstAt = performance.now();
      received += chunk.toString('latin1');
      if (!isWhole(received)) return;
      const now = performance.now();
      if (!received.startsWith('HTTP/1.1 200')) failed += 1;
      else if (now >= countsFrom && now < endsAt) {
        latencies.push(now - sentAt);
        firstBytes.push(firstAt - sentAt);
      }
      if (now < endsAt) return send();
      socket.removeAllListeners('close');
      socket.destroy();
      resolve();
    });
  });
}

function isWhole(received: string): boolean {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, end + 2))?.[1];
  return length === undefined ? received.endsWith('\r\n0\r\n\r\n') : received.length >= end + 4 + Number(length);
}

await Promise.all(Array.from({ length: load.connections }, one));
const at = (sorted: readonly number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
const sorted = latencies.toSorted((a, b) => a - b);
const firsts = firstBytes.toSorted((a, b) => a - b);
console.log(JSON.stringify({ requests: sorted.length, failed, rps: sorted.length / load.seconds, p50: at(sorted, 0.5), p95: at(sorted, 0.95), p99: at(sorted, 0.99), first50: at(firsts, 0.5) }));
