import type { ProbeHooks } from './contract.ts';

/** Model parameters that go with every request; part of every goal's key. */
export interface ProbeModelParameters {
  readonly temperature?: number;
  readonly topP?: number;
  readonly maxOutputTokens?: number;
  readonly stop?: readonly string[];
  /** Sent to the provider; raised by one for each further repeat or conversation of the same prompt, so that they may differ. */
  readonly seed?: number;
  /** Put before conversations that have no system prompt; what probes of the system prompt try to get out. */
  readonly system?: string;
}

/** What a suite of probes is made from. */
export interface ProbesConfig {
  /** `probes`, `probes.encoding`, `probes.encoding.base64`, `tag:owasp:llm01`; a minus sign takes out again. */
  readonly specs: readonly string[];
  /** Targets by name; the plan's own where absent. */
  readonly targets?: readonly string[];
  /** Answers per prompt. In a probe of several turns each is a conversation of its own. Default 1. */
  readonly generations?: number;
  /** How often each prompt is a goal of its own. Default 1. */
  readonly repeats?: number;
  /** Most prompts of one probe, a seeded choice. Default 10; all rows for `probes.custom`. */
  readonly promptsPerProbe?: number;
  readonly model?: ProbeModelParameters;
  /** Ask for streamed answers. Changes nothing that is asked, so it is no part of a key. */
  readonly stream?: boolean;
  /** For `probes.custom`. */
  readonly custom?: { readonly promptsFile?: string; readonly detectors?: readonly string[] };
  /** Called after a probe's own hooks. */
  readonly hooks?: ProbeHooks;
}

export const DEFAULT_PROMPTS_PER_PROBE = 10;
