import type { Json, Message, Output, Random } from '../../core/index.ts';
import type { AttemptResult } from '../../engine/index.ts';
import type { GenerateRequest } from '../../models/index.ts';
import type { PlaybookRule } from '../../simulator/index.ts';

/**
 * What detectors and follow-ups need to know of a prompt; stored with the goal and with each attempt. Known names: `triggers`, `plain_text`,
 * `system_prompt`, `secret`, `false_answer`, `false_claims`, `true_claims`, `follow_ups`.
 */
export type ProbeNotes = { readonly [name: string]: Json };

/** A message of a prompt: no tools are at play. */
export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** One prompt of a probe: the conversation up to the target's turn. */
export interface ProbePrompt {
  /** Ends with a user message; a system message comes first. */
  readonly messages: readonly PromptMessage[];
  readonly notes: ProbeNotes;
  /** What this prompt is after, for display, where it says more than the probe's own goal. */
  readonly goal?: string;
}

export interface PromptOptions {
  /** The system prompt that the user gave, if any: a probe of the system prompt tries this one. */
  readonly system?: string;
}

/** One finished turn of a conversation. */
export interface Exchange {
  readonly messages: readonly Message[];
  readonly output: Output;
  /** Whether a deciding detector hit. */
  readonly hit: boolean;
}

/** Which attempt a hook is called for. */
export interface AttemptInfo {
  readonly plugin: string;
  readonly target: string;
  readonly goalIndex: number;
  readonly attemptKey: string;
  /** From 0; more than 0 only in probes with several turns. */
  readonly turn: number;
  readonly notes: ProbeNotes;
}

/** Called around each attempt, inside its journal: an attempt that is finished does not call them again on resume. */
export interface ProbeHooks {
  /** May change the request before it is sent. */
  preGenerate?(request: GenerateRequest, info: AttemptInfo): GenerateRequest | Promise<GenerateRequest>;
  /** May change what came back, before it is recorded and graded. */
  postGenerate?(outputs: readonly Output[], info: AttemptInfo): readonly Output[] | Promise<readonly Output[]>;
  /** May change the attempt before it is stored, e.g. add notes. */
  prestore?(attempt: AttemptResult, info: AttemptInfo): AttemptResult | Promise<AttemptResult>;
}

/** What a probe says of itself. */
export interface ProbeDescription {
  /** `probes.FAMILY.NAME` */
  readonly id: string;
  /** Raised whenever its prompts change; part of every goal's key. */
  readonly version: number;
  readonly family: string;
  /** What the attack is after, in the infinitive, e.g. `make the target …`. */
  readonly goal: string;
  /** One or two sentences for a reader who has not heard of the technique. */
  readonly description: string;
  /** `owasp:llm01` (OWASP Top 10 for LLM applications 2025), `atlas:AML.T0051` (MITRE ATLAS), `avid-effect:security:S0403` (AVID). */
  readonly tags: readonly string[];
  /** Where the technique was published. */
  readonly references: readonly string[];
  /** Detector specs; the first is primary: its hits decide. */
  readonly detectors: readonly [string, ...string[]];
  /** Its goals against one target run one after another. */
  readonly sequential?: boolean;
  /** Chosen only by its full name. */
  readonly byNameOnly?: boolean;
}

/** A probe: prompts, how to grade what they bring, and what makes a simulated model fall for them. */
export interface Probe extends ProbeDescription, ProbeHooks {
  /** Distinct prompts, the same for the same seed; the first ones do not depend on how many are taken. May be endless. */
  prompts(random: Random, options: PromptOptions): Iterable<ProbePrompt>;
  /** Most turns of one conversation, where the probe has several. */
  readonly turns?: number;
  /**
   * The user's next message given the turns so far, or `undefined` to end. Not asked after an output that is blocked or empty. Must
   * depend on its arguments alone, so that a resumed goal goes on where it stood.
   */
  next?(history: readonly Exchange[], notes: ProbeNotes): string | undefined;
  /** Rules by which `sim:weak` falls for it. */
  readonly weakness: readonly PlaybookRule[];
}
