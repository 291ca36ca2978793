import { asNumber, asString, isObject } from '../../core/index.ts';
import { type Ask, type AskMessage, makeAsk, type ToolChoice, type ToolOffer } from '../ask.ts';
import { chatPromptTokens, type Choice, type Finish, type Reply } from '../reply.ts';
import { NOTHING_FILTERED } from './azure-errors.ts';
import { type Frame, sse, streamPieces, type WireFormat } from './format.ts';
import type { Dialect, Problem } from './problem.ts';
import { contentText, messageRole, positiveInteger, stringList } from './read-fields.ts';

const MOST_GENERATIONS = 128;

/** OpenAI's chat completions, and Azure's with its filter annotations ("Chat completions" in the API reference). */
export const openaiChat: WireFormat = {
  endpoint: 'chat.completions',
  generates: true,
  read: (body, modelInPath) => {
    const model = modelInPath ?? asString(body['model']);
    if (model === undefined) return { kind: 'missing', param: 'model' };
    const read = readMessages(body['messages']);
    if ('kind' in read) return read;
    const generations = positiveInteger(body['n']) ?? 1;
    if (generations === 'invalid' || generations > MOST_GENERATIONS) return { kind: 'invalid', param: 'n' };
    const maxTokens = positiveInteger(body['max_completion_tokens'] ?? body['max_tokens']);
    if (maxTokens === 'invalid') return { kind: 'invalid', param: 'max_tokens' };
    const seed = asNumber(body['seed']);
    return makeAsk({
      model,
      ...read,
      stream: body['stream'] === true,
      streamUsage: isObject(body['stream_options']) && body['stream_options']['include_usage'] === true,
      generations,
      maxTokens,
      stop: stringList(body['stop']),
      seed: seed === undefined ? undefined : String(seed),
      tools: readTools(body['tools']),
      toolsText: Array.isArray(body['tools']) ? JSON.stringify(body['tools']) : '',
      toolChoice: readToolChoice(body['tool_choice']),
    });
  },
  promptTokens: chatPromptTokens,
  whole: (reply, _ask, dialect) => ({
    id: `chatcmpl-${reply.requestId}`,
    object: 'chat.completion',
    created: Math.floor(reply.atMs / 1000),
    model: reply.model,
    choices: reply.choices.map((choice, index) => ({
      index,
      message: { role: 'assistant', content: choice.call === undefined ? choice.text : null, refusal: null, annotations: [], ...toolCalls(choice) },
      logprobs: null,
      finish_reason: FINISH[choice.finish],
      ...choiceAnnotations(dialect),
    })),
    ...(reply.showUsage ? { usage: usageOf(reply) } : {}),
    ...promptAnnotations(dialect),
    system_fingerprint: 'fp_simulated',
  }),
  frames: (reply, ask, dialect) => {
    const head = { id: `chatcmpl-${reply.requestId}`, object: 'chat.completion.chunk', created: Math.floor(reply.atMs / 1000), model: reply.model, system_fingerprint: 'fp_simulated' };
    // Every chunk but the last carries `usage: null` where usage was asked for, and no such field elsewhere.
    const nullUsage = ask.streamUsage && reply.showUsage ? { usage: null } : {};
    const chunk = (choices: readonly unknown[], extra: object = nullUsage): string => sse({ ...head, choices, ...extra });
    const frames: Frame[] = [];
    if (dialect === 'azure') frames.push({ bytes: sse({ ...head, id: '', object: '', created: 0, model: '', choices: [], ...promptAnnotations(dialect) }) });
    for (const [index, choice] of reply.choices.entries()) frames.push(...choiceFrames(index, choice, dialect, chunk));
    if (ask.streamUsage && reply.showUsage) frames.push({ bytes: chunk([], { usage: usageOf(reply) }) });
    return [...frames, { bytes: sse('[DONE]') }];
  },
};

const FINISH: { readonly [F in Finish]: string } = {
  stop: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  content_filter: 'content_filter',
};

function choiceFrames(index: number, choice: Choice, dialect: Dialect, chunk: (choices: readonly unknown[]) => string): Frame[] {
  const annotated = choiceAnnotations(dialect);
  const delta = (value: object, finish: string | null = null): string => chunk([{ index, delta: value, logprobs: null, finish_reason: finish, ...annotated }]);
  const frames: Frame[] = [];
  if (choice.call === undefined) {
    frames.push({ bytes: delta({ role: 'assistant', content: '', refusal: null }) });
    for (const piece of streamPieces(choice.text)) frames.push({ bytes: delta({ content: piece }), delta: piece });
  } else {
    const { id, name, argumentsText } = choice.call;
    frames.push({ bytes: delta({ role: 'assistant', content: null, tool_calls: [{ index: 0, id, type: 'function', function: { name, arguments: '' } }] }), delta: name });
    for (const piece of streamPieces(argumentsText)) frames.push({ bytes: delta({ tool_calls: [{ index: 0, function: { arguments: piece } }] }), delta: piece });
  }
  return [...frames, { bytes: delta({}, FINISH[choice.finish]) }];
}

function usageOf({ usage }: Reply): object {
  return {
    prompt_tokens: usage.prompt,
    completion_tokens: usage.completion,
    total_tokens: usage.prompt + usage.completion,
    prompt_tokens_details: { cached_tokens: usage.cacheRead, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: usage.reasoning, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  };
}

function toolCalls({ call }: Choice): object {
  if (call === undefined) return {};
  return { tool_calls: [{ id: call.id, type: 'function', function: { name: call.name, arguments: call.argumentsText } }] };
}

function choiceAnnotations(dialect: Dialect): object {
  return dialect === 'azure' ? { content_filter_results: NOTHING_FILTERED } : {};
}

function promptAnnotations(dialect: Dialect): object {
  return dialect === 'azure' ? { prompt_filter_results: [{ prompt_index: 0, content_filter_results: NOTHING_FILTERED }] } : {};
}

function readMessages(value: unknown): Pick<Ask, 'messages' | 'images'> | Problem {
  if (value === undefined) return { kind: 'missing', param: 'messages' };
  if (!Array.isArray(value) || value.length === 0) return { kind: 'invalid', param: 'messages', message: "'messages' must be a non-empty array." };
  const messages: AskMessage[] = [];
  let images = 0;
  for (const [index, message] of value.entries()) {
    const role = isObject(message) ? messageRole(message['role']) : undefined;
    if (!isObject(message) || role === undefined) return { kind: 'invalid', param: `messages[${index}].role` };
    const content = contentText(message['content']);
    // Without their ids, which differ from run to run: the same conversation is to have the same tokens.
    const calls = Array.isArray(message['tool_calls']) ? JSON.stringify(message['tool_calls'].map((call: unknown) => (isObject(call) ? call['function'] : null))) : '';
    messages.push({ role, text: content.text + calls });
    images += content.images;
  }
  return { messages, images };
}

function readTools(value: unknown): ToolOffer[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((tool) => {
    const offered: unknown = isObject(tool) ? tool['function'] : undefined;
    const name = isObject(offered) ? asString(offered['name']) : undefined;
    return isObject(offered) && name !== undefined ? [{ name, parameters: offered['parameters'] }] : [];
  });
}

function readToolChoice(value: unknown): ToolChoice {
  if (value === 'none' || value === 'required') return value;
  const name = isObject(value) && isObject(value['function']) ? asString(value['function']['name']) : undefined;
  return name === undefined ? 'auto' : { name };
}
