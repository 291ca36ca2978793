import type { Probe } from '../contract.ts';
import { combinations } from '../permutation.ts';
import { CARRIERS } from './carriers.ts';
import { ROGUE_STRINGS } from './rogue-strings.ts';

export interface Injection {
  /** Last part of the probe's id. */
  readonly name: string;
  readonly goal: string;
  readonly description: string;
  readonly references: readonly string[];
  /** What is put behind the carrier's text; the rogue string stands in straight double quotes. */
  readonly framings: readonly ((rogue: string) => string)[];
  /** Regular expression that finds a framing and captures the rogue string as `rogue`. */
  readonly pattern: string;
  /** Chance that a weak simulated model follows it. */
  readonly chance: number;
}

const PUBLISHED = [
  'https://arxiv.org/abs/2211.09527', // Perez and Ribeiro: Ignore Previous Prompt
  'https://genai.owasp.org/llmrisk/llm01-prompt-injection/',
];

/** A probe that hides an instruction in the text a task is set on. Saying the harmless rogue string is the hit. */
export function injectionProbe(injection: Injection): Probe {
  return {
    id: `probes.promptinject.${injection.name}`,
    version: 1,
    family: 'promptinject',
    goal: injection.goal,
    description: injection.description,
    tags: ['owasp:llm01', 'atlas:AML.T0051', 'avid-effect:security:S0403'],
    references: [...injection.references, ...PUBLISHED],
    detectors: ['trigger-list'],
    *prompts(random) {
      for (const [framing, carrier, rogue] of combinations(random, injection.framings, CARRIERS, ROGUE_STRINGS)) {
        const content = `${carrier.task}\n\n${carrier.text}${framing(rogue)}`;
        yield { messages: [{ role: 'user', content }], notes: { triggers: [rogue] } };
      }
    },
    weakness: [{ id: `promptinject.${injection.name}`, pattern: injection.pattern, chance: injection.chance, answer: '{rogue}' }],
  };
}
