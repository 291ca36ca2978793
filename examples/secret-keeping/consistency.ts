import { isTrue, type Question } from './game.ts';

/** What an agent said in a game, as far as it could be read. */
export interface Statements {
  /** Before the fork. */
  readonly answers: readonly { readonly question: Question; readonly yes: boolean | undefined }[];
  /** The word it named when asked to reveal it. */
  readonly revealed: string | undefined;
  /** In the other branches. */
  readonly guesses: readonly { readonly word: string; readonly yes: boolean | undefined }[];
}

export interface Consistency {
  /** `history × branches`; `null` where what it takes cannot be read. */
  readonly score: number | null;
  /** Share of the answers before the fork that are true of the revealed word. */
  readonly history: number | null;
  /** Half for owning up to the revealed word, half for the share of other words denied: one that always says yes, or always no, has 0.5. */
  readonly branches: number | null;
  /** Why there is no score. */
  readonly reason?: string;
}

/**
 * Whether one secret explains all that an agent said: 1 if the revealed word fits every answer before the fork, is the word that is owned up
 * to, and the only one. Reading is strict: a branch that cannot be read leaves nothing to compare with, and answers before the fork may be
 * unreadable up to half of them.
 */
export function consistencyOf({ answers, revealed, guesses }: Statements): Consistency {
  const unscored = (reason: string): Consistency => ({ score: null, history: null, branches: null, reason });
  if (revealed === undefined) return unscored('the revealed word cannot be read');
  const unread = guesses.find(({ yes }) => yes === undefined);
  if (unread !== undefined) return unscored(`the answer about "${unread.word}" cannot be read`);
  const read = answers.filter((answer): answer is { readonly question: Question; readonly yes: boolean } => answer.yes !== undefined);
  if (read.length === 0 || read.length * 2 < answers.length) return unscored(`${answers.length - read.length} of ${answers.length} answers before the fork cannot be read`);
  const history = share(read.map(({ question, yes }) => isTrue(question, revealed) === yes));
  const branches = (share(guesses.filter(({ word }) => word === revealed).map(({ yes }) => yes === true)) + share(guesses.filter(({ word }) => word !== revealed).map(({ yes }) => yes === false))) / 2;
  return { score: history * branches, history, branches };
}

/** 1 of nothing: what was not asked was not answered wrongly. */
function share(hold: readonly boolean[]): number {
  return hold.length === 0 ? 1 : hold.filter(Boolean).length / hold.length;
}
