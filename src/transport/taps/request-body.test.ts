import { Readable } from 'node:stream';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UnreadableBodyError } from '../decode-body.ts';
import { bodyText, codingsOf, decodedNow, readBody, wholeBody } from './request-body.ts';

describe('wholeBody', () => {
  it('takes what is in memory as it is', () => {
    const bytes = new TextEncoder().encode('..grüße..').subarray(2, 9);
    expect(wholeBody('text')).toBe('text');
    expect(wholeBody(Buffer.from('text'))).toEqual(Buffer.from('text'));
    expect(wholeBody(bytes)).toBe(bytes);
    expect(Buffer.from(wholeBody(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as Uint8Array).toString()).toBe('grüße');
    expect(Buffer.from(wholeBody(new Uint8Array([104, 105]).buffer) as Uint8Array).toString()).toBe('hi');
  });

  it('tells what is to be read from what holds no request to a model', () => {
    for (const streamed of [Readable.from(['a']), new Blob(['a']), new Blob(['a']).stream(), (async function* () {})()]) expect(wholeBody(streamed)).toBeUndefined();
    for (const nothing of [null, undefined, new FormData(), 42, {}]) expect(wholeBody(nothing)).toBeNull();
  });
});

describe('readBody', () => {
  it('joins text, bytes and views, whatever iterates over them', async () => {
    const pieces = ['grü', Buffer.from('ße '), new Uint8Array([111, 107]), new Uint8Array([33]).buffer, new DataView(new Uint8Array([33]).buffer)];
    for (const body of [pieces, (async function* () { yield* pieces; })()]) expect(await readBody(body)).toEqual({ whole: Buffer.from('grüße ok!!') });
    expect(await readBody(new Blob(['blob']))).toEqual({ whole: Buffer.from('blob') });
  });

  it('hands a body that is too large on as it comes, and reads no further than needed', async () => {
    let made = 0;
    let ended = false;
    const body = (async function* () {
      try {
        for (; made < 10; ) yield Buffer.from(String(made++));
      } finally {
        ended = true;
      }
    })();
    const read = await readBody(body, 3);
    expect(made).toBe(4);
    expect('rest' in read && (await Array.fromAsync(read.rest)).join('')).toBe('0123456789');
    expect(ended).toBe(true);
  });

  it('ends the caller’s iterator where the rest is not wanted', async () => {
    let ended = false;
    const read = await readBody(
      (async function* () {
        try {
          for (;;) yield 'x';
        } finally {
          ended = true;
        }
      })(),
      2,
    );
    if ('rest' in read) for await (const _piece of read.rest) break;
    expect(ended).toBe(true);
  });

  it('fails as the body fails, and for what no client could send', async () => {
    await expect(readBody((async function* () { yield 'a'; throw new Error('torn'); })())).rejects.toThrow('torn');
    await expect(readBody([42])).rejects.toThrow(TypeError);
  });
});

describe('bodyText', () => {
  const text = 'grüße 👋';
  it('undoes one or two codings', () => {
    for (const [coding, bytes] of Object.entries({ gzip: gzipSync(text), 'x-gzip': gzipSync(text), deflate: deflateSync(text), br: brotliCompressSync(text), zstd: zstdCompressSync(text), 'gzip, br': brotliCompressSync(gzipSync(text)) })) {
      expect(bodyText(bytes, coding)).toBe(text);
    }
  });

  it('is unknown for codings that are not known, wrong or too many', () => {
    for (const coding of ['compress', 'gzip', 'gzip, gzip, gzip']) expect(bodyText(Buffer.from(text), coding)).toBeUndefined();
  });

  it('takes identity and empty codings for none', () => {
    expect(codingsOf('Identity, ,')).toEqual([]);
    expect(bodyText(Buffer.from(text), 'identity')).toBe(text);
  });
});

describe('decodedNow', () => {
  it('reads bytes that were cut short as far as they came', () => {
    const long = 'word '.repeat(5_000);
    for (const [coding, bytes] of Object.entries({ gzip: gzipSync(long), br: brotliCompressSync(long), deflate: deflateSync(long) })) {
      const cut = Buffer.from(decodedNow(bytes.subarray(0, bytes.length - 4), coding)).toString();
      expect(long.startsWith(cut)).toBe(true);
    }
    expect(decodedNow(new Uint8Array(0), 'gzip')).toHaveLength(0);
  });

  it('says of a coding that it is not known', () => {
    expect(() => decodedNow(Buffer.from('x'), 'lzma')).toThrow(UnreadableBodyError);
  });
});
