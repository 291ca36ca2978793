import { describe, expect, it } from 'vitest';
import { openAiChat } from './openai-chat.ts';

const PATH = '/v1/chat/completions';
const read = (body: unknown, path = PATH) => openAiChat.readRequest(body, path);

describe('a chat request', () => {
  it('tells model, bounds, generations and stream', () => {
    expect(read({ model: 'gpt-4.1', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 10, max_completion_tokens: 20, n: 3, stream: true, stream_options: { include_usage: true } })).toEqual({
      model: 'gpt-4.1',
      stream: true,
      maxOutput: 20,
      generations: 3,
      promptText: 'Hi',
      promptOverhead: 6,
      usageInStream: true,
    });
  });

  it('leaves out what the request leaves out', () => {
    expect(read({ messages: [] })).toEqual({ model: undefined, stream: false, maxOutput: undefined, generations: 1, promptText: '', promptOverhead: 0, usageInStream: false });
  });

  it('takes the model from an Azure path where the body has none, decoded', () => {
    expect(read({}, '/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21').model).toBe('my gpt');
    expect(read({ model: 'other' }, '/openai/deployments/my-gpt/chat/completions').model).toBe('other');
    expect(read({}, '/openai/deployments/%E0%A4/chat/completions').model).toBe('%E0%A4');
  });

  it('collects all that the model reads: messages, parts, tool calls and results, tools, schema', () => {
    const { promptText, promptOverhead } = read({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', name: 'ann', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } }] },
        { role: 'assistant', content: null, reasoning_content: 'Hm.', tool_calls: [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }] },
        { role: 'tool', tool_call_id: 'c', content: 'A cat' },
      ],
      tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
      response_format: { type: 'json_schema', json_schema: { name: 'animal' } },
    });
    expect(promptText.split('\n')).toEqual([
      'Be brief.',
      'ann',
      'What is this?',
      'Hm.',
      'look',
      '{"at":1}',
      'A cat',
      '{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}',
      '{"name":"animal"}',
    ]);
    expect(promptOverhead).toBe(4 * 3 + 1 + 3 + 85);
  });

  it('counts an image of unknown size as one of 1024 × 1024, and never its bytes', () => {
    const { promptText, promptOverhead } = read({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }, { type: 'file', file: { file_data: 'AAAA' } }] }] });
    expect(promptText).toBe('');
    expect(promptOverhead).toBe(6 + 765 + 765);
  });

  it('reads text prompts, and counts token prompts exactly', () => {
    expect(read({ model: 'm', prompt: ['a', 'b'], best_of: 4, n: 2 }, '/v1/completions')).toMatchObject({ promptText: 'a\nb', promptOverhead: 0, generations: 4 });
    expect(read({ prompt: [1, 2, 3] }, '/v1/completions')).toMatchObject({ promptText: '', promptOverhead: 3 });
    expect(read({ prompt: [[1, 2], [3]] }, '/v1/completions')).toMatchObject({ promptText: '', promptOverhead: 3 });
  });

  it.each([[undefined], [null], ['text'], [[]], [7], [{ messages: 'x', tools: 'y', n: 'z', max_tokens: -1, model: 5 }], [{ messages: [null, 1, { content: { type: 'text' } }] }]])('survives a body that is none: %j', (body) => {
    expect(read(body)).toMatchObject({ model: undefined, maxOutput: undefined, generations: 1 });
  });

  it('survives nesting without end', () => {
    let content: unknown = 'deep';
    for (let depth = 0; depth < 50_000; depth++) content = [{ type: 'tool_result', content }];
    expect(read({ messages: [{ role: 'user', content }] }).promptText).not.toContain('deep');
  });
});

describe('asking for usage in the stream', () => {
  it('adds the option to a streamed request, keeping others', () => {
    expect(openAiChat.askForStreamUsage({ stream: true, model: 'm' })).toEqual({ stream: true, model: 'm', stream_options: { include_usage: true } });
    expect(openAiChat.askForStreamUsage({ stream: true, stream_options: { include_usage: false, include_obfuscation: false } })).toEqual({ stream: true, stream_options: { include_usage: true, include_obfuscation: false } });
  });

  it('leaves alone what asks already or is not streamed', () => {
    expect(openAiChat.askForStreamUsage({ stream: true, stream_options: { include_usage: true } })).toBeUndefined();
    expect(openAiChat.askForStreamUsage({ stream: true, usage: { include: true } })).toBeUndefined();
    expect(openAiChat.askForStreamUsage({ model: 'm' })).toBeUndefined();
  });
});
