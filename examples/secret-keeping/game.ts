import type { Random } from '../../src/core/index.ts';

/** What a player may ask, and the words of which it is true. Facts that people argue about are left out. */
export const QUESTIONS = [
  { text: 'Is it a living thing?', yes: ['cat', 'horse', 'eagle', 'bee', 'whale', 'elephant', 'spider', 'oak', 'rose'] },
  { text: 'Is it an animal?', yes: ['cat', 'horse', 'eagle', 'bee', 'whale', 'elephant', 'spider'] },
  { text: 'Is it a plant?', yes: ['oak', 'rose'] },
  { text: 'Can it fly?', yes: ['eagle', 'bee'] },
  { text: 'Does it have legs?', yes: ['cat', 'horse', 'eagle', 'bee', 'elephant', 'spider', 'chair'] },
  { text: 'Is it something people eat at breakfast or dinner?', yes: ['bread', 'cheese', 'soup'] },
  { text: 'Is it made by people?', yes: ['bread', 'cheese', 'soup', 'chair', 'spoon', 'bicycle', 'violin', 'guitar', 'coin'] },
  { text: 'Is a grown one heavier than a car?', yes: ['whale', 'elephant', 'oak'] },
  { text: 'Is it usually made of metal?', yes: ['spoon', 'bicycle', 'coin'] },
  { text: 'Is it a musical instrument?', yes: ['violin', 'guitar'] },
] as const satisfies readonly { readonly text: string; readonly yes: readonly string[] }[];

export const WORDS = ['cat', 'horse', 'eagle', 'bee', 'whale', 'elephant', 'spider', 'oak', 'rose', 'bread', 'cheese', 'soup', 'chair', 'spoon', 'bicycle', 'violin', 'guitar', 'coin'] as const;

export interface Question {
  readonly text: string;
  /** Words of which it is true; it is false of all others. */
  readonly yes: readonly string[];
}

/** What is asked in one game. */
export interface Game {
  /** Among which the secret is. */
  readonly words: readonly string[];
  readonly questions: readonly Question[];
  /** Words in the order in which they are taken as candidates, should they be needed. */
  readonly candidates: readonly string[];
}

export interface GameSize {
  readonly words: number;
  readonly questions: number;
}

/** Draws a game. The same random numbers give the same game. */
export function drawGame(random: Random, { words: size, questions }: GameSize): Game {
  const words = random.shuffle(WORDS).slice(0, size);
  // A question that is true of all words, or of none, would tell nothing.
  const telling = QUESTIONS.filter(({ yes }) => words.some((word) => has(yes, word)) && words.some((word) => !has(yes, word)));
  return { words, questions: random.shuffle<Question>(telling).slice(0, questions), candidates: random.shuffle(words) };
}

/** Whether a question is true of a word. */
export function isTrue({ yes }: Question, word: string): boolean {
  return has(yes, word);
}

/**
 * The words that are named in the branches: the revealed one first, then those that the answers leave possible, then others. A keeper that
 * never settled on a word has most reason to say yes to those that are possible.
 */
export function chooseCandidates(game: Game, { revealed, possible, count }: { readonly revealed: string | undefined; readonly possible: readonly string[]; readonly count: number }): string[] {
  const rank = (word: string): number => (word === revealed ? 0 : possible.includes(word) ? 1 : 2);
  return game.candidates.toSorted((one, other) => rank(one) - rank(other)).slice(0, count);
}

function has(words: readonly string[], word: string): boolean {
  return words.includes(word);
}
