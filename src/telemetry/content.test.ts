import { expect, it } from 'vitest';
import { inputMessages, outputMessages } from './content.ts';

it('gives conversations and answers in the form of the conventions', () => {
  const call = { id: 'c1', name: 'look', argumentsText: '{"at":"it"}' };
  expect(JSON.parse(inputMessages([{ role: 'user', content: 'hi' }, { role: 'assistant', content: '', toolCalls: [call] }, { role: 'tool', content: 'seen', toolCallId: 'c1', name: 'look' }]))).toEqual([
    { role: 'user', parts: [{ type: 'text', content: 'hi' }] },
    { role: 'assistant', parts: [{ type: 'tool_call', id: 'c1', name: 'look', arguments: { at: 'it' } }] },
    { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', result: 'seen' }] },
  ]);
  expect(JSON.parse(outputMessages([{ text: 'hello', reasoning: 'hm', toolCalls: [{ ...call, argumentsText: '{broken' }], finishReason: 'tool_calls', blocked: false, callId: 'x' }]))).toEqual([
    { role: 'assistant', parts: [{ type: 'reasoning', content: 'hm' }, { type: 'text', content: 'hello' }, { type: 'tool_call', id: 'c1', name: 'look', arguments: '{broken' }], finish_reason: 'tool_call' },
  ]);
});

it('cuts what no collector would take, and says so', () => {
  const [message] = JSON.parse(inputMessages([{ role: 'user', content: 'x'.repeat(20_000) }])) as [{ parts: [{ content: string }] }];
  expect(message.parts[0].content).toHaveLength(16_384 + '… [3616 more characters]'.length);
  expect(message.parts[0].content).toMatch(/… \[3616 more characters\]$/);
});
