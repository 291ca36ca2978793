import { asNumber, asString, isObject, parseJson } from '../../core/index.ts';
import { type Ask, type AskMessage, makeAsk, type ToolChoice, type ToolOffer } from '../ask.ts';
import { chatPromptTokens, type Choice, type Finish, type Reply } from '../reply.ts';
import { type Frame, sse, streamPieces, type WireFormat } from './format.ts';
import type { Problem } from './problem.ts';
import { contentText, positiveInteger, stringList } from './read-fields.ts';

/** Anthropic's messages ("Messages" and "Streaming messages" in the API docs). */
export const anthropicMessages: WireFormat = {
  endpoint: 'messages',
  generates: true,
  read: (body) => readMessagesRequest(body, true),
  promptTokens: chatPromptTokens,
  whole: (reply) => {
    const choice = reply.choices[0]!;
    return {
      ...messageHead(reply),
      content: contentBlocks(choice),
      stop_reason: STOP_REASON[choice.finish],
      stop_sequence: choice.stopSequence ?? null,
      stop_details: stopDetails(choice),
      ...(reply.showUsage ? { usage: { ...inputUsage(reply), ...outputUsage(reply) } } : {}),
    };
  },
  frames: (reply) => {
    const choice = reply.choices[0]!;
    const frames: Frame[] = [];
    const push = (type: string, data: object = {}, delta?: string): void => {
      frames.push({ bytes: sse({ type, ...data }, type), ...(delta === undefined ? {} : { delta }) });
    };
    // The opening counts the first token; the closing figures are totals, not additions.
    const opening = reply.showUsage ? { usage: { ...inputUsage(reply), output_tokens: Math.min(1, reply.usage.completion) } } : {};
    push('message_start', { message: { ...messageHead(reply), content: [], stop_reason: null, stop_sequence: null, stop_details: null, ...opening } });
    push('ping');
    for (const [index, block] of contentBlocks(choice).entries()) {
      push('content_block_start', { index, content_block: openingBlock(block) });
      for (const { delta, text } of blockDeltas(block)) push('content_block_delta', { index, delta }, text);
      push('content_block_stop', { index });
    }
    push('message_delta', {
      delta: { stop_reason: STOP_REASON[choice.finish], stop_sequence: choice.stopSequence ?? null, stop_details: stopDetails(choice) },
      ...(reply.showUsage ? { usage: { ...inputUsage(reply), ...outputUsage(reply) } } : {}),
    });
    push('message_stop');
    return frames;
  },
};

/** Anthropic's token counting: the prompt's tokens, with nothing generated or charged. */
export const anthropicCountTokens: WireFormat = {
  endpoint: 'messages.count_tokens',
  generates: false,
  read: (body) => readMessagesRequest(body, false),
  promptTokens: chatPromptTokens,
  whole: (reply) => ({ input_tokens: reply.usage.prompt }),
};

const STOP_REASON: { readonly [F in Finish]: string } = {
  stop: 'end_turn',
  stop_sequence: 'stop_sequence',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
};

type Block =
  | { readonly type: 'thinking'; readonly thinking: string; readonly signature: string }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown };

function contentBlocks(choice: Choice): Block[] {
  const blocks: Block[] = [];
  if (choice.reasoningTokens > 0) blocks.push({ type: 'thinking', thinking: choice.reasoning, signature: 'c2ltdWxhdGVk' });
  if (choice.call !== undefined) blocks.push({ type: 'tool_use', id: choice.call.id, name: choice.call.name, input: parseJson(choice.call.argumentsText) });
  else if (choice.text !== '') blocks.push({ type: 'text', text: choice.text });
  return blocks;
}

function openingBlock(block: Block): object {
  if (block.type === 'text') return { ...block, text: '' };
  return block.type === 'thinking' ? { ...block, thinking: '', signature: '' } : { ...block, input: {} };
}

function blockDeltas(block: Block): { readonly delta: object; readonly text?: string }[] {
  if (block.type === 'text') return streamPieces(block.text).map((text) => ({ delta: { type: 'text_delta', text }, text }));
  if (block.type === 'tool_use') {
    return streamPieces(JSON.stringify(block.input)).map((text) => ({ delta: { type: 'input_json_delta', partial_json: text }, text }));
  }
  const thought = streamPieces(block.thinking).map((text) => ({ delta: { type: 'thinking_delta', thinking: text }, text }));
  return [...thought, { delta: { type: 'signature_delta', signature: block.signature } }];
}

function messageHead({ requestId, model }: Reply): object {
  return { id: `msg_${requestId}`, type: 'message', role: 'assistant', model };
}

function stopDetails({ finish }: Choice): object | null {
  return finish === 'content_filter' ? { type: 'refusal', category: 'general_harms', explanation: null } : null;
}

/** `input_tokens` leaves out what was read from or written to the cache. */
function inputUsage({ usage }: Reply): object {
  return {
    input_tokens: usage.prompt - usage.cacheRead - usage.cacheWrite,
    cache_creation_input_tokens: usage.cacheWrite,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: usage.cacheWrite, ephemeral_1h_input_tokens: 0 },
    service_tier: 'standard',
  };
}

function outputUsage({ usage }: Reply): object {
  return { output_tokens: usage.completion, output_tokens_details: { thinking_tokens: usage.reasoning } };
}

function readMessagesRequest(body: Readonly<Record<string, unknown>>, generating: boolean): Ask | Problem {
  const model = asString(body['model']);
  if (model === undefined) return { kind: 'missing', param: 'model' };
  const maxTokens = positiveInteger(body['max_tokens']);
  if (maxTokens === 'invalid') return { kind: 'invalid', param: 'max_tokens' };
  if (generating && maxTokens === undefined) return { kind: 'missing', param: 'max_tokens' };
  const read = readMessages(body['messages'], body['system']);
  if ('kind' in read) return read;
  return makeAsk({
    model,
    ...read,
    stream: body['stream'] === true,
    maxTokens,
    stop: stringList(body['stop_sequences']),
    tools: readTools(body['tools']),
    toolsText: Array.isArray(body['tools']) && body['tools'].length > 0 ? JSON.stringify(body['tools']) : '',
    toolChoice: readToolChoice(body['tool_choice']),
    thinking: readThinking(body['thinking']),
    marksCache: marksCache(body),
  });
}

function readMessages(value: unknown, system: unknown): Pick<Ask, 'messages' | 'images'> | Problem {
  if (value === undefined) return { kind: 'missing', param: 'messages' };
  if (!Array.isArray(value) || value.length === 0) return { kind: 'invalid', param: 'messages', message: 'at least one message is required' };
  const messages: AskMessage[] = [];
  const systemText = contentText(system).text;
  if (systemText !== '') messages.push({ role: 'system', text: systemText });
  let images = 0;
  for (const [index, message] of value.entries()) {
    const role: unknown = isObject(message) ? message['role'] : undefined;
    if (!isObject(message) || (role !== 'user' && role !== 'assistant' && role !== 'system')) return { kind: 'invalid', param: `messages.${index}.role` };
    const content = contentText(message['content']);
    const blocks = Array.isArray(message['content']) ? message['content'].filter(isObject) : [];
    const uses = blocks.filter(({ type }) => type === 'tool_use').map(({ name, input }) => JSON.stringify({ name, input }));
    const text = [content.text, ...uses].filter((part) => part !== '').join('\n');
    if (text !== '' || blocks.length === 0) messages.push({ role, text });
    for (const block of blocks) {
      if (block['type'] === 'tool_result') messages.push({ role: 'tool', text: contentText(block['content']).text });
    }
    images += content.images;
  }
  return { messages, images };
}

function readTools(value: unknown): ToolOffer[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((tool) => {
    const name = isObject(tool) ? asString(tool['name']) : undefined;
    return isObject(tool) && name !== undefined && 'input_schema' in tool ? [{ name, parameters: tool['input_schema'] }] : [];
  });
}

function readToolChoice(value: unknown): ToolChoice {
  if (!isObject(value)) return 'auto';
  if (value['type'] === 'none') return 'none';
  if (value['type'] === 'any') return 'required';
  const name = value['type'] === 'tool' ? asString(value['name']) : undefined;
  return name === undefined ? 'auto' : { name };
}

function readThinking(value: unknown): Ask['thinking'] {
  if (!isObject(value) || (value['type'] !== 'enabled' && value['type'] !== 'adaptive')) return false;
  return { budget: asNumber(value['budget_tokens']) };
}

/** Whether the request, or any block of its tools, system prompt or messages, says what to cache. */
function marksCache(body: Readonly<Record<string, unknown>>): boolean {
  const marked = (block: unknown): boolean => isObject(block) && isObject(block['cache_control']);
  const anyMarked = (blocks: unknown): boolean => Array.isArray(blocks) && blocks.some(marked);
  const messages = Array.isArray(body['messages']) ? body['messages'] : [];
  return marked(body) || anyMarked(body['system']) || anyMarked(body['tools']) || messages.some((message) => isObject(message) && anyMarked(message['content']));
}
