/** Counts the tokens of a text, at once. Never throws; special-token text such as `<|endoftext|>` counts as the plain text it is. */
export type CountTokens = (text: string) => number;

/** Byte-pair encodings of OpenAI's models. */
export type TokenEncoding = 'o200k_base' | 'cl100k_base';

/** GPT-4 (but not 4o, 4.1, 4.5), GPT-3.5 and the embedding models, under any vendor's prefix. */
const CL100K = /(?:^|[/:])(?:gpt-4(?![o.])|gpt-3\.?5|text-embedding-)/i;

/**
 * The encoding of a model. Newer OpenAI models use `o200k_base`; it also stands in for vendors that publish no
 * tokenizer (Anthropic among them) and for open models, so figures for those are approximate.
 *
 * Source: OpenAI's tiktoken, `model.py`.
 */
export function tokenEncoding(model: string | undefined): TokenEncoding {
  return model !== undefined && CL100K.test(model) ? 'cl100k_base' : 'o200k_base';
}

/** Texts up to this many UTF-16 units are counted whole, longer ones from samples. */
export const LONGEST_EXACT = 50_000;

const SAMPLES = 32;
const SAMPLE_LENGTH = 1024;

/**
 * The library's merging takes time in the square of a run without a break: 100,000 times `a` took 4 s. Runs are
 * therefore cut at this length, which adds at most about one token a cut: the same text then takes milliseconds.
 */
const LONGEST_RUN = 128;

/** What the encodings' first split can leave in one piece: letters, white space, or signs. Digits are split by threes. */
const LONG_RUN = new RegExp(
  String.raw`[\p{L}\p{M}]{${LONGEST_RUN + 1},}|\s{${LONGEST_RUN + 1},}|[^\s\p{L}\p{M}\p{N}]{${LONGEST_RUN + 1},}`,
  'gu',
);

/** Merges remembered between calls; the library's 100,000 would hold on to tens of megabytes of random prompts. */
const MERGE_CACHE = 10_000;

const loading = new Map<TokenEncoding, Promise<CountTokens>>();

/**
 * Loads the tokenizer of a model, once per encoding; it takes some tenths of a second and about 70 MB, so only what
 * needs a count should ask. The counter it gives is synchronous and bounded in time whatever the text: long runs are
 * counted in pieces, and a text beyond `LONGEST_EXACT` is extrapolated from samples spread evenly over it.
 *
 * @param model the model asked for; without one the encoding of OpenAI's newer models is used
 */
export function loadTokenizer(model?: string): Promise<CountTokens> {
  const encoding = tokenEncoding(model);
  let counter = loading.get(encoding);
  if (counter === undefined) {
    counter = load(encoding);
    loading.set(encoding, counter);
    // A failed load (a broken install) may be tried again.
    counter.catch(() => loading.delete(encoding));
  }
  return counter;
}

async function load(encoding: TokenEncoding): Promise<CountTokens> {
  const library = encoding === 'o200k_base' ? await import('gpt-tokenizer/encoding/o200k_base') : await import('gpt-tokenizer/encoding/cl100k_base');
  library.setMergeCacheSize(MERGE_CACHE);
  const plain = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
  const countPiece: CountTokens = (text) => (text === '' ? 0 : library.countTokens(text, plain));
  return (text) => (text.length <= LONGEST_EXACT ? countInPieces(text, countPiece) : extrapolate(text, countPiece));
}

function countInPieces(text: string, countPiece: CountTokens): number {
  if (!mayHaveLongRun(text)) return countPiece(text);
  let tokens = 0;
  let from = 0;
  for (const run of text.matchAll(LONG_RUN)) {
    const end = run.index + run[0].length;
    while (end - from > LONGEST_RUN) {
      const to = charBoundary(text, Math.max(run.index, from) + LONGEST_RUN);
      tokens += countPiece(text.slice(from, to));
      from = to;
    }
  }
  return tokens + countPiece(text.slice(from));
}

/** Whether a text may have a run that must be cut. Ordinary texts have none, and the pattern takes longer to say so than the count itself. */
function mayHaveLongRun(text: string): boolean {
  let run = 0;
  let kind = 0;
  /** Characters beyond ASCII just before: they may belong to a run of any kind. */
  let open = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) {
      open += 1;
      run += 1;
    } else {
      const other = KINDS[code]!;
      run = other === kind ? run + 1 : open + 1;
      kind = other;
      open = 0;
    }
    if (run > LONGEST_RUN && kind !== DIGIT) return true;
    if (open > LONGEST_RUN) return true;
  }
  return false;
}

const DIGIT = 4;
/** Of ASCII characters: 1 letters, 2 white space, 3 signs, 4 digits. */
const KINDS = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[A-Za-z]/.test(character)) return 1;
  if (/\s/.test(character)) return 2;
  return /\d/.test(character) ? DIGIT : 3;
});

function extrapolate(text: string, countPiece: CountTokens): number {
  const step = (text.length - SAMPLE_LENGTH) / (SAMPLES - 1);
  let tokens = 0;
  let length = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const from = charBoundary(text, Math.floor(sample * step));
    const piece = text.slice(from, charBoundary(text, from + SAMPLE_LENGTH));
    tokens += countInPieces(piece, countPiece);
    length += piece.length;
  }
  return Math.round((tokens / length) * text.length);
}

/** The nearest place at or before `at` that does not part the two halves of a character. */
function charBoundary(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff && at > 0 ? at - 1 : at;
}
