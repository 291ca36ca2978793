import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider';
import { parseJson, type Message } from '../core/index.ts';
import type { GenerateRequest } from './contract.ts';

/** Our request in the words of the AI SDK's model interface. */
export function callOptions(request: GenerateRequest, generation: number): LanguageModelV4CallOptions {
  return {
    prompt: request.messages.map(promptMessage),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.topP === undefined ? {} : { topP: request.topP }),
    // The same seed for every generation would ask for the same answer each time.
    ...(request.seed === undefined ? {} : { seed: request.seed + generation }),
    ...(request.maxOutputTokens === undefined ? {} : { maxOutputTokens: request.maxOutputTokens }),
    ...(request.stop === undefined ? {} : { stopSequences: [...request.stop] }),
    ...(request.signal === undefined ? {} : { abortSignal: request.signal }),
    ...(request.tools === undefined || request.tools.length === 0
      ? {}
      : {
          tools: request.tools.map((tool) => ({
            type: 'function' as const,
            name: tool.name,
            ...(tool.description === undefined ? {} : { description: tool.description }),
            inputSchema: tool.parameters as never,
          })),
          toolChoice: toolChoice(request.toolChoice ?? 'auto'),
        }),
  };
}

function toolChoice(choice: NonNullable<GenerateRequest['toolChoice']>): NonNullable<LanguageModelV4CallOptions['toolChoice']> {
  return typeof choice === 'string' ? { type: choice } : { type: 'tool', toolName: choice.name };
}

function promptMessage(message: Message): LanguageModelV4Message {
  switch (message.role) {
    case 'system':
      return { role: 'system', content: message.content };
    case 'user':
      return { role: 'user', content: [{ type: 'text', text: message.content }] };
    case 'assistant':
      return {
        role: 'assistant',
        content: [
          ...(message.content === '' ? [] : [{ type: 'text' as const, text: message.content }]),
          ...(message.toolCalls ?? []).map((call) => ({
            type: 'tool-call' as const,
            toolCallId: call.id,
            toolName: call.name,
            input: argumentsOf(call.argumentsText),
          })),
        ],
      };
    case 'tool':
      return {
        role: 'tool',
        content: [{ type: 'tool-result', toolCallId: message.toolCallId, toolName: message.name, output: { type: 'text', value: message.content } }],
      };
    default:
      return message satisfies never;
  }
}

/** Arguments as a value; text that is not JSON goes as it is. */
function argumentsOf(text: string): unknown {
  const value = parseJson(text);
  return value === undefined ? text : value;
}
