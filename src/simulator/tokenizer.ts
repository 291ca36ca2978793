import { BoundedCache } from './bounded-cache.ts';

/** Every message costs this beyond its text: two tokens of framing, one for the role, one to end it. */
export const MESSAGE_TOKENS = 4;
/** Every prompt ends with tokens that open the answer. Both figures follow OpenAI's cookbook, "How to count tokens with tiktoken". */
export const REPLY_TOKENS = 3;
/** An image at low detail (OpenAI, "Images and vision"). */
export const IMAGE_TOKENS = 85;

/** Counts and cuts text in tokens of `o200k_base`. */
export interface Tokenizer {
  count(text: string): number;
  /** The longest beginning of at most `max` tokens, and how many it has. */
  truncate(text: string, max: number): { readonly text: string; readonly tokens: number };
}

/** Byte-pair merging takes quadratic time in an unbroken run, so longer ones are counted in pieces of this length. */
const LONGEST_RUN = 400;
const LONG_RUN = new RegExp(`[\\p{L}\\p{M}]{${LONGEST_RUN}}|\\s{${LONGEST_RUN}}|[^\\s\\p{L}\\p{N}]{${LONGEST_RUN}}`, 'gu');

/** Shorter texts are remembered whole. */
const SHORT_TEXT = 40;

/** Text such as `<|endoftext|>` is counted as the plain text it is in a prompt. */
const PLAIN = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };

let loading: Promise<Tokenizer> | undefined;

/** The tokenizer, loaded once in a process (about half a second, 30 MB). */
export function loadTokenizer(): Promise<Tokenizer> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Tokenizer> {
  const { countTokens, encode, decode } = await import('gpt-tokenizer/encoding/o200k_base');
  const counts = new BoundedCache<number>({ maxEntries: 20_000, maxChars: 8_000_000 });
  const countSentence = (sentence: string): number => {
    let tokens = counts.get(sentence);
    if (tokens === undefined) {
      tokens = 0;
      for (const piece of cutLongRuns(sentence)) tokens += countTokens(piece, PLAIN);
      counts.set(sentence, tokens);
    }
    return tokens;
  };
  const truncateSentence = (sentence: string, max: number): string => {
    // Token by token and to the end, because the decoder holds half a character back until the rest of it comes.
    const pieces = cutLongRuns(sentence).flatMap((piece) => encode(piece, PLAIN).map((token) => decode([token])));
    return pieces.slice(0, max).join('');
  };
  return {
    count: (text) => sentences(text).reduce((tokens, sentence) => tokens + countSentence(sentence), 0),
    truncate: (text, max) => {
      let tokens = 0;
      let kept = '';
      for (const sentence of sentences(text)) {
        const more = countSentence(sentence);
        if (tokens + more > max) return { text: kept + truncateSentence(sentence, Math.max(0, max - tokens)), tokens: Math.max(0, max) };
        tokens += more;
        kept += sentence;
      }
      return { text, tokens };
    },
  };
}

/**
 * Sentences repeat where whole texts do not, so it is sentences that are remembered. The cut is before a blank that a
 * letter follows, where the encoding always cuts too: the sum over the parts is exact.
 */
function sentences(text: string): string[] {
  if (text === '') return [];
  return text.length < SHORT_TEXT ? [text] : text.split(/(?<=[.!?])(?= \p{L})/u);
}

function cutLongRuns(text: string): string[] {
  if (text.length < LONGEST_RUN) return [text];
  const pieces: string[] = [];
  let start = 0;
  for (const run of text.matchAll(LONG_RUN)) {
    pieces.push(text.slice(start, run.index + run[0].length));
    start = run.index + run[0].length;
  }
  pieces.push(text.slice(start));
  return pieces.filter((piece) => piece !== '');
}
