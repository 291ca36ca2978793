import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Protocol } from './contract.ts';
import { fixture, fixtureNames } from './fixtures/fixture.ts';
import { cutAt, readPieces, readStream } from './fixtures/stream.ts';
import { protocols } from './recognise.ts';

const OF: readonly (readonly [RegExp, Protocol])[] = [
  [/^(?:chat|text-completion)/, protocols['openai-chat']],
  [/^responses/, protocols['openai-responses']],
  [/^anthropic/, protocols['anthropic-messages']],
  [/^gemini/, protocols.gemini],
  [/^ollama/, protocols.ollama],
];

const STREAMS = fixtureNames(/stream.*\.txt$/).map((name) => {
  const protocol = OF.find(([pattern]) => pattern.test(name))?.[1];
  if (protocol === undefined) throw new Error(`no protocol reads ${name}`);
  return { name, protocol, text: fixture(name), bytes: new Uint8Array(Buffer.from(fixture(name))) };
});

/** What each format ends a stream with: none of it, no end. */
const TERMINATOR: Readonly<Record<string, RegExp>> = {
  'openai-chat': /\[DONE\]|"finish_reason":\s*"/,
  'openai-responses': /"type":"response\.(?:completed|incomplete|cancelled)"/,
  'anthropic-messages': /"type":"message_stop"/,
  gemini: /"(?:finishReason|blockReason)"/,
  ollama: /"done":true/,
};

const places = fc.array(fc.nat(20_000), { maxLength: 25 });

describe.each(STREAMS)('$name', ({ protocol, text, bytes }) => {
  it('reads the same however its bytes are cut', () => {
    const whole = readPieces(protocol, [bytes]);
    expect(readPieces(protocol, [...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
    fc.assert(
      fc.property(places, (cuts) => {
        expect(readPieces(protocol, cutAt(bytes, cuts))).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });

  it('is complete at no cut before its end has come, and only ever tells of a beginning', () => {
    const whole = readPieces(protocol, [bytes]);
    const full = whole.answers.map((answer) => answer.text);
    const terminator = TERMINATOR[protocol.name]!;
    const seen = { complete: 0 };
    for (let length = 0; length <= bytes.length; length += length < bytes.length - 600 ? 37 : 1) {
      const facts = readPieces(protocol, [bytes.subarray(0, length)]);
      const cut = Buffer.from(bytes.subarray(0, length)).toString();
      expect(facts.complete && !terminator.test(cut)).toBe(false);
      expect(facts.malformed && !whole.malformed).toBe(false);
      expect(facts.answers.length).toBeLessThanOrEqual(full.length);
      // Of several answers any may come first; a single one only grows.
      const single = full.length === 1 ? facts.answers : [];
      expect(single.every((answer) => full[0]!.startsWith(answer.text))).toBe(true);
      if (facts.complete) seen.complete += 1;
    }
    expect(seen.complete > 0).toBe(whole.complete);
  });

  it('survives damage', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.uint8Array({ maxLength: 8 }), fc.nat(40), (at, junk, drop) => {
        const damaged = Buffer.concat([bytes.subarray(0, at), junk, bytes.subarray(at + drop)]);
        const facts = readPieces(protocol, [damaged]);
        expect(facts.malformed && facts.complete).toBe(false);
        expect(facts.error !== undefined && facts.complete).toBe(false);
      }),
      { numRuns: 60 },
    );
    expect(readStream(protocol, text)).toEqual(readPieces(protocol, [bytes]));
  });
});

describe('streams made up of any text', () => {
  const words = fc.array(fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.toWellFormed()), { minLength: 1, maxLength: 8 });
  const ending = fc.constantFrom('\n', '\r\n', '\r');

  it('give that text back from any pieces, in chat completions', () => {
    fc.assert(
      fc.property(words, ending, places, (parts, eol, cuts) => {
        const events = parts.map((content) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null as string | null }] }));
        events.push({ choices: [{ index: 0, delta: { content: '' }, finish_reason: 'stop' }] });
        const bytes = Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}${eol}${eol}`).join(''));
        const facts = readPieces(protocols['openai-chat'], cutAt(bytes, cuts));
        expect(facts.answers[0]).toMatchObject({ text: parts.join(''), finishReason: 'stop' });
        expect(facts.complete).toBe(true);
        expect(facts.started).toBe(parts.join('') !== '');
      }),
      { numRuns: 300 },
    );
  });

  it('give that text back from any pieces, in messages', () => {
    fc.assert(
      fc.property(words, ending, places, (parts, eol, cuts) => {
        const events = [
          { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
          ...parts.map((text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
          { type: 'message_stop' },
        ];
        const bytes = Buffer.from(events.map((event) => `event: ${event.type}${eol}data: ${JSON.stringify(event)}${eol}${eol}`).join(''));
        const facts = readPieces(protocols['anthropic-messages'], cutAt(bytes, cuts));
        expect(facts.answers[0]?.text).toBe(parts.join(''));
        expect(facts.complete).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('give that text back from any pieces, in responses', () => {
    fc.assert(
      fc.property(words, ending, places, (parts, eol, cuts) => {
        const events = [
          ...parts.map((delta) => ({ type: 'response.output_text.delta', output_index: 0, delta })),
          { type: 'response.completed', response: { status: 'completed', output: [] } },
        ];
        const bytes = Buffer.from(events.map((event) => `event: ${event.type}${eol}data: ${JSON.stringify(event)}${eol}${eol}`).join(''));
        const facts = readPieces(protocols['openai-responses'], cutAt(bytes, cuts));
        expect(facts.answers[0]?.text).toBe(parts.join(''));
        expect(facts.complete).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('streams that are no events, made up of any text', () => {
  const words = fc.array(fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.toWellFormed()), { minLength: 1, maxLength: 8 });

  it('give that text back from any pieces, in an array', () => {
    fc.assert(
      fc.property(words, fc.constantFrom(',', ',\n', '\n,\r\n', ' , '), fc.constantFrom(undefined, 2), places, (parts, comma, indent, cuts) => {
        const members: object[] = parts.map((text) => ({ candidates: [{ content: { parts: [{ text, nested: [[{ text }]] }] } }] }));
        members.push({ candidates: [{ finishReason: 'STOP' }] });
        const bytes = Buffer.from(`[${members.map((member) => JSON.stringify(member, null, indent)).join(comma)}]`);
        const facts = readPieces(protocols.gemini, cutAt(bytes, cuts));
        expect(facts.answers[0]?.text).toBe(parts.join(''));
        expect(facts.complete).toBe(true);
        expect(facts.started).toBe(parts.join('') !== '');
      }),
      { numRuns: 300 },
    );
  });

  it('give that text back from any pieces, in lines', () => {
    fc.assert(
      fc.property(words, fc.constantFrom('\n', '\r\n', '\n\n'), places, (parts, eol, cuts) => {
        const lines = [...parts.map((response) => ({ response, done: false })), { response: '', done: true, done_reason: 'stop', eval_count: parts.length }];
        const bytes = Buffer.from(lines.map((line) => JSON.stringify(line) + eol).join(''));
        const facts = readPieces(protocols.ollama, cutAt(bytes, cuts));
        expect(facts).toMatchObject({ answers: [{ text: parts.join('') }], complete: true, usage: { outputText: parts.length }, started: parts.join('') !== '' });
      }),
      { numRuns: 300 },
    );
  });
});

describe.each(Object.values(protocols))('$name on garbage', (protocol) => {
  // Keys that the formats use, holding anything: what a careless or hostile server may send.
  const key = fc.constantFrom('choices', 'delta', 'message', 'content', 'tool_calls', 'function', 'index', 'usage', 'error', 'type', 'output', 'response', 'item', 'data', 'id', 'model', 'finish_reason', 'innererror', 'prompt_tokens', 'messages', 'input', 'tools', 'text', 'candidates', 'parts', 'functionCall', 'args', 'finishReason', 'usageMetadata', 'promptTokenCount', 'totalTokenCount', 'promptFeedback', 'blockReason', 'safetyRatings', 'details', 'retryDelay', 'contents', 'requests', 'generationConfig', 'response', 'done', 'done_reason', 'prompt_eval_count', 'embeddings', 'options', '__proto__');
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 5 }, fc.constantFrom('message', 'error', 'text', 'message_start', 'content_block_delta', 'response.completed', 'stop'), fc.jsonValue({ maxDepth: 1 }), fc.array(tie('any'), { maxLength: 3 }), fc.dictionary(key, tie('any'), { maxKeys: 5 })),
  })).any;

  it('never throws, whole', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), value.map((any) => JSON.stringify(any))), fc.constantFrom(200, 201, 400, 429, 500), (body, status) => {
        const facts = protocol.readResponse(status, body);
        expect(facts.complete && (facts.malformed || facts.error !== undefined)).toBe(false);
        expect(status < 400 || facts.error?.message !== undefined).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws, streamed', () => {
    const event = fc.oneof(value.map((any) => `data: ${JSON.stringify(any)}\n\n`), value.map((any) => `${JSON.stringify(any)}\n`), fc.constantFrom('[', ']', ','), fc.string({ unit: 'binary' }), fc.constant('data: [DONE]\n\n'));
    fc.assert(
      fc.property(fc.array(event, { maxLength: 8 }), places, (events, cuts) => {
        const bytes = Buffer.from(events.join(''));
        const facts = readPieces(protocol, cutAt(bytes, cuts));
        expect(facts).toEqual(readPieces(protocol, [bytes]));
        expect(facts.complete && (facts.malformed || facts.error !== undefined)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('never throws on a request, and gives counts that are counts', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), value), fc.oneof(fc.string(), fc.constantFrom('/api/chat', '/api/generate', '/api/embed', '/models/m:generateContent', '/models/m:batchEmbedContents')), (body, path) => {
        const facts = protocol.readRequest(body, path);
        expect(Number.isSafeInteger(facts.promptOverhead) && facts.promptOverhead >= 0).toBe(true);
        expect(facts.generations).toBeGreaterThanOrEqual(1);
        expect(facts.promptText).toBeTypeOf('string');
      }),
      { numRuns: 500 },
    );
  });
});
