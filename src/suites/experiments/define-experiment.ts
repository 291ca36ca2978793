import type { Experiment } from './contract.ts';

/**
 * Gives an experiment its types: `export default defineExperiment({ … })`.
 *
 * @example
 * export default defineExperiment({
 *   variants: { terse: { system: 'Answer in one word.' }, free: { system: 'Answer as you like.' } },
 *   threshold: 1,
 *   run: async ({ params, random, target, signal }) => {
 *     const [a, b] = [random.integer(90), random.integer(90)];
 *     const [answer] = await target().generate({ messages: [{ role: 'system', content: params.system }, { role: 'user', content: `${a} + ${b}?` }], signal });
 *     return answer?.text.includes(String(a + b)) === true ? 1 : 0;
 *   },
 * });
 */
export function defineExperiment<const Params = Record<string, never>>(experiment: Experiment<Params>): Experiment<Params> {
  return experiment;
}
