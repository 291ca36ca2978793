import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isObject, parseJson } from '../core/index.ts';
import { withoutUsageChunk } from './hide-usage-chunk.ts';
import { UsageChunkFilter } from './usage-chunk-filter.ts';

const USAGE = '{"id":"c","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}';
const WORD = '{"id":"c","choices":[{"index":0,"delta":{"content":"Grüße 👋"},"finish_reason":null}],"usage":null}';

/** What comes out of a filter for each piece that goes in, and at the end. */
function filtered(pieces: readonly Uint8Array[]): Buffer[] {
  const filter = new UsageChunkFilter();
  return [...pieces.map((piece) => Buffer.from(filter.push(piece))), Buffer.from(filter.end())];
}

const texts = (...pieces: readonly string[]): string[] => filtered(pieces.map((piece) => Buffer.from(piece))).map(String);

const whole = (bytes: Uint8Array): Buffer => Buffer.concat(filtered([bytes]));

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

describe('leaving out the chunk of usage', () => {
  it.each([
    ['between others', `data: ${WORD}\n\ndata: ${USAGE}\n\ndata: [DONE]\n\n`, `data: ${WORD}\n\ndata: [DONE]\n\n`],
    ['without a space after the colon', `data:${USAGE}\n\ndata: [DONE]\n\n`, 'data: [DONE]\n\n'],
    ['with its type and id', `event: message\nid: 7\ndata: ${USAGE}\n\ndata: [DONE]\n\n`, 'data: [DONE]\n\n'],
    ['with CRLF', `data: ${WORD}\r\n\r\ndata: ${USAGE}\r\n\r\ndata: [DONE]\r\n\r\n`, `data: ${WORD}\r\n\r\ndata: [DONE]\r\n\r\n`],
    ['with CR alone', `data: ${WORD}\r\rdata: ${USAGE}\r\rdata: [DONE]\r\r`, `data: ${WORD}\r\rdata: [DONE]\r\r`],
    ['with spaces in its JSON', `data: ${JSON.stringify(JSON.parse(USAGE)).replaceAll(':', ' : ').replaceAll('[]', '[ ]')}\n\n`, ''],
    ['over several lines', 'data: {"usage": {"prompt_tokens": 1},\ndata: "choices": [\ndata: ]}\n\ndata: [DONE]\n\n', 'data: [DONE]\n\n'],
    ['without a blank line at the end', `data: ${WORD}\n\ndata: ${USAGE}\n`, `data: ${WORD}\n\n`],
    ['without any line end', `data: ${WORD}\n\ndata: ${USAGE}`, `data: ${WORD}\n\n`],
    ['after a byte order mark', `\ufeffdata: ${WORD}\n\ndata: ${USAGE}\n\n`, `\ufeffdata: ${WORD}\n\n`],
    ['but not the comment before it', `: ping\ndata: ${USAGE}\n\ndata: [DONE]\n\n`, ': ping\ndata: [DONE]\n\n'],
    ['each of them where several come', `data: ${USAGE}\n\ndata: ${WORD}\n\ndata: ${USAGE}\n\n`, `data: ${WORD}\n\n`],
  ])('leaves it out %s', (_name, input, output) => {
    expect(withoutUsageChunk(input)).toBe(output);
    expect(Buffer.concat(filtered([...Buffer.from(input)].map((byte) => Uint8Array.of(byte)))).toString()).toBe(output);
  });

  it.each([
    ['usage beside a choice', 'data: {"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1}}\n\n'],
    ['an empty list of choices without usage', 'data: {"choices":[],"prompt_filter_results":[]}\n\n'],
    ['usage that is null', 'data: {"choices":[],"usage":null}\n\n'],
    ['usage without choices', 'data: {"type":"message_delta","usage":{"output_tokens":1},"stops":[]}\n\n'],
    ['a chunk of usage that an answer quotes', `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: `data: ${USAGE}\n\n` } }] })}\n\n`],
    ['an event that is cut', `data: ${USAGE.slice(0, -1)}`],
    ['a line that is no data', `: ${USAGE}\n\nnote: ${USAGE}\n\ndatum: ${USAGE}\n\n`],
    ['a body that is no stream', USAGE],
    ['blank lines', '\n\r\n\r\n\n'],
    ['nothing', ''],
    ['an event larger than any chunk of usage', `data: {"choices":[],"usage":{"note":"${'x'.repeat(40_000)}"}}\n\n`],
  ])('lets %s pass', (_name, text) => {
    const bytes = Buffer.from(text);
    expect(texts(text).join('')).toBe(text);
    expect(Buffer.concat(filtered([...bytes].map((byte) => Uint8Array.of(byte))))).toEqual(bytes);
  });
});

describe('what is held back', () => {
  it('is nothing where whole events come, and the bytes are not copied', () => {
    const filter = new UsageChunkFilter();
    const bytes = Buffer.from(`data: ${WORD}\n\ndata: [DONE]\n\n`);
    expect(filter.push(bytes)).toBe(bytes);
    expect(filter.end()).toHaveLength(0);
  });

  it('is an event until it is seen to have a choice', () => {
    expect(texts('data: {"id":"c",', '"choices":[', '{"delta":{"content":"a', 'b"}}]', ',"usage":{}}\n\n')).toEqual([
      '',
      '',
      'data: {"id":"c","choices":[{"delta":{"content":"a',
      'b"}}]',
      ',"usage":{}}\n\n',
      '',
    ]);
  });

  it('is an event until it ends', () => {
    expect(texts('data: {"usage":{},"choices":[]', ',"error":1}\n', '\n')).toEqual(['', '', '', '']);
    expect(texts('data: {"usage":1,"choices":[]', '}\n', '\n')).toEqual(['', '', 'data: {"usage":1,"choices":[]}\n\n', '']);
  });

  it('is no event whose data is no object', () => {
    expect(texts('data: [', 'DONE]\n', '\n')).toEqual(['data: [', 'DONE]\n', '\n', '']);
  });

  it('is no comment that is whole', () => {
    expect(texts(': ping\n', ': pong\ndata: {"a', '":1}\n\n')).toEqual([': ping\n', ': pong\n', 'data: {"a":1}\n\n', '']);
  });

  it('does not keep an event from going out that is complete but for the second half of its last line end', () => {
    expect(texts('data: {}\r\n\r', '\ndata: x')).toEqual(['data: {}\r\n\r', '\ndata: x', '']);
    expect(texts(`data: ${USAGE}\r\n\r`, '\n', 'data: x')).toEqual(['', '', 'data: x', '']);
    expect(texts(`data: ${USAGE}\r\n\r\ndata: {"a":1}\r`, '\n\r', '\n')).toEqual(['', 'data: {"a":1}\r\n\r', '\n', '']);
  });

  it('is bounded, whatever comes', () => {
    const filter = new UsageChunkFilter();
    const piece = Buffer.from('x'.repeat(1000));
    let sent = filter.push(Buffer.from('data: {"note":"')).length;
    for (let i = 0; i < 1000; i++) sent += filter.push(piece).length;
    expect(sent).toBe(15 + 1_000_000);
    expect(filter.end()).toHaveLength(0);
  });

  it('comes out at the end as it is', () => {
    expect(texts('data: {"choices":[]', ',"usa')).toEqual(['', '', 'data: {"choices":[],"usa']);
  });
});

describe('however the bytes are cut', () => {
  const eol = fc.constantFrom('\n', '\r\n', '\r');
  const json = fc.constantFrom(USAGE, WORD, '{"choices":[],"usage":{}}', '{"usage":{"a":[]},"choices":[ ]}', '{"choices":[],"usage":null}', '{"choices":[{}],"usage":{}}', '{"usage":{},"choices":[{"a":1}]}', '[DONE]', '{', '[]', '"é文👋🏽"');
  const field = fc.oneof({ weight: 3, arbitrary: json.map((data) => `data: ${data}`) }, fc.constantFrom('event: x', 'id: 1', ': ping', ':', 'data', 'data:', 'foo', 'da'));
  const streams = fc.array(fc.oneof(fc.tuple(field, eol, eol).map((parts) => parts.join('')), fc.tuple(field, eol).map((parts) => parts.join('')), eol, fc.constantFrom('data: {"choices":', '[', ']', ',"usage":{}}')), { maxLength: 14 });

  it('gives what it gives for the whole', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(3000), { maxLength: 15 }), (parts, places) => {
        const bytes = Buffer.from(parts.join(''));
        const expected = whole(bytes);
        expect(Buffer.concat(filtered(cut(bytes, places)))).toEqual(expected);
        expect(Buffer.concat(filtered([...bytes].map((byte) => Uint8Array.of(byte))))).toEqual(expected);
      }),
      { numRuns: 1500 },
    );
  });

  it('gives what taking whole events apart gives, bytes that are not text included', () => {
    const junk = fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 5, arbitrary: fc.tuple(field, eol, eol).map((parts) => Buffer.from(parts.join('')).toString('latin1')) }, junk), { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        expect(whole(Buffer.from(text, 'latin1')).toString('latin1')).toBe(byEvents(text));
      }),
      { numRuns: 1500 },
    );
  });

  it('never gives out less than the events that are over, nor what is left out later', () => {
    fc.assert(
      fc.property(streams, fc.nat(3000), (parts, place) => {
        const bytes = Buffer.from(parts.join(''));
        const before = bytes.subarray(0, place % (bytes.length + 1));
        const filter = new UsageChunkFilter();
        const early = Buffer.from(filter.push(before)).toString('latin1');
        const lines = before.toString('latin1').match(/[^\r\n]*(?:\r\n|\r|\n)/g) ?? [];
        const over = lines.slice(0, lines.findLastIndex((line) => line.trim() === '') + 1).join('');
        expect(early.startsWith(byEvents(over))).toBe(true);
        expect(whole(bytes).toString('latin1').startsWith(early)).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });

  it.each(readdirSync(new URL('../protocols/fixtures/', import.meta.url)).filter((name) => /^chat-stream.*\.txt$/.test(name)))('holds for %s', (name) => {
    const bytes = readFileSync(new URL(`../protocols/fixtures/${name}`, import.meta.url));
    const expected = byEvents(bytes.toString('latin1'));
    expect(whole(bytes).toString('latin1')).toBe(expected);
    expect(Buffer.concat(filtered([...bytes].map((byte) => Uint8Array.of(byte)))).toString('latin1')).toBe(expected);
  });
});

/** The same rule over whole events, done slowly and plainly. */
function byEvents(text: string): string {
  const lines = text.match(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g) ?? [];
  let out = '';
  let event: string[] = [];
  const flush = (): void => {
    const data = event.map((line) => line.replace(/^\u00ef\u00bb\u00bf/, '').replace(/(?:\r\n|\r|\n)$/, '')).filter((line) => line.startsWith('data:')).map((line) => line.slice(5).replace(/^ /, '')).join('\n');
    const chunk = parseJson(data);
    const isUsage = isObject(chunk) && isObject(chunk['usage']) && Array.isArray(chunk['choices']) && chunk['choices'].length === 0;
    if (!isUsage) out += event.join('');
    event = [];
  };
  for (const line of lines) {
    if (event.length === 0 && line.startsWith(':')) out += line;
    else event.push(line);
    if (/^(?:\r\n|\r|\n)$/.test(line)) flush();
  }
  flush();
  return out;
}
