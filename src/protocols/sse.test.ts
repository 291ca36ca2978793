import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutAt } from './fixtures/stream.ts';
import { SseDecoder, type SseEvent } from './sse.ts';

function decode(pieces: readonly Uint8Array[]): { readonly events: SseEvent[]; readonly pending: SseEvent | undefined } {
  const decoder = new SseDecoder();
  return { events: pieces.flatMap((piece) => decoder.push(piece)), pending: decoder.pending() };
}

function decodeText(text: string): SseEvent[] {
  return decode([Buffer.from(text)]).events;
}

const event = (data: string, name?: string): SseEvent => ({ event: name, data });

describe('SseDecoder', () => {
  it.each([
    ['a data line', 'data: x\n\n', [event('x')]],
    ['no space after the colon', 'data:x\n\n', [event('x')]],
    ['only the first space dropped', 'data:  x\n\n', [event(' x')]],
    ['an event type', 'event: ping\ndata: {}\n\n', [event('{}', 'ping')]],
    ['a type that does not carry over', 'event: a\ndata: 1\n\ndata: 2\n\n', [event('1', 'a'), event('2')]],
    ['several data lines joined', 'data: a\ndata: b\n\n', [event('a\nb')]],
    ['CRLF', 'data: a\r\ndata: b\r\n\r\n', [event('a\nb')]],
    ['CR alone', 'data: a\r\rdata: b\r\r', [event('a'), event('b')]],
    ['endings mixed', 'data: a\r\n\ndata: b\n\r\n', [event('a'), event('b')]],
    ['comments, ids and retry times dropped', ': hi\nid: 1\nretry: 5\ndata: x\n\n', [event('x')]],
    ['unknown fields dropped', 'foo: bar\ndatum: no\ndata: x\n\n', [event('x')]],
    ['an event without data dropped with its type', 'event: a\n\ndata: x\n\n', [event('x')]],
    ['a data line without a colon', 'data\n\n', [event('')]],
    ['a byte order mark', '\ufeffdata: x\n\n', [event('x')]],
    ['an empty type', 'event:\ndata: x\n\n', [event('x')]],
  ])('reads %s', (_name, text, events) => {
    expect(decodeText(text)).toEqual(events);
  });

  it('holds back an event whose blank line has not come', () => {
    const { events, pending } = decode([Buffer.from('event: a\ndata: 1\ndata: 2')]);
    expect(events).toEqual([]);
    expect(pending).toEqual(event('1\n2', 'a'));
  });

  it('has nothing pending after a blank line or a comment', () => {
    expect(decode([Buffer.from('data: 1\n\n')]).pending).toBeUndefined();
    expect(decode([Buffer.from('data: 1\n\n: ping')]).pending).toBeUndefined();
  });

  it('looks at what is pending without taking it', () => {
    const decoder = new SseDecoder();
    decoder.push(Buffer.from('data: a'));
    expect(decoder.pending()).toEqual(decoder.pending());
    expect(decoder.push(Buffer.from('b\n\n'))).toEqual([event('ab')]);
  });

  it('takes a line ending that is split between pieces as one', () => {
    const { events } = decode([Buffer.from('data: a\r'), Buffer.from('\ndata: b\r\n\r'), Buffer.from('\n')]);
    expect(events).toEqual([event('a\nb')]);
  });

  it('gives the same events however the bytes are cut, be they text or not', () => {
    const line = fc.constantFrom('data: ', 'data:', 'event: ', ': ', 'id: 1', '\n', '\r', '\r\n', '\n\n', '\ufeff', 'é', '👋🏽', '文', '{"a":1}', 'x');
    const streams = fc.oneof(
      fc.array(line, { maxLength: 40 }).map((parts) => new Uint8Array(Buffer.from(parts.join('')))),
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.oneof(line.map((text) => [...Buffer.from(text)]), fc.array(fc.integer({ min: 0x80, max: 0xff }), { maxLength: 4 })), { maxLength: 20 }).map((parts) => Uint8Array.from(parts.flat())),
    );
    fc.assert(
      fc.property(streams, fc.array(fc.nat(200), { maxLength: 12 }), (bytes, places) => {
        const whole = decode([bytes]);
        expect(decode(cutAt(bytes, places))).toEqual(whole);
        expect(decode([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
      }),
      { numRuns: 1500 },
    );
  });

  it('takes time in proportion to a line that comes in many pieces', () => {
    const decoder = new SseDecoder();
    decoder.push(Buffer.from('data: '));
    const piece = Buffer.from('x'.repeat(100));
    for (let i = 0; i < 50_000; i++) decoder.push(piece);
    expect(decoder.push(Buffer.from('\n\n'))[0]?.data).toHaveLength(5_000_000);
  });
});
