import { PassThrough, Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { describeError, type Clock } from '../core/index.ts';
import { decoded } from '../transport/index.ts';
import { Refusal } from './refusal.ts';

/** The client went away before its request had come whole. */
export class RequestCutError extends Error {}

/** @throws Refusal 413 where the request says that its body is longer than allowed */
export function checkLength(request: IncomingMessage, maxBytes: number): void {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLong(maxBytes);
}

/**
 * Reads a request's body as it was sent.
 *
 * @throws Refusal 413 as soon as there is more than `maxBytes`; RequestCutError where the client goes away
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] | undefined = [];
    let size = 0;
    let whole = false;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (chunks === undefined) return;
      if (size <= maxBytes) return void chunks.push(chunk);
      chunks = undefined;
      reject(tooLong(maxBytes));
    });
    request.on('end', () => {
      whole = true;
      if (chunks !== undefined) resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
    });
    request.on('error', (error) => reject(new RequestCutError(error.message, { cause: error })));
    request.on('close', () => {
      if (!whole) reject(new RequestCutError('the request ended early'));
    });
  });
}

/**
 * The text of a body.
 *
 * @param encoding its `content-encoding`
 * @throws Refusal 400 for one that cannot be decoded, 413 for one that is too large once it is
 */
export async function plainText(body: Buffer, encoding: string | undefined, maxBytes: number): Promise<string> {
  if (encoding === undefined || encoding === 'identity') return body.toString('utf8');
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of decoded(Readable.from([body], { objectMode: false }).pipe(new PassThrough()), encoding) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLong(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal({ status: 400, code: 'unreadable_body', message: `the request's body cannot be decoded (content-encoding ${encoding}): ${describeError(error)}`, hint: 'send it as plain JSON', cause: error });
  }
  return Buffer.concat(chunks, size).toString('utf8');
}

/**
 * Reads on past what was refused, for a moment and without keeping it: a connection that is closed on somebody who still sends is
 * reset, and the answer lost with it.
 */
export function linger(request: IncomingMessage, clock: Clock, over: () => void): void {
  const done = (): void => {
    cancel();
    over();
  };
  const cancel = clock.after(LINGER_MS, done);
  request.removeAllListeners('data');
  request.once('end', done).once('close', done).on('error', () => undefined);
  request.resume();
}

const LINGER_MS = 1_000;

function tooLong(maxBytes: number): Refusal {
  return new Refusal({ status: 413, code: 'body_too_large', message: `the request's body is larger than ${maxBytes} bytes, the most that this gateway takes`, hint: 'send less, or raise the limit on request bodies', headers: { 'x-should-retry': 'false' } });
}
