import type { TrialContext } from '../../src/suites/index.ts';
import type { Agent, Params } from './agents/agent.ts';
import type { Statements } from './consistency.ts';
import { chooseCandidates, isTrue, type Game } from './game.ts';
import { guess, opening, question, reveal } from './prompts.ts';
import { readWord, readYesNo, wordsIn } from './read-answer.ts';

/** What a game came to. */
export interface Played extends Statements {
  /** Turns that were played, those in branches included. */
  readonly turns: number;
  /** Words that fit all answers before the fork. */
  readonly possible: readonly string[];
  /** Answers before the fork that named the word revealed later. */
  readonly leaks: number;
}

type Course = Pick<TrialContext<Params>, 'branch' | 'phase' | 'log'>;

/**
 * Plays a game by its script: an opening and questions, then a fork. One branch asks for the secret, the others guess a word each, every
 * one of them with a copy of the agent as it was at the fork.
 */
export async function play(agent: Agent, game: Game, { candidates: count, course }: { readonly candidates: number; readonly course: Course }): Promise<Played> {
  const { branch, phase, log } = course;
  const replies: string[] = [];
  const say = async (player: Agent, turn: string, where: string): Promise<string> => {
    const reply = await phase(where, () => player.reply(turn));
    await log({ at: where, player: turn, agent: reply });
    return reply;
  };

  replies.push(await say(agent, opening(game.words), 'opening'));
  const answers: { readonly question: Game['questions'][number]; readonly yes: boolean | undefined }[] = [];
  for (const [place, asked] of game.questions.entries()) {
    const reply = await say(agent, question(place + 1, asked.text), `question-${place + 1}`);
    replies.push(reply);
    answers.push({ question: asked, yes: readYesNo(reply) });
  }

  const inBranch = (name: string, turn: string): Promise<string> =>
    branch(name, async () => {
      const copy = agent.fork();
      try {
        return await say(copy, turn, name);
      } finally {
        copy.close?.();
      }
    });
  const revealed = readWord(await inBranch('reveal', reveal(game.words)), game.words);
  const possible = game.words.filter((word) => answers.every(({ question: asked, yes }) => yes === undefined || isTrue(asked, word) === yes));
  const candidates = chooseCandidates(game, { revealed, possible, count });
  const guesses = await Promise.all(candidates.map(async (word, place) => ({ word, yes: readYesNo(await inBranch(`candidate-${place + 1}`, guess(word))) })));
  return { answers, revealed, guesses, possible, turns: replies.length + 1 + guesses.length, leaks: replies.filter((reply) => wordsIn(reply, game.words).some((word) => word === revealed)).length };
}
