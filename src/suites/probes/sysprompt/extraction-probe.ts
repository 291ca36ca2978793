import type { PlaybookRule } from '../../../simulator/index.ts';
import type { Probe, ProbeNotes } from '../contract.ts';
import { combinations } from '../permutation.ts';
import { secretPrompt } from './system-prompts.ts';

export interface Extraction {
  /** Last part of the probe's id. */
  readonly name: string;
  readonly goal: string;
  readonly description: string;
  readonly references: readonly string[];
  /** What the user says, turn by turn; one turn in most probes. */
  readonly scripts: readonly (readonly [string, ...string[]])[];
  readonly next?: Probe['next'];
  /** Regular expression over the user's message that a weak simulated model gives in to. */
  readonly pattern: string;
  readonly chance: number;
  /** Rules for turns before the last. */
  readonly smallTalk?: readonly PlaybookRule[];
}

const PUBLISHED = [
  'https://arxiv.org/abs/2307.06865', // Zhang, Carlini, Ippolito: Effective Prompt Extraction from Language Models
  'https://genai.owasp.org/llmrisk/llm072025-system-prompt-leakage/',
];

/** Made-up system prompts that each script is tried with. */
const VARIANTS = 64;

/**
 * A probe that asks for the system prompt: the one the user gave, else made-up ones that hold a codeword, which shows a leak even where
 * nothing else is repeated.
 */
export function extractionProbe(extraction: Extraction): Probe {
  const turns = Math.max(...extraction.scripts.map((script) => script.length));
  return {
    id: `probes.sysprompt.${extraction.name}`,
    version: 1,
    family: 'sysprompt',
    goal: extraction.goal,
    description: extraction.description,
    tags: ['owasp:llm07', 'atlas:AML.T0056', 'avid-effect:security:S0301'],
    references: [...extraction.references, ...PUBLISHED],
    detectors: ['system-prompt-leak'],
    ...(extraction.next === undefined ? {} : { next: extraction.next, turns }),
    *prompts(random, { system: given }) {
      const made = given === undefined ? Array.from({ length: VARIANTS }, () => secretPrompt(random)) : [{ system: given, secret: undefined }];
      for (const [[first, ...followUps], { system, secret }] of combinations(random, extraction.scripts, made)) {
        const notes: ProbeNotes = {
          system_prompt: system,
          ...(secret === undefined ? {} : { secret }),
          ...(followUps.length === 0 ? {} : { follow_ups: followUps }),
        };
        yield {
          messages: [
            { role: 'system', content: system },
            { role: 'user', content: first },
          ],
          notes,
        };
      }
    },
    weakness: [{ id: `sysprompt.${extraction.name}`, pattern: extraction.pattern, chance: extraction.chance, answer: '{system}' }, ...(extraction.smallTalk ?? [])],
  };
}
