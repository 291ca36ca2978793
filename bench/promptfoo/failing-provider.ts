import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { LLMock, type ChatCompletionRequest, type JournalEntry } from '@copilotkit/aimock';
import { seededRandom } from '../../src/core/index.ts';

/** What a third-party mock of two providers says it served for one model. */
export interface Served {
  readonly requests: number;
  /** Whole answers that were sent. */
  readonly answered: number;
  readonly rateLimited: number;
  readonly serverErrors: number;
  /** Connections cut before an answer. */
  readonly cut: number;
  /** Of whole answers. */
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface Answer {
  /** The request's hash, and the how-manieth time it came; stands in the answer's text. */
  readonly id: string;
  readonly request: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface FailingProvider extends AsyncDisposable {
  /** Without a path. */
  readonly url: string;
  /** By model, in the order of their names; what it was asked since `from` requests had come. */
  served(from?: number): ReadonlyMap<string, Served>;
  /** Requests so far. */
  readonly requests: number;
  /** Requests that it has begun to answer and not finished. */
  readonly busy: number;
  /** All answers that were made, in order. */
  answers(): readonly Answer[];
}

export interface FailingProviderOptions {
  readonly seed: number;
  /** Share of requests that fail: four in ten with a 500, three with a 429, three with a cut connection. */
  readonly failureRate: number;
}

type Fate = 'answer' | 'error' | 'limit' | 'cut';

const LONGEST_MS = 60;

/**
 * Starts a mock of OpenAI's and Anthropic's APIs of which a seeded share of requests fails. What becomes of a request depends on the
 * seed, on its content and on how often it came before, so that a retry is a new draw.
 */
export async function startFailingProvider({ seed, failureRate }: FailingProviderOptions): Promise<FailingProvider> {
  const mock = new LLMock({ port: 0, logLevel: 'silent', journalMaxEntries: 1_000_000 });
  const journal = (): JournalEntry[] => mock.getRequests().filter(({ method }) => method === 'POST');
  const sent: Answer[] = [];
  let busy = 0;

  // How often each request came is read from the mock's own journal, as far as that has grown: a request is asked about several times.
  const came = new Map<string, number>();
  let read = 0;
  const idOf = (request: ChatCompletionRequest): string => {
    const all = journal();
    for (; read < all.length; read++) {
      const key = hashOf(all[read]!.body as ChatCompletionRequest);
      came.set(key, (came.get(key) ?? 0) + 1);
    }
    const key = hashOf(request);
    return `${key}-${(came.get(key) ?? 0) + 1}`;
  };
  const fateOf = (request: ChatCompletionRequest): Fate => {
    const draw = seededRandom('fate', seed, idOf(request)).next() / failureRate;
    if (draw >= 1) return 'answer';
    if (draw < 0.4) return 'error';
    return draw < 0.7 ? 'limit' : 'cut';
  };
  const meeting = (fate: Fate) => ({ predicate: (request: ChatCompletionRequest) => fateOf(request) === fate });

  mock.on(meeting('error'), { error: { message: 'it broke', type: 'server_error' }, status: 500 });
  mock.on(meeting('limit'), { error: { message: 'slow down', type: 'rate_limit_error' }, status: 429, retryAfter: 1 });
  mock.on(meeting('cut'), { content: '' }, { chaos: { disconnectRate: 1 } });
  mock.onMessage(/[^]*/, async (request) => {
    const id = idOf(request);
    busy += 1;
    await delay(seededRandom('latency', seed, id).next() * LONGEST_MS);
    busy -= 1;
    const { prompt, completion } = usageOf(request);
    sent.push({ id, request: hashOf(request), promptTokens: prompt, completionTokens: completion });
    return { id: `answer-${id}`, content: contentOf(request, id), usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion } };
  });
  await mock.start();
  return {
    url: mock.url,
    served: (from = 0) => {
      const byModel = Map.groupBy(journal().slice(from), ({ body }) => (body as ChatCompletionRequest).model);
      return new Map([...byModel].map(([model, entries]) => [model, sumsOf(entries)] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    },
    get requests() {
      return journal().length;
    },
    get busy() {
      return busy;
    },
    answers: () => [...sent],
    [Symbol.asyncDispose]: () => mock.stop(),
  };
}

function sumsOf(entries: readonly JournalEntry[]): Served {
  const answered = entries.filter(({ response }) => response.status === 200 && response.chaosAction === undefined);
  const usages = answered.map(({ body }) => usageOf(body as ChatCompletionRequest));
  return {
    requests: entries.length,
    answered: answered.length,
    rateLimited: entries.filter(({ response }) => response.status === 429).length,
    serverErrors: entries.filter(({ response }) => response.status === 500).length,
    cut: entries.filter(({ response }) => response.chaosAction === 'disconnect').length,
    promptTokens: usages.reduce((sum, { prompt }) => sum + prompt, 0),
    completionTokens: usages.reduce((sum, { completion }) => sum + completion, 0),
  };
}

/** Graders want their verdict as JSON. */
function contentOf(request: ChatCompletionRequest, id: string): string {
  if (asksForVerdict(request)) return JSON.stringify({ pass: true, score: 1, reason: `as asked (${id})` });
  return `The answer in words (${id}).`;
}

function asksForVerdict({ messages }: ChatCompletionRequest): boolean {
  return JSON.stringify(messages).includes('rubric');
}

function hashOf({ model, messages }: ChatCompletionRequest): string {
  return createHash('sha256').update(JSON.stringify([model, messages])).digest('hex').slice(0, 16);
}

/** Depends on the request, so that no two sums agree by luck. */
function usageOf({ model, messages }: ChatCompletionRequest): { readonly prompt: number; readonly completion: number } {
  const length = model.length + JSON.stringify(messages).length;
  return { prompt: 7 + (length % 101), completion: 3 + (length % 37) };
}
