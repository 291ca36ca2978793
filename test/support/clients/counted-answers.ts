import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import type { Journal, Mountable } from '@copilotkit/aimock';

interface Asked {
  readonly model?: string;
  readonly stream?: boolean;
  readonly input?: string | readonly unknown[];
  readonly encoding_format?: string;
  readonly requests?: readonly unknown[];
}

const VECTOR = [0.5, 0.25, 0.125, 0, 0, 0, 0, 1];

/** Answers where the mock always says that no tokens were used, and enters that in its journal. Other requests are left to the mock. */
export class CountedAnswers implements Mountable {
  readonly #tell: (model: string, prompt: number, completion: number) => void;
  #journal: Journal | undefined;

  /** @param tell told of the tokens in each answer */
  constructor(tell: (model: string, prompt: number, completion: number) => void) {
    this.#tell = tell;
  }

  setJournal(journal: Journal): void {
    this.#journal = journal;
  }

  async handleRequest(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    const { url = '', method = 'POST' } = request;
    const answer = ANSWERS.find(([end]) => url.endsWith(end))?.[1];
    if (answer === undefined) return false;
    const body = await text(request);
    const asked = JSON.parse(body) as Asked;
    const model = asked.model ?? /\/models\/([^:]+):/.exec(url)?.[1] ?? path;
    const [prompt, completion] = [5 + (body.length % 89), 2 + (body.length % 31)];
    const lines = answer(asked, { model, prompt, completion });
    this.#tell(model, prompt, url.includes('embed') ? 0 : completion);
    this.#journal?.add({ method, path: url, headers: {}, body: { model }, response: { status: 200, fixture: null } });
    response.setHeader('content-type', lines.length > 1 ? 'application/x-ndjson' : 'application/json');
    response.end(lines.map((line) => JSON.stringify(line)).join('\n'));
    return true;
  }
}

type Answer = (asked: Asked, used: { readonly model: string; readonly prompt: number; readonly completion: number }) => readonly object[];

const ANSWERS: readonly (readonly [end: string, answer: Answer])[] = [
  ['/embeddings', (asked, { model, prompt }) => [{ object: 'list', data: inputs(asked).map((_, index) => ({ object: 'embedding', index, embedding: vector(asked) })), model, usage: { prompt_tokens: prompt, total_tokens: prompt } }]],
  ['/api/embed', (asked, { model, prompt }) => [{ model, embeddings: inputs(asked).map(() => VECTOR), prompt_eval_count: prompt }]],
  [
    '/api/chat',
    ({ stream }, { model, prompt, completion }) => {
      const piece = (content: string, done: boolean): object => ({ model, message: { role: 'assistant', content }, done, ...(done ? { done_reason: 'stop', prompt_eval_count: prompt, eval_count: completion } : {}) });
      return stream === true ? [piece('An ', false), piece('answer.', false), piece('', true)] : [piece('An answer.', true)];
    },
  ],
  ['/api/generate', (_asked, { model, prompt, completion }) => [{ model, response: 'An answer.', done: true, done_reason: 'stop', prompt_eval_count: prompt, eval_count: completion }]],
  // Gemini tells no usage of embeddings.
  [':batchEmbedContents', ({ requests = [] }) => [{ embeddings: requests.map(() => ({ values: VECTOR })) }]],
];

function inputs({ input }: Asked): readonly unknown[] {
  return Array.isArray(input) ? input : [input];
}

/** As OpenAI's SDKs ask for it unless they are told otherwise. */
function vector({ encoding_format }: Asked): readonly number[] | string {
  return encoding_format === 'base64' ? Buffer.from(new Float32Array(VECTOR).buffer).toString('base64') : VECTOR;
}
