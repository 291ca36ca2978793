import { brotliDecompressSync, constants, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { UnreadableBodyError } from '../decode-body.ts';

/** Larger requests are not read. */
export const LONGEST_BODY_BYTES = 64 * 1024 * 1024;

/** A body that is there as a whole: what it says, and what to send. */
export type WholeBody = string | Uint8Array;

/** A body that is in memory already; `undefined` for one that has to be read, `null` where there is nothing to read as a request to a model. */
export function wholeBody(body: unknown): WholeBody | null | undefined {
  if (typeof body === 'string') return body;
  if (body === null || body === undefined) return null;
  if (body instanceof Uint8Array) return body;
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  // Forms are no JSON. Their parts may be read only once.
  if (Object.prototype.toString.call(body) === '[object FormData]') return null;
  return body instanceof Blob || (typeof body === 'object' && isStreamed(body)) ? undefined : null;
}

/** What came of reading a body to its end. */
export type ReadBody =
  | { readonly whole: Buffer }
  /** It is larger than may be held: the same bytes, in the same order. */
  | { readonly rest: AsyncIterable<Uint8Array> };

/**
 * Reads a body that comes in pieces.
 *
 * @throws what it fails with
 */
export async function readBody(body: unknown, longest: number = LONGEST_BODY_BYTES): Promise<ReadBody> {
  if (body instanceof Blob) return { whole: Buffer.from(await body.arrayBuffer()) };
  const iterator = iteratorOf(body as AsyncIterable<unknown> | Iterable<unknown>);
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) return { whole: Buffer.concat(pieces) };
    const piece = bytesOf(next.value);
    pieces.push(piece);
    size += piece.length;
    if (size > longest) return { rest: resumed(pieces, iterator) };
  }
}

async function* resumed(pieces: readonly Uint8Array[], iterator: AsyncIterator<unknown> | Iterator<unknown>): AsyncGenerator<Uint8Array> {
  let ended = false;
  try {
    yield* pieces;
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) {
        ended = true;
        return;
      }
      yield bytesOf(next.value);
    }
  } finally {
    if (!ended) await iterator.return?.();
  }
}

function iteratorOf(body: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterator<unknown> | Iterator<unknown> {
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

function isStreamed(body: object): boolean {
  return Symbol.asyncIterator in body || Symbol.iterator in body;
}

/** undici writes strings as UTF-8, and so does fetch. */
function bytesOf(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (typeof piece === 'string') return Buffer.from(piece);
  if (ArrayBuffer.isView(piece)) return new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece);
  throw new TypeError('a request body must yield strings or bytes');
}

/** What a body says, without the coding its sender put on it; `undefined` where it cannot be read. */
export function bodyText(body: WholeBody, encoding: string | undefined): string | undefined {
  try {
    const plain = encoding === undefined || typeof body === 'string' ? body : decodedNow(body, encoding);
    return typeof plain === 'string' ? plain : Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength).toString('utf8');
  } catch {
    return undefined;
  }
}

const DECODERS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: (bytes) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: LONGEST_BODY_BYTES }),
  'x-gzip': (bytes) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: LONGEST_BODY_BYTES }),
  deflate: (bytes) => inflateSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: LONGEST_BODY_BYTES }),
  br: (bytes) => brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength: LONGEST_BODY_BYTES }),
  zstd: (bytes) => zstdDecompressSync(bytes, { finishFlush: constants.ZSTD_e_flush, maxOutputLength: LONGEST_BODY_BYTES }),
};

/** Servers and clients apply one; a long list only costs memory. */
const MOST_CODINGS = 2;

/** The codings of a `content-encoding` header that change the bytes. */
export function codingsOf(encoding: string | undefined): string[] {
  if (encoding === undefined) return [];
  return encoding.toLowerCase().split(',').map((coding) => coding.trim()).filter((coding) => coding !== '' && coding !== 'identity');
}

/**
 * Bytes without their content codings; of bytes that were cut short, as far as they came.
 *
 * @throws UnreadableBodyError for a coding that is not known; a decoder's error
 */
export function decodedNow(bytes: Uint8Array, encoding: string): Uint8Array {
  const codings = codingsOf(encoding);
  const decoders = codings.toReversed().map((coding) => DECODERS[coding]);
  if (decoders.length > MOST_CODINGS || decoders.includes(undefined)) throw new UnreadableBodyError(`its content-encoding ${encoding} is not known`);
  let plain = bytes;
  for (const decode of decoders) if (decode !== undefined && plain.length > 0) plain = decode(plain);
  return plain;
}
