import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { LLMock, type ChatCompletionRequest, type FixtureResponse, type JournalEntry } from '@copilotkit/aimock';
import { SELF_SIGNED } from '../../../src/transport/testing/self-signed.ts';
import type { Surroundings } from './contract.ts';
import { CountedAnswers } from './counted-answers.ts';
import { PROMPTS } from './prompts.ts';

/** What the provider says of the requests for one model. */
export interface Served {
  /** In the order they came: an HTTP status, or what it did instead. */
  readonly answers: readonly (number | 'cut' | 'rubbish' | 'hung up')[];
  /** Of whole answers, as told in them. */
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface Provider extends AsyncDisposable {
  readonly surroundings: Omit<Surroundings, 'load'>;
  /** By model. */
  served(): ReadonlyMap<string, Served>;
}

type Usage = { readonly prompt_tokens: number; readonly completion_tokens: number; readonly total_tokens: number };

/** Of answers that are not told to their end. What came before is told at once where the format says it so. */
export const BROKEN_OFF = { id: 'broken-off', created: 1_700_000_000, usage: { prompt_tokens: 4001, completion_tokens: 502, total_tokens: 4503 } } as const;

/** The mock says 0 tokens for embeddings and of Ollama's models, whatever they took; below this path it does not. */
const COUNTED = '/counted';

const ANSWER = 'An answer of some length, in several pieces.';

/** Starts a third-party mock of the providers' APIs, plain and behind TLS, which answers each prompt in its way and keeps count. */
export async function startProvider(): Promise<Provider> {
  const mock = new LLMock({ port: 0, logLevel: 'silent', journalMaxEntries: 100_000 });
  const told = new Map<string, { prompt: number; completion: number }>();
  const tell = (model: string, prompt: number, completion: number): void => {
    const sum = told.get(model) ?? { prompt: 0, completion: 0 };
    told.set(model, { prompt: sum.prompt + prompt, completion: sum.completion + completion });
  };
  const counted = new CountedAnswers(tell);
  mock.mount(COUNTED, counted).mount('/v1beta/models/genai-embed:batchEmbedContents', counted);
  const refusals = new Map<string, number>();
  const answer = (request: ChatCompletionRequest, content: string = ANSWER): FixtureResponse => ({ content, ...envelope(request) });
  const envelope = (request: ChatCompletionRequest): { readonly id: string; readonly created: number; readonly usage: Usage } => {
    const model = bareModel(request.model);
    const { prompt, completion } = usageOf(request);
    tell(model, prompt, completion);
    return { id: `answer-${prompt}-to-${model}`, created: 1_700_000_000, usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion } };
  };
  const refused = (status: number, message: string, more: object = {}): FixtureResponse => ({ error: { message, type: status === 429 ? 'rate_limit_error' : 'server_error', ...more }, status, retryAfter: 0 });
  const asking = (prompt: string): { readonly userMessage: string } => ({ userMessage: prompt });

  mock.on(asking(PROMPTS.refusedTwice), (request) => {
    const before = refusals.get(request.model) ?? 0;
    refusals.set(request.model, before + 1);
    return before < 2 ? refused(429, 'slow down') : answer(request);
  });
  mock.on(asking(PROMPTS.broken), () => refused(500, 'it broke'));
  mock.on(asking(PROMPTS.filtered), () => refused(400, 'not that', { type: 'invalid_request_error', code: 'content_filter' }));
  mock.on(asking(PROMPTS.cut), { content: ANSWER.repeat(4), ...BROKEN_OFF }, { chunkSize: 10, latency: 50, truncateAfterChunks: 4 });
  mock.on(asking(PROMPTS.rubbish), { content: '' }, { chaos: { malformedRate: 1 } });
  mock.on(asking(PROMPTS.hangUp), { content: '' }, { chaos: { disconnectRate: 1 } });
  mock.on(asking(PROMPTS.slow), { content: ANSWER.repeat(10), ...BROKEN_OFF }, { chunkSize: 10, latency: 50 });
  mock.on({ ...asking(PROMPTS.tool), hasToolResult: false }, (request) => ({ toolCalls: [{ id: 'call-1', name: 'weather', arguments: '{"city":"Paris"}' }], ...envelope(request) }));
  mock.on(asking(PROMPTS.json), (request) => answer(request, '{"city":"Paris","warm":true}'));
  mock.on({ model: /^mem0-[a-z]+$/ }, (request) => answer(request, MEMORY));
  mock.onEmbedding(/[^]*/, { embedding: [0.5, 0.25, 0.125, 0, 0, 0, 0, 1] });
  mock.onMessage(/[^]*/, (request) => answer(request));
  await mock.start();

  const port = Number(new URL(mock.url).port);
  const sockets = new Set<Duplex>();
  const join = (outside: Duplex, inside: Socket): void => {
    for (const socket of [outside, inside]) sockets.add(socket.on('error', () => {}));
    outside.pipe(inside).pipe(outside);
  };
  const tls = createTlsServer(SELF_SIGNED, (outside) => join(outside, connect(port, '127.0.0.1')));
  tls.on('tlsClientError', () => {});
  const proxy = createServer(forward).on('connect', (request, outside) => {
    const { hostname, port } = new URL(`http://${request.url ?? ''}`);
    const inside = connect(Number(port), hostname, () => {
      outside.write('HTTP/1.1 200 Connection established\r\n\r\n');
      join(outside, inside);
    });
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    surroundings: { url, tlsUrl: `https://localhost:${await listening(tls)}`, ca: SELF_SIGNED.cert, countedUrl: url + COUNTED, proxyUrl: `http://127.0.0.1:${await listening(proxy)}`, goneUrl: await freeAddress() },
    served: () => {
      const journal = mock.getRequests().filter(({ method }) => method === 'POST');
      return new Map(
        Array.from(Map.groupBy(journal, modelOf), ([model, entries]) => {
          const { prompt, completion } = told.get(model) ?? { prompt: 0, completion: 0 };
          return [model, { answers: entries.map(whatWasDone), promptTokens: prompt, completionTokens: completion }];
        }),
      );
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      proxy.closeAllConnections();
      await Promise.all([closed(tls), closed(proxy), mock.stop()]);
    },
  };
}

/** What mem0ai wants to hear of its model. */
const MEMORY = JSON.stringify({ facts: ['Likes tea'], memory: [{ id: '0', text: 'Likes tea', event: 'ADD' }] });

function whatWasDone({ response }: JournalEntry): Served['answers'][number] {
  if (response.interrupted === true) return 'cut';
  if (response.chaosAction === 'malformed') return 'rubbish';
  return response.chaosAction === 'disconnect' ? 'hung up' : response.status;
}

function modelOf({ body, path }: JournalEntry): string {
  return bareModel(typeof body?.model === 'string' ? body.model : path);
}

/** Gemini's come with a prefix. */
function bareModel(model: string): string {
  return model.replace(/^models\//, '');
}

/** Depends on the request, so that no two sums agree by luck. */
function usageOf({ model, messages }: ChatCompletionRequest): { readonly prompt: number; readonly completion: number } {
  const length = model.length + JSON.stringify(messages.map(({ content }) => content)).length;
  return { prompt: 7 + (length % 101), completion: 3 + (length % 37) };
}

/** Does for a client what it asks a proxy for without a tunnel. */
function forward(request: IncomingMessage, response: ServerResponse): void {
  const { method, headers, url = '' } = request;
  request.pipe(
    httpRequest(url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    }).on('error', () => response.destroy()),
  );
}

async function listening(server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

async function closed(server: Server): Promise<void> {
  await once(server.close(), 'close');
}

/** An address where nobody listens. */
async function freeAddress(): Promise<string> {
  const server = createTcpServer();
  const port = await listening(server);
  await closed(server);
  return `http://127.0.0.1:${port}`;
}
