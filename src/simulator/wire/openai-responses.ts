import { asString, isObject } from '../../core/index.ts';
import { type Ask, type AskMessage, makeAsk, type ToolChoice, type ToolOffer } from '../ask.ts';
import { chatPromptTokens, type Choice, type Reply } from '../reply.ts';
import { type Frame, sse, streamPieces, type WireFormat } from './format.ts';
import type { Problem } from './problem.ts';
import { contentText, messageRole, positiveInteger } from './read-fields.ts';

/** OpenAI's responses, without stored state ("Responses" and "Streaming events" in the API reference). */
export const openaiResponses: WireFormat = {
  endpoint: 'responses',
  generates: true,
  read: (body, modelInPath) => {
    const model = modelInPath ?? asString(body['model']);
    if (model === undefined) return { kind: 'missing', param: 'model' };
    if (typeof body['previous_response_id'] === 'string') {
      return { kind: 'invalid', param: 'previous_response_id', message: `Previous response with id '${body['previous_response_id']}' not found.` };
    }
    const read = readInput(body['input'], asString(body['instructions']));
    if ('kind' in read) return read;
    const maxTokens = positiveInteger(body['max_output_tokens']);
    if (maxTokens === 'invalid') return { kind: 'invalid', param: 'max_output_tokens' };
    return makeAsk({
      model,
      ...read,
      stream: body['stream'] === true,
      maxTokens,
      tools: readTools(body['tools']),
      toolsText: Array.isArray(body['tools']) && body['tools'].length > 0 ? JSON.stringify(body['tools']) : '',
      toolChoice: readToolChoice(body['tool_choice']),
    });
  },
  promptTokens: chatPromptTokens,
  whole: (reply, ask) => responseObject(reply, ask, 'ended'),
  frames: (reply, ask) => {
    const frames: Frame[] = [];
    const push = (type: string, data: object, delta?: string): void => {
      frames.push({ bytes: sse({ type, sequence_number: frames.length, ...data }, type), ...(delta === undefined ? {} : { delta }) });
    };
    push('response.created', { response: responseObject(reply, ask, 'in_progress') });
    push('response.in_progress', { response: responseObject(reply, ask, 'in_progress') });
    for (const [index, item] of outputItems(reply).entries()) {
      push('response.output_item.added', { output_index: index, item: item.opening });
      const at = { item_id: item.id, output_index: index };
      if (item.type === 'message') {
        const part = { ...at, content_index: 0 };
        push('response.content_part.added', { ...part, part: textPart('') });
        for (const piece of streamPieces(item.text)) push('response.output_text.delta', { ...part, delta: piece, logprobs: [] }, piece);
        push('response.output_text.done', { ...part, text: item.text, logprobs: [] });
        push('response.content_part.done', { ...part, part: textPart(item.text) });
      } else if (item.type === 'function_call') {
        for (const piece of streamPieces(item.text)) push('response.function_call_arguments.delta', { ...at, delta: piece }, piece);
        push('response.function_call_arguments.done', { ...at, arguments: item.text });
      }
      push('response.output_item.done', { output_index: index, item: item.closing });
    }
    const response = responseObject(reply, ask, 'ended');
    push(`response.${response.status}`, { response });
    return frames;
  },
};

interface OutputItem {
  readonly type: 'reasoning' | 'message' | 'function_call';
  readonly id: string;
  /** Text of a message, arguments of a call. */
  readonly text: string;
  readonly opening: object;
  readonly closing: object;
}

function outputItems({ requestId, choices }: Reply): OutputItem[] {
  return choices.flatMap((choice) => {
    const reasoning = choice.reasoningTokens > 0 ? [reasoningItem(`rs_${requestId}`)] : [];
    return [...reasoning, choice.call === undefined ? messageItem(`msg_${requestId}`, choice) : callItem(`fc_${requestId}`, choice.call)];
  });
}

function reasoningItem(id: string): OutputItem {
  const item = { id, type: 'reasoning', summary: [] };
  return { type: 'reasoning', id, text: '', opening: item, closing: item };
}

function messageItem(id: string, choice: Choice): OutputItem {
  const item = { id, type: 'message', role: 'assistant' };
  const status = choice.finish === 'length' || choice.finish === 'content_filter' ? 'incomplete' : 'completed';
  return {
    type: 'message',
    id,
    text: choice.text,
    opening: { ...item, status: 'in_progress', content: [] },
    closing: { ...item, status, content: [textPart(choice.text)] },
  };
}

function callItem(id: string, call: NonNullable<Choice['call']>): OutputItem {
  const item = { id, type: 'function_call', call_id: call.id, name: call.name };
  return {
    type: 'function_call',
    id,
    text: call.argumentsText,
    opening: { ...item, status: 'in_progress', arguments: '' },
    closing: { ...item, status: 'completed', arguments: call.argumentsText },
  };
}

function textPart(text: string): object {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}

function responseObject(reply: Reply, ask: Ask, state: 'in_progress' | 'ended'): { readonly status: string } {
  const ended = state === 'ended';
  const finish = reply.choices[0]?.finish;
  const reason = finish === 'length' ? 'max_output_tokens' : finish === 'content_filter' ? 'content_filter' : undefined;
  const endStatus = reason === undefined ? 'completed' : 'incomplete';
  const { usage } = reply;
  return {
    id: `resp_${reply.requestId}`,
    object: 'response',
    created_at: Math.floor(reply.atMs / 1000),
    status: ended ? endStatus : 'in_progress',
    error: null,
    incomplete_details: ended && reason !== undefined ? { reason } : null,
    instructions: null,
    max_output_tokens: ask.maxTokens ?? null,
    metadata: {},
    model: reply.model,
    output: ended ? outputItems(reply).map(({ closing }) => closing) : [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    usage:
      ended && reply.showUsage
        ? {
            input_tokens: usage.prompt,
            input_tokens_details: { cached_tokens: usage.cacheRead },
            output_tokens: usage.completion,
            output_tokens_details: { reasoning_tokens: usage.reasoning },
            total_tokens: usage.prompt + usage.completion,
          }
        : null,
    user: null,
  } as { readonly status: string };
}

function readInput(input: unknown, instructions: string | undefined): Pick<Ask, 'messages' | 'images'> | Problem {
  if (input === undefined) return { kind: 'missing', param: 'input' };
  const messages: AskMessage[] = instructions === undefined ? [] : [{ role: 'system', text: instructions }];
  if (typeof input === 'string') return { messages: [...messages, { role: 'user', text: input }], images: 0 };
  if (!Array.isArray(input) || input.length === 0) return { kind: 'invalid', param: 'input' };
  let images = 0;
  for (const [index, item] of input.entries()) {
    if (!isObject(item)) return { kind: 'invalid', param: `input[${index}]` };
    const type = asString(item['type']) ?? 'message';
    if (type === 'function_call') {
      messages.push({ role: 'assistant', text: JSON.stringify({ name: item['name'], arguments: item['arguments'] }) });
    } else if (type === 'function_call_output') {
      const { output } = item;
      messages.push({ role: 'tool', text: typeof output === 'string' ? output : contentText(output).text });
    } else if (type === 'message') {
      const role = messageRole(item['role']);
      if (role === undefined) return { kind: 'invalid', param: `input[${index}].role` };
      const content = contentText(item['content']);
      messages.push({ role, text: content.text });
      images += content.images;
    }
    // Reasoning items and references to stored ones carry nothing that a simulated model reads.
  }
  return { messages, images };
}

function readTools(value: unknown): ToolOffer[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((tool) => {
    const name = isObject(tool) && tool['type'] === 'function' ? asString(tool['name']) : undefined;
    return isObject(tool) && name !== undefined ? [{ name, parameters: tool['parameters'] }] : [];
  });
}

function readToolChoice(value: unknown): ToolChoice {
  if (value === 'none' || value === 'required') return value;
  const name = isObject(value) && value['type'] === 'function' ? asString(value['name']) : undefined;
  return name === undefined ? 'auto' : { name };
}
