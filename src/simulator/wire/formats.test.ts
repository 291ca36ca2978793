import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Brain } from '../brain.ts';
import { defaultPlaybook } from '../default-playbook.ts';
import { composeReply } from '../reply.ts';
import { loadTokenizer } from '../tokenizer.ts';
import { anthropicCountTokens, anthropicMessages } from './anthropic-messages.ts';
import { sse, streamPieces, type WireFormat } from './format.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiEmbeddings } from './openai-embeddings.ts';
import { openaiResponses } from './openai-responses.ts';
import { isProblem } from './problem.ts';

const tokenizer = await loadTokenizer();
const brain = new Brain(1, [defaultPlaybook]);
const FORMATS: readonly WireFormat[] = [openaiChat, openaiResponses, openaiEmbeddings, anthropicMessages, anthropicCountTokens];

const anyText = fc.string({ unit: 'binary', maxLength: 30 });
const content = fc.oneof(anyText, fc.array(fc.oneof(fc.record({ type: fc.constantFrom('text', 'input_text', 'image_url', 'tool_result', 'tool_use'), text: anyText }), fc.jsonValue())), fc.jsonValue());
const message = fc.oneof({ arbitrary: fc.record({ role: fc.constantFrom('system', 'user', 'assistant', 'tool'), content }), weight: 9 }, fc.jsonValue());
const tools = fc.oneof(fc.array(fc.oneof(fc.record({ type: fc.constant('function'), name: anyText, input_schema: fc.jsonValue(), function: fc.record({ name: anyText, parameters: fc.jsonValue() }) }), fc.jsonValue())), fc.jsonValue());
const body = fc.record(
  {
    model: fc.constant('weak'),
    messages: fc.oneof({ arbitrary: fc.array(message, { minLength: 1, maxLength: 4 }), weight: 4 }, fc.jsonValue()),
    input: fc.oneof(anyText, fc.array(message, { minLength: 1, maxLength: 4 }), fc.jsonValue()),
    system: content,
    max_tokens: fc.oneof({ arbitrary: fc.constant(20), weight: 4 }, fc.jsonValue()),
    n: fc.oneof({ arbitrary: fc.integer({ min: 1, max: 3 }), weight: 4 }, fc.jsonValue()),
    stop: fc.jsonValue(),
    seed: fc.jsonValue(),
    tools,
    tool_choice: fc.oneof(fc.constantFrom('auto', 'none', 'required'), fc.jsonValue()),
    stream_options: fc.jsonValue(),
    thinking: fc.oneof(fc.constant({ type: 'enabled', budget_tokens: 30 }), fc.jsonValue()),
    dimensions: fc.oneof(fc.constant(8), fc.jsonValue()),
  },
  { requiredKeys: ['model'] },
);

describe.each(FORMATS.map((format) => [format.endpoint, format] as const))('%s', (_name, format) => {
  it('reads any JSON as a request or a problem, and can answer whatever it reads', () => {
    let answered = 0;
    fc.assert(
      fc.property(body, (request) => {
        const ask = format.read(request, undefined);
        if (isProblem(ask)) return;
        answered++;
        const promptTokens = format.promptTokens(ask, tokenizer);
        const reply = composeReply(format.generates ? ask : { ...ask, generations: 0 }, {
          seed: 1,
          brain,
          tokenizer,
          cache: { fraction: 0.5, minTokens: 1 },
          profile: { behaviour: 'weak', toolChance: 0.5, reasoning: { min: 0, max: 5 } },
          variant: '',
          requestId: 'id',
          atMs: 0,
          promptTokens,
          generationHeader: undefined,
          fault: undefined,
        });
        expect(reply.usage.prompt).toBe(promptTokens);
        for (const choice of reply.choices) {
          expect(choice.tokens).toBeLessThanOrEqual(ask.maxTokens ?? Infinity);
          expect(choice.reasoningTokens).toBeLessThanOrEqual(choice.tokens);
        }
        expect(JSON.stringify(format.whole(reply, ask, 'azure'))).toContain('{');
        const frames = format.frames?.(reply, ask, 'azure') ?? [];
        for (const { bytes } of frames) expect(bytes).toMatch(/^(?:event: [\w.]+\n)?data: [^\n]+\n\n$/);
      }),
      { numRuns: 200 },
    );
    expect(answered).toBeGreaterThan(5);
  });
});

describe('sse', () => {
  it('writes one event, named or not, and text as it is', () => {
    expect(sse({ a: 'x\ny' })).toBe('data: {"a":"x\\ny"}\n\n');
    expect(sse({}, 'ping')).toBe('event: ping\ndata: {}\n\n');
    expect(sse('[DONE]')).toBe('data: [DONE]\n\n');
  });
});

describe('streamPieces', () => {
  it('cuts any text into pieces that join to it again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(streamPieces(text).join('')).toBe(text);
      }),
    );
    expect(streamPieces('one two  three\n')).toEqual(['one', ' two', '  three', '\n']);
    expect(streamPieces('')).toEqual([]);
  });
});
