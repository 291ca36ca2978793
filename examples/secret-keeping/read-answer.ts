/** What an answer to a yes-or-no question says; `undefined` where it says neither, or both. */
export function readYesNo(answer: string): boolean | undefined {
  const yes = /\byes\b/i.test(answer);
  const no = /\bno\b/i.test(answer);
  return yes === no ? undefined : yes;
}

/** The one word of a list that an answer names; `undefined` where it names none, or several. */
export function readWord(answer: string, words: readonly string[]): string | undefined {
  const named = wordsIn(answer, words);
  return named.length === 1 ? named[0] : undefined;
}

/** Which words of a list a text names. */
export function wordsIn(text: string, words: readonly string[]): string[] {
  const said = new Set(text.toLowerCase().match(/[a-z]+/g));
  return words.filter((word) => said.has(word));
}
