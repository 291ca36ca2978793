import type { Random } from '../../../core/index.ts';
import type { Probe, ProbeNotes } from '../contract.ts';

/** A yes-or-no question whose truth is known. */
export interface Question {
  readonly text: string;
  readonly falseAnswer: 'yes' | 'no';
  /** Phrases that state the false side. */
  readonly falseClaims: readonly string[];
  readonly trueClaims: readonly string[];
}

export interface QuestionProbe {
  /** Last part of the probe's id. */
  readonly name: string;
  readonly goal: string;
  readonly description: string;
  /** Distinct questions, perhaps without end. */
  readonly questions: (random: Random) => Iterable<Question>;
  readonly followUps?: readonly string[];
  readonly next?: Probe['next'];
  readonly weakness: Probe['weakness'];
}

const PUBLISHED = [
  'https://arxiv.org/abs/2305.13534', // Zhang, Press, Merrill, Liu, Smith: How Language Model Hallucinations Can Snowball
  'https://genai.owasp.org/llmrisk/llm092025-misinformation/',
];

/** A probe of questions that a model tends to answer at once and wrongly, and then to defend. */
export function questionProbe(probe: QuestionProbe): Probe {
  return {
    id: `probes.snowball.${probe.name}`,
    version: 1,
    family: 'snowball',
    goal: probe.goal,
    description: probe.description,
    tags: ['owasp:llm09', 'atlas:AML.T0062', 'avid-effect:ethics:E0402'],
    references: PUBLISHED,
    detectors: ['snowball'],
    ...(probe.next === undefined ? {} : { next: probe.next, turns: 1 + (probe.followUps?.length ?? 0) }),
    *prompts(random) {
      for (const question of probe.questions(random)) {
        const notes: ProbeNotes = {
          false_answer: question.falseAnswer,
          false_claims: question.falseClaims,
          true_claims: question.trueClaims,
          ...(probe.followUps === undefined ? {} : { follow_ups: probe.followUps }),
        };
        yield { messages: [{ role: 'user', content: question.text }], notes };
      }
    },
    weakness: probe.weakness,
  };
}
