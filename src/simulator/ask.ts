/** A tool that a request offers. */
export interface ToolOffer {
  readonly name: string;
  /** JSON Schema of the arguments. */
  readonly parameters: unknown;
}

export type ToolChoice = 'auto' | 'none' | 'required' | { readonly name: string };

export interface AskMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly text: string;
}

/** What a request asks for, whatever format it came in. */
export interface Ask {
  readonly model: string;
  readonly messages: readonly AskMessage[];
  /** System prompts, joined. */
  readonly system: string;
  /** The last user message. */
  readonly user: string;
  /** How many times the assistant has spoken. */
  readonly turn: number;
  /** Result of a tool, where the conversation ends with one. */
  readonly toolResult: string | undefined;
  readonly stream: boolean;
  /** Whether a streamed answer carries usage. */
  readonly streamUsage: boolean;
  readonly generations: number;
  readonly maxTokens: number | undefined;
  readonly stop: readonly string[];
  /** The request's `seed`, where it gives one. */
  readonly seed: string | undefined;
  readonly tools: readonly ToolOffer[];
  readonly toolChoice: ToolChoice;
  /** The tools as sent, for counting. */
  readonly toolsText: string;
  readonly images: number;
  /** Anthropic shows its thinking only to those who ask; `undefined` in formats where that is not the caller's to say. */
  readonly thinking: { readonly budget: number | undefined } | false | undefined;
  /** The caller marked what to keep in the provider's cache, so that a first sight is a cache write. */
  readonly marksCache: boolean;
}

type AskParts = Pick<Ask, 'model' | 'messages'> & Partial<Ask>;

/** Completes an ask: works out the system prompt, last user message and turn, and fills in defaults. */
export function makeAsk(parts: AskParts): Ask {
  const { messages } = parts;
  const last = messages.at(-1);
  return {
    system: messages.filter(({ role }) => role === 'system').map(({ text }) => text).join('\n'),
    user: messages.findLast(({ role }) => role === 'user')?.text ?? '',
    turn: messages.filter(({ role }) => role === 'assistant').length,
    toolResult: last?.role === 'tool' ? last.text : undefined,
    stream: false,
    streamUsage: true,
    generations: 1,
    maxTokens: undefined,
    stop: [],
    seed: undefined,
    tools: [],
    toolChoice: 'auto',
    toolsText: '',
    images: 0,
    thinking: undefined,
    marksCache: false,
    ...parts,
  };
}
