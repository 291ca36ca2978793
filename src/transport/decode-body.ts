import { pipeline, type Readable, type Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';

/** What came back cannot be read: too much of it, or compressed in a way that cannot be undone. */
export class UnreadableBodyError extends Error {}

const gunzip = (): Transform => createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });

// Each hands over what it has at the end of its input, so that a body that was cut short is read as far as it came.
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  deflate: () => createInflate({ finishFlush: constants.Z_SYNC_FLUSH }),
  br: () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdDecompress({ finishFlush: constants.ZSTD_e_flush }),
};

/** Servers apply one; a long list only costs memory. */
const MOST_CODINGS = 2;

/**
 * The body without its content codings, piece by piece as it comes. It fails as `body` fails, or with a decoder's error.
 *
 * @param encoding the `content-encoding` header: codings in the order in which they were applied
 * @throws UnreadableBodyError for a coding that is not known
 */
export function decoded(body: Readable, encoding: string | undefined): Readable {
  const codings = (encoding ?? '').toLowerCase().split(',').map((coding) => coding.trim()).filter((coding) => coding !== '' && coding !== 'identity');
  const decoders = codings.toReversed().map((coding) => DECODERS[coding]);
  if (decoders.length > MOST_CODINGS || decoders.includes(undefined)) throw new UnreadableBodyError(`its content-encoding ${encoding} is not known`);
  let plain = body;
  for (const decoder of decoders) {
    // Failures come out where the last of the chain is read.
    if (decoder !== undefined) plain = pipeline(plain, decoder(), () => undefined);
  }
  return plain;
}

/** Whether an error is a decoder's, by the codes that Node gives those of zlib, brotli and zstd. */
export function isDecodingError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(?:Z_|ERR__|ERR_BROTLI|ZSTD_)/.test(String(error.code));
}
