import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readPoints, readSpans, type ReceivedPoint, type ReceivedSpan } from './otlp-messages.ts';

/** What the receiver does with what it is sent. */
export type Behaviour = 'take' | 'hang' | { readonly refuse: number };

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A collector on a loopback port that keeps what it is sent. */
export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  behaviour: Behaviour;
  readonly requests: readonly ReceivedRequest[];
  /** Of the requests that were taken. */
  readonly spans: readonly ReceivedSpan[];
  /** As they stood last: they are cumulative. */
  readonly points: readonly ReceivedPoint[];
  /** Resolves once so many requests have come. */
  requested(count: number): Promise<void>;
}

export async function startOtlpReceiver(behaviour: Behaviour = 'take'): Promise<OtlpReceiver> {
  const requests: ReceivedRequest[] = [];
  const spans: ReceivedSpan[] = [];
  let points: readonly ReceivedPoint[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      const path = request.url ?? '';
      requests.push({ path, headers: request.headers, body });
      for (const { count, resolve } of waiting) if (requests.length >= count) resolve();
      const { behaviour: now } = receiver;
      if (now === 'hang') return;
      if (now === 'take') {
        if (path.endsWith('/v1/traces')) spans.push(...readSpans(body));
        else points = readPoints(body);
      }
      response.writeHead(now === 'take' ? 200 : now.refuse, { 'content-type': 'application/x-protobuf' }).end();
    })().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behaviour,
    requests,
    spans,
    get points() {
      return points;
    },
    requested: (count) => (requests.length >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ count, resolve }))),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}
