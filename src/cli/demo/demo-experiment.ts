import type { TrialContext, TrialResult } from '../../suites/index.ts';

/** How much of a conversation a helper keeps: all of it, or a summary that another, hidden call makes each turn. */
const QUESTIONS = ['Name the colour of the barn.', 'Name the animal in the yard.', 'Name the tool by the door.', 'Name the fruit in the basket.'];

/** An experiment as a user would write one: two variants, a fork in each trial, and calls that the harness does not make itself. */
export default {
  name: 'two-memories',
  variants: { 'keeps-all': { summarises: false }, summarises: { summarises: true } },
  threshold: 0.5,
  hiddenRoles: ['memory'],
  run: async (ctx: TrialContext): Promise<TrialResult> => {
    const { summarises } = ctx.params as { readonly summarises: boolean };
    const ask = async (content: string): Promise<string> => {
      const [output] = await ctx.target().generate({ messages: [{ role: 'user', content }], maxOutputTokens: 60, signal: ctx.signal });
      return output?.text ?? '';
    };
    let memory = `This is farm ${ctx.index + 1}.`;
    for (const question of QUESTIONS) {
      const answer = await ctx.role('responder', () => ask(`${memory}\n${question}`));
      memory = summarises ? await ctx.role('memory', () => ask(`Summarise in one line: ${memory} ${answer}`)) : `${memory}\n${question} ${answer}`;
    }
    // The conversation forks: the same question twice, the second time perhaps in other words. Consistent is who says the same.
    const plain = await ctx.branch('plain', () => ask(`${memory}\n${QUESTIONS[0]}`));
    const hint = ctx.random.next() < 0.5 ? '' : 'Once more, please: ';
    const again = await ctx.branch('again', () => ask(`${memory}\n${hint}${QUESTIONS[0]}`));
    return { score: plain === again ? 1 : 0, notes: { turns: QUESTIONS.length } };
  },
};
