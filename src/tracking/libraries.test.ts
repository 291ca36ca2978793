import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { ChatOpenAI } from '@langchain/openai';
import { stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { currentScope, phase, role, trial } from './index.ts';

/** A model whose answers come at once, and which notes in whose scope it was asked. The first `toolTurns` answers call a tool. */
function model({ toolTurns = 0 }: { readonly toolTurns?: number } = {}): { readonly fetch: typeof fetch; readonly asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    asked,
    fetch: async (_url, init) => {
      asked.push(currentScope());
      const { stream } = JSON.parse(init?.body as string) as { readonly stream?: boolean };
      const usesTool = asked.length <= toolTurns;
      const message = usesTool ? { role: 'assistant', tool_calls: [{ index: 0, id: `t${asked.length}`, type: 'function', function: { name: 'look', arguments: '{}' } }] } : { role: 'assistant', content: 'an answer' };
      const finish_reason = usesTool ? 'tool_calls' : 'stop';
      const head = { id: 'c', created: 1, model: 'm' };
      if (stream !== true) return Response.json({ ...head, object: 'chat.completion', choices: [{ index: 0, message, finish_reason }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } });
      const events = [{ choices: [{ index: 0, delta: message, finish_reason: null }] }, { choices: [{ index: 0, delta: {}, finish_reason }] }];
      const text = events.map((event) => `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...event })}\n\n`).join('');
      return new Response(`${text}data: [DONE]\n\n`, { headers: { 'content-type': 'text/event-stream' } });
    },
  };
}

async function consume(stream: AsyncIterable<unknown>): Promise<void> {
  await trial('consumer', async () => {
    for await (const _part of stream);
  });
}

const IN_TRIAL = { trial: 't', role: 'target' };
const inTrial = <T>(fn: () => T): T => trial('t', () => role('target', fn));

describe('what a library goes on to do when its stream is consumed elsewhere stays in the trial', () => {
  it('LangGraph: the nodes of a graph', async () => {
    const { fetch, asked } = model();
    const llm = new ChatOpenAI({ model: 'm', apiKey: 'none', maxRetries: 0, configuration: { baseURL: 'http://127.0.0.1:9/v1', fetch } });
    const state = Annotation.Root({ turns: Annotation<number>() });
    const turn = async ({ turns }: typeof state.State): Promise<typeof state.Update> => {
      await llm.invoke('a question');
      return { turns: turns + 1 };
    };
    const graph = new StateGraph(state).addNode('one', turn).addNode('two', turn).addNode('three', turn).addEdge(START, 'one').addEdge('one', 'two').addEdge('two', 'three').addEdge('three', END).compile();
    await consume(await inTrial(() => graph.stream({ turns: 0 })));
    expect(asked).toEqual([IN_TRIAL, IN_TRIAL, IN_TRIAL]);
  });

  it('AI SDK: the steps of a tool loop', async () => {
    const { fetch, asked } = model({ toolTurns: 2 });
    const looked: unknown[] = [];
    const provider = createOpenAICompatible({ name: 'x', baseURL: 'http://127.0.0.1:9/v1', apiKey: 'none', fetch });
    const look = tool({ description: 'looks', inputSchema: z.object({}), execute: async () => void looked.push(currentScope()) });
    const result = inTrial(() => streamText({ model: provider('m'), prompt: 'a question', stopWhen: stepCountIs(5), tools: { look } }));
    await consume(result.textStream);
    expect(asked).toEqual([IN_TRIAL, IN_TRIAL, IN_TRIAL]);
    expect(looked).toEqual([IN_TRIAL, IN_TRIAL]);
  });

  it('OpenAI SDK: its promise keeps its methods, its stream its own', async () => {
    const { fetch, asked } = model();
    const client = new OpenAI({ baseURL: 'http://127.0.0.1:9/v1', apiKey: 'none', maxRetries: 0, fetch });
    const ask = { model: 'm', messages: [{ role: 'user' as const, content: 'a question' }] };
    const { data, response } = await inTrial(() => client.chat.completions.create(ask)).withResponse();
    expect([data.choices[0]?.message.content, response.status]).toEqual(['an answer', 200]);
    const stream = await inTrial(() => client.chat.completions.create({ ...ask, stream: true }));
    expect(stream.controller).toBeInstanceOf(AbortController);
    await consume(stream);
    await inTrial(() => phase('helper', () => client.chat.completions.stream(ask))).finalChatCompletion();
    expect(asked).toEqual([IN_TRIAL, IN_TRIAL, { ...IN_TRIAL, phase: 'helper' }]);
  });
});
