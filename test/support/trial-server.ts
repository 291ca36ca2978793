/** An OpenAI-like provider in a process of its own, which does with each request what its prompt says and keeps its own books. Ends with its stdin. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Told, Way } from './trial-plan.ts';

/** What was served to one trial, branch, role, phase and model. */
export interface ServedSums {
  readonly trial: string;
  readonly branch: string;
  readonly role: string;
  readonly phase: string;
  readonly model: string;
  calls: number;
  /** By how they went. A request that an SDK repeats is counted as it went each time. */
  readonly ways: Partial<Record<Way, number>>;
  /** Calls that an SDK said were retries. */
  retries: number;
  /** Of answers whose usage was sent. */
  prompt: number;
  completion: number;
  /** `null` where none was told. */
  reasoning: number | null;
}

const books = new Map<string, ServedSums>();
const arrivals = new Set<ServerResponse>();

const server = createServer({ keepAliveTimeout: 120_000, requestTimeout: 0 }, (request, response) => {
  if (request.url === '/books') return void response.end(JSON.stringify([...books.values()]));
  if (request.url === '/arrivals') {
    arrivals.add(response);
    response.write('\n');
    return undefined;
  }
  let text = '';
  request.setEncoding('utf8').on('data', (part: string) => (text += part));
  return void request.on('end', () => serve(request, response, JSON.parse(text) as Asked));
});

interface Asked {
  readonly model: string;
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly messages: readonly { readonly content: string }[];
}

function serve(request: IncomingMessage, response: ServerResponse, asked: Asked): void {
  const told = JSON.parse(asked.messages[0]!.content) as Told;
  const retry = Number(request.headers['x-stainless-retry-count'] ?? 0);
  const sums = sumsOf(told, asked.model);
  const way = retry > 0 && told.way.endsWith('-again') ? 'answer' : told.way;
  sums.calls++;
  sums.ways[way] = (sums.ways[way] ?? 0) + 1;
  if (retry > 0) sums.retries++;
  if (way === 'refuse' || way === 'refuse-again') return refuse(response, 500, 'server_error');
  if (way === 'limit' || way === 'limit-again') return refuse(response, 429, 'rate_limit_exceeded');
  if (way === 'hang') {
    for (const watcher of arrivals) watcher.write(`${told.trial}#${told.n}\n`);
    return undefined;
  }
  if (asked.stream === true) return stream(response, asked, told, way, sums);
  const usage = usageOf(told);
  const body = JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model: asked.model, choices: [{ index: 0, message: { role: 'assistant', content: 'an answer' }, finish_reason: 'stop' }], ...(way === 'silent' ? {} : { usage }) });
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  if (way === 'cut') return void response.write(body.slice(0, 40), () => response.destroy());
  if (way !== 'silent') enter(sums, told);
  return void response.end(body);
}

function stream(response: ServerResponse, asked: Asked, told: Told, way: Way, sums: ServedSums): void {
  const event = (data: object): string => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: asked.model, ...data })}\n\n`;
  const word = event({ choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null }] });
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(word);
  if (way === 'cut') return void response.write(word, () => response.destroy());
  if (way === 'leave') return void response.write(word);
  let end = event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  if (asked.stream_options?.include_usage === true) {
    end += event({ choices: [], usage: usageOf(told) });
    enter(sums, told);
  }
  if (way === 'cut-late') return void response.write(end, () => response.destroy());
  if (way === 'leave-late') return void response.write(end);
  return void response.end(`${end}data: [DONE]\n\n`);
}

function refuse(response: ServerResponse, status: number, type: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'retry-after-ms': '1' });
  response.end(JSON.stringify({ error: { message: 'not now', type } }));
}

function usageOf({ prompt, completion, reasoning }: Told): object {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion, ...(reasoning > 0 ? { completion_tokens_details: { reasoning_tokens: reasoning } } : {}) };
}

function enter(sums: ServedSums, { prompt, completion, reasoning }: Told): void {
  sums.prompt += prompt;
  sums.completion += completion;
  if (reasoning > 0) sums.reasoning = (sums.reasoning ?? 0) + reasoning;
}

function sumsOf({ trial, branch, role, phase }: Told, model: string): ServedSums {
  const key = JSON.stringify([trial, branch, role, phase, model]);
  let sums = books.get(key);
  if (sums === undefined) books.set(key, (sums = { trial, branch, role, phase, model, calls: 0, ways: {}, retries: 0, prompt: 0, completion: 0, reasoning: null }));
  return sums;
}

server.listen(0, '127.0.0.1', 1_024, () => process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`));
process.stdin.resume().on('end', () => {
  server.closeAllConnections();
  server.close();
});
