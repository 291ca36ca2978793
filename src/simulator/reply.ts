import { seededRandom } from '../core/index.ts';
import type { Ask } from './ask.ts';
import type { Brain, MadeCall } from './brain.ts';
import { generationName } from './generation.ts';
import { paragraph } from './paragraphs.ts';
import type { Profile } from './profiles.ts';
import { IMAGE_TOKENS, MESSAGE_TOKENS, REPLY_TOKENS, type Tokenizer } from './tokenizer.ts';

export type Finish = 'stop' | 'stop_sequence' | 'length' | 'tool_calls' | 'content_filter';

/** One answer, cut to the lengths that the request sets. */
export interface Choice {
  readonly text: string;
  readonly call: (MadeCall & { readonly id: string }) | undefined;
  readonly finish: Finish;
  /** Which stop sequence ended it. */
  readonly stopSequence: string | undefined;
  readonly reasoning: string;
  /** Tokens of text, tool call and reasoning together. */
  readonly tokens: number;
  readonly reasoningTokens: number;
}

/** Tokens as OpenAI counts them: cached ones are inside `prompt`, reasoning inside `completion`. */
export interface ReplyUsage {
  readonly prompt: number;
  readonly completion: number;
  readonly reasoning: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** A whole answer, before it is put into a provider's format. */
export interface Reply {
  readonly requestId: string;
  readonly model: string;
  readonly atMs: number;
  readonly choices: readonly Choice[];
  readonly usage: ReplyUsage;
  /** False where a fault leaves the usage out. */
  readonly showUsage: boolean;
}

/** Which prompts are marked as cached: a seeded fraction of those that are long enough. */
export interface CacheRule {
  readonly fraction: number;
  readonly minTokens: number;
}

export interface ComposeContext {
  readonly seed: number;
  readonly brain: Brain;
  readonly tokenizer: Tokenizer;
  readonly cache: CacheRule | undefined;
  readonly profile: Profile;
  readonly variant: string;
  readonly requestId: string;
  readonly atMs: number;
  readonly promptTokens: number;
  /** The `x-assay-generation` header. */
  readonly generationHeader: string | undefined;
  readonly fault: 'contentFilter' | 'empty' | 'missingUsage' | undefined;
}

/** Providers cache in steps of this many tokens (OpenAI, "Prompt caching"). */
const CACHE_STEP = 128;

/** What thinking costs where the caller asks for it of a profile that sets nothing. */
const USUAL_REASONING = { min: 40, max: 160 };

/** Tokens of a chat prompt: its texts, framing per message, tools and images. */
export function chatPromptTokens(ask: Ask, tokenizer: Tokenizer): number {
  let tokens = REPLY_TOKENS + ask.images * IMAGE_TOKENS + tokenizer.count(ask.toolsText);
  for (const { text } of ask.messages) tokens += tokenizer.count(text) + MESSAGE_TOKENS;
  return tokens;
}

/** Thinks up all answers to a request and counts their tokens. */
export function composeReply(ask: Ask, context: ComposeContext): Reply {
  const choices = Array.from({ length: ask.generations }, (_, index) => composeChoice(ask, context, index));
  const usage = {
    prompt: context.promptTokens,
    completion: choices.reduce((sum, { tokens }) => sum + tokens, 0),
    reasoning: choices.reduce((sum, { reasoningTokens }) => sum + reasoningTokens, 0),
    ...cachedTokens(ask, context),
  };
  const { requestId, atMs, fault } = context;
  return { requestId, model: ask.model, atMs, choices, usage, showUsage: fault !== 'missingUsage' };
}

function composeChoice(ask: Ask, context: ComposeContext, index: number): Choice {
  const { tokenizer, profile, variant, fault } = context;
  const generation = generationName({ seed: ask.seed, header: context.generationHeader }, index);
  const thought = context.brain.think(ask, { profile, variant, generation });
  const reasoning = reason(ask, context, generation);
  const room = ask.maxTokens === undefined ? Infinity : Math.max(0, ask.maxTokens - reasoning.tokens);
  const base = { reasoning: reasoning.text, reasoningTokens: reasoning.tokens, stopSequence: undefined };
  if (thought.call !== undefined && fault === undefined) {
    const tokens = tokenizer.count(thought.call.name) + tokenizer.count(thought.call.argumentsText);
    if (tokens <= room) {
      const call = { ...thought.call, id: `call_${context.requestId}_${index}` };
      return { ...base, text: '', call, finish: 'tool_calls', tokens: tokens + reasoning.tokens };
    }
    return { ...base, text: '', call: undefined, finish: 'length', tokens: reasoning.tokens };
  }
  if (fault === 'empty') return { ...base, text: '', call: undefined, finish: 'stop', tokens: reasoning.tokens };
  const stopped = stopAt(thought.text, ask.stop);
  const cut = Number.isFinite(room) ? tokenizer.truncate(stopped.text, room) : { text: stopped.text, tokens: tokenizer.count(stopped.text) };
  if (fault === 'contentFilter') {
    const share = seededRandom('filter', context.seed, ask.user, generation).next() * 0.6;
    const filtered = tokenizer.truncate(cut.text, Math.floor(cut.tokens * share));
    return { ...base, text: filtered.text, call: undefined, finish: 'content_filter', tokens: filtered.tokens + reasoning.tokens };
  }
  const ended = stopped.sequence === undefined ? 'stop' : 'stop_sequence';
  const finish = cut.text.length < stopped.text.length ? 'length' : ended;
  const stopSequence = finish === 'stop_sequence' ? stopped.sequence : undefined;
  return { ...base, text: cut.text, call: undefined, finish, stopSequence, tokens: cut.tokens + reasoning.tokens };
}

/** Cuts before the stop sequence that comes first. */
function stopAt(text: string, stop: readonly string[]): { readonly text: string; readonly sequence: string | undefined } {
  let at = text.length;
  let sequence: string | undefined;
  for (const candidate of stop) {
    const found = candidate === '' ? -1 : text.indexOf(candidate);
    if (found !== -1 && found < at) [at, sequence] = [found, candidate];
  }
  return { text: text.slice(0, at), sequence };
}

function reason(ask: Ask, context: ComposeContext, generation: string): { readonly text: string; readonly tokens: number } {
  const range = ask.thinking === undefined ? context.profile.reasoning : (context.profile.reasoning ?? USUAL_REASONING);
  if (range === undefined || ask.thinking === false) return { text: '', tokens: 0 };
  const random = seededRandom('reasoning', context.seed, context.variant, ask.system, ask.user, ask.turn, generation);
  const wanted = range.min + random.integer(range.max - range.min + 1);
  const most = Math.min(wanted, ask.thinking?.budget ?? Infinity, ask.maxTokens ?? Infinity);
  let text = '';
  while (context.tokenizer.count(text) < most) text += `${text === '' ? '' : '\n'}${paragraph(random)}`;
  return context.tokenizer.truncate(text, most);
}

function cachedTokens(ask: Ask, { seed, cache, promptTokens }: ComposeContext): Pick<ReplyUsage, 'cacheRead' | 'cacheWrite'> {
  if (cache === undefined || promptTokens < cache.minTokens) return { cacheRead: 0, cacheWrite: 0 };
  const random = seededRandom('cache', seed, ask.system, ask.user, ask.turn);
  const seenBefore = random.next() < cache.fraction;
  const prefix = promptTokens * (0.5 + random.next() / 2);
  const tokens = Math.max(cache.minTokens, Math.floor(prefix / CACHE_STEP) * CACHE_STEP);
  return { cacheRead: seenBefore ? tokens : 0, cacheWrite: !seenBefore && ask.marksCache ? tokens : 0 };
}
