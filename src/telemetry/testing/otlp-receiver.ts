import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readPoints, readSpans, type ReceivedPoint, type ReceivedSpan } from './otlp-messages.ts';

/** What the receiver does with what it is sent. */
export type Behaviour = 'take' | 'hang' | { readonly refuse: number } | { readonly takeOnce: Promise<void> };

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
  // Read when they are looked at: reading must not make the collector slow.
  const unread: Buffer[] = [];
  let points: Buffer | undefined;
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
      const refuse = typeof now === 'object' && 'refuse' in now ? now.refuse : undefined;
      if (typeof now === 'object' && 'takeOnce' in now) await now.takeOnce;
      if (refuse === undefined) {
        if (path.endsWith('/v1/traces')) unread.push(body);
        else points = body;
      }
      response.writeHead(refuse ?? 200, { 'content-type': 'application/x-protobuf' }).end();
    })().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: OtlpReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behaviour,
    requests,
    get spans() {
      for (const body of unread.splice(0)) spans.push(...readSpans(body));
      return spans;
    },
    get points() {
      return points === undefined ? [] : readPoints(points);
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
