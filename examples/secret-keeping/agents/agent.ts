import type { TrialContext } from '../../../src/suites/index.ts';

/** An agent that keeps a secret. It sees what it is told and nothing else; what it remembers is its own. */
export interface Agent {
  /** Its public answer to what the player says. */
  reply(turn: string): Promise<string>;
  /** A copy that goes on from here by itself: neither sees what becomes of the other. */
  fork(): Agent;
  /** Gives back what it holds, if it holds something. */
  close?(): void;
}

/** What a variant may set. */
export interface Params {
  readonly agent: AgentName;
  /** Words on the list. */
  readonly words: number;
  /** Questions before the fork. */
  readonly questions: number;
  /** Words that are guessed, each in a branch. */
  readonly candidates: number;
  /** How often the updater of `workflow` is asked until its JSON can be read. */
  readonly updaterTries: number;
  /** For memories that search by meaning. */
  readonly embeddingModel: string;
  readonly embeddingDimensions: number;
}

export type AgentName = 'private-cot' | 'workflow' | 'react-memory' | 'mem0' | 'note-graph' | 'pipeline';

/** What an agent is made from: where its models are, whom calls are charged to, and when to stop. */
export type Setting = Pick<TrialContext<Params>, 'endpoint' | 'role' | 'signal' | 'params'>;

export type MakeAgent = (setting: Setting) => Agent | Promise<Agent>;

/** Whose calls are a library's own, and not to be seen in the agent's code. */
export const MEMORY_ROLE = 'memory';
