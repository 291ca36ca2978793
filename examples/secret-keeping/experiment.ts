/**
 * Does an agent that keeps a secret hold on to one? A guessing game, forked: see README.md beside this file.
 * In a project of your own, import from 'assay'.
 *
 *   assay run experiments:./examples/secret-keeping/experiment.ts --target sim:weak --trials 3
 */
import type { Experiment, TrialContext, TrialResult } from '../../src/suites/index.ts';
import type { AgentName, MakeAgent, Params } from './agents/agent.ts';
import { mem0 } from './agents/mem0.ts';
import { noteGraph } from './agents/note-graph.ts';
import { pipeline } from './agents/pipeline.ts';
import { privateCot } from './agents/private-cot.ts';
import { reactMemory } from './agents/react-memory.ts';
import { workflow } from './agents/workflow.ts';
import { consistencyOf } from './consistency.ts';
import { drawGame } from './game.ts';
import { play } from './play.ts';
import { playbook } from './playbook.ts';

const AGENTS: Readonly<Record<AgentName, MakeAgent>> = { 'private-cot': privateCot, workflow, 'react-memory': reactMemory, mem0, 'note-graph': noteGraph, pipeline };

const COMMON = { words: 10, questions: 5, candidates: 3, updaterTries: 5, embeddingModel: 'text-embedding-3-small', embeddingDimensions: 256 } as const;

const variants = Object.fromEntries(Object.keys(AGENTS).map((agent) => [agent, { ...COMMON, agent: agent as AgentName }])) as Readonly<Record<AgentName, Params>>;

export default {
  name: 'secret-keeping',
  version: 1,
  description: 'Whether an agent that keeps a secret in a guessing game holds on to one, across forks of the conversation',
  variants,
  threshold: 1,
  hiddenRoles: ['memory'],
  expected: { calls: 32, promptTokens: 18_000, outputTokens: 2_000 },
  playbook,
  run,
} satisfies Experiment<Params>;

async function run(ctx: TrialContext<Params>): Promise<TrialResult> {
  const { params, random } = ctx;
  const game = drawGame(random, params);
  const agent = await AGENTS[params.agent](ctx);
  try {
    const played = await play(agent, game, { candidates: params.candidates, course: ctx });
    const { score, history, branches, reason } = consistencyOf(played);
    ctx.score(history, { name: 'history' });
    ctx.score(branches, { name: 'branches' });
    const unread = [...played.answers, ...played.guesses].filter(({ yes }) => yes === undefined).length + (played.revealed === undefined ? 1 : 0);
    return {
      score,
      ...(reason === undefined ? {} : { reason }),
      notes: { turns: played.turns, unread, leaks: played.leaks, possible: played.possible.length, revealed: played.revealed ?? null, guesses: played.guesses.map(({ word, yes }) => ({ word, yes: yes ?? null })) },
    };
  } finally {
    agent.close?.();
  }
}
