import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly number: number;
  readonly headers: IncomingHttpHeaders;
  readonly prompt: string;
}

export interface Answered {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The answer's text, or with a status from 400 the error's message. */
  readonly text: string;
}

/** An OpenAI-like endpoint whose answers a test writes. Every answer uses 20 tokens. */
export interface OpenAiServer extends AsyncDisposable {
  /** Ends in `/v1`. */
  readonly url: string;
  readonly requests: number;
}

export async function startOpenAiServer(answer: (asked: Asked) => Answered | Promise<Answered>): Promise<OpenAiServer> {
  let requests = 0;
  const server = createServer((request, response) => {
    const number = requests++;
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const { messages } = JSON.parse(body) as { readonly messages: readonly { readonly content: string }[] };
      void Promise.resolve(answer({ number, headers: request.headers, prompt: messages.at(-1)!.content })).then(({ status = 200, headers = {}, text }) => {
        response.writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(JSON.stringify(status >= 400 ? { error: { message: text, type: 'server_error' } } : completion(text)));
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get requests() {
      return requests;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function completion(text: string): object {
  return {
    id: 'answer',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 12, completion_tokens: 8, total_tokens: 20 },
  };
}
