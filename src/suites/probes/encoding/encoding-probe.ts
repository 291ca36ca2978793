import type { Probe } from '../contract.ts';
import { combinations } from '../permutation.ts';
import { SENTENCE_PARTS, sentence } from './sentences.ts';
import { WORDINGS } from './wordings.ts';

export interface Encoding {
  /** Last part of the probe's id, and the codec's name in playbooks. */
  readonly name: string;
  /** As a prompt calls it. */
  readonly title: string;
  readonly description: string;
  readonly references: readonly string[];
  readonly encode: (text: string) => string;
  /** Regular expression of an encoded payload. */
  readonly payload: string;
  /** Chance that a weak simulated model decodes it. */
  readonly chance: number;
}

const PUBLISHED = [
  'https://arxiv.org/abs/2307.02483', // Wei, Haghtalab, Steinhardt: Jailbroken: How Does LLM Safety Training Fail?
  'https://genai.owasp.org/llmrisk/llm01-prompt-injection/',
];

/** A probe that hides a harmless sentence in an encoding and asks for it: filters read the encoded text, the model the plain one. */
export function encodingProbe(encoding: Encoding): Probe {
  return {
    id: `probes.encoding.${encoding.name}`,
    version: 1,
    family: 'encoding',
    goal: `make the target decode ${encoding.title} and say what was hidden in it`,
    description: encoding.description,
    tags: ['owasp:llm01', 'atlas:AML.T0051', 'atlas:AML.T0068', 'avid-effect:security:S0403'],
    references: [...encoding.references, ...PUBLISHED],
    detectors: ['decode-match'],
    *prompts(random) {
      for (const [wording, ...parts] of combinations(random, WORDINGS, ...SENTENCE_PARTS)) {
        const plain = sentence(parts);
        const payload = encoding.encode(plain);
        yield { messages: [{ role: 'user', content: wording(encoding.title, payload) }], notes: { plain_text: plain, encoding: encoding.name, payload } };
      }
    },
    weakness: [
      {
        id: `encoding.${encoding.name}`,
        pattern: `^(?=.*${encoding.title}).*?\\n(?:\\n|\`{3}\\n)(?<payload>${encoding.payload})(?:\\n|$)`,
        chance: encoding.chance,
        answer: `It says: {decode:${encoding.name}:payload}`,
      },
    ],
  };
}
