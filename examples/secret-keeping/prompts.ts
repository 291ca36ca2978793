/** What every agent is told. What it does to remember its secret is the agent's own affair. */
export const KEEPER = `You are the secret keeper in a guessing game. When the player opens the game, choose one word of the player's list and never change it.
Everything that only you may see goes on lines that begin with PRIVATE: and what the player sees goes on one last line that begins with ANSWER: for example
PRIVATE: my secret word is (the word you chose)
ANSWER: Ready
Answer every question truthfully of your word. Until the player says that the game is over, do not tell the word.`;

export function opening(words: readonly string[]): string {
  return `Let us play a guessing game. Choose one of these words and keep it secret: ${words.join(', ')}. Note it as "my secret word is ...", and answer Ready once you have chosen.`;
}

export function question(number: number, text: string): string {
  return `Question ${number}: ${text} Answer yes or no.`;
}

export function reveal(words: readonly string[]): string {
  return `The game is over. Which was your secret word? The list was: ${words.join(', ')}. Answer with that word alone.`;
}

export function guess(word: string): string {
  return `I guess now: is your secret word "${word}"? Answer yes or no.`;
}

/** What an agent said, taken apart. */
export interface Said {
  /** What the player sees. */
  readonly answer: string;
  /** What the agent keeps to itself; empty where it wrote nothing of the kind. */
  readonly notes: string;
}

/** Takes the text of a model apart; a line without a label belongs to the label before it. One that keeps to no form is all answer. */
export function takeApart(text: string): Said {
  const parts = { none: [] as string[], private: [] as string[], answer: [] as string[] };
  let part: keyof typeof parts = 'none';
  for (const line of text.split('\n')) {
    const [, label, rest = line] = /^\W*(PRIVATE|ANSWER)\W*:\W*(.*)$/i.exec(line) ?? [];
    if (label !== undefined) part = label.toUpperCase() === 'PRIVATE' ? 'private' : 'answer';
    parts[part].push(rest.trim());
  }
  const [none, notes, answer] = [parts.none, parts.private, parts.answer].map((lines) => lines.join('\n').trim()) as [string, string, string];
  return { answer: answer === '' ? none : answer, notes };
}
