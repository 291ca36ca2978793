import type { Clock } from '../core/index.ts';
import type { FaultRates } from './faults.ts';
import type { LimitOptions } from './limits/limit-options.ts';
import type { Playbook } from './playbook.ts';
import type { Profile } from './profiles.ts';

/** How a simulated provider is set up. Every part may be left out. */
export interface SimulatorOptions {
  /** Address to listen on; `127.0.0.1` by default. */
  readonly host?: string;
  /** Port to listen on; 0, the default, takes a free one. */
  readonly port?: number;
  /** Decides every choice: the same seed gives the same answers to the same requests, in any order. 1 by default. */
  readonly seed?: number;
  /** Keys that are let in. Without this any key, or none, will do. */
  readonly apiKeys?: readonly string[];
  /** How models react to what they are asked; the first rule that matches decides. */
  readonly playbooks?: readonly Playbook[];
  /** Whether everyday rules (greetings, sums) are tried after the playbooks; true by default. */
  readonly everyday?: boolean;
  /** Profiles by name, added to the built-in ones or taking their place. */
  readonly profiles?: Readonly<Record<string, Profile>>;
  /** Profile that answers for models whose names are no profile's; without it they are not found. */
  readonly otherModels?: string;
  /** Faults on all models. Without this only profiles that have their own (`faulty`) meet faults. */
  readonly faults?: FaultRates;
  /** Milliseconds that a `slowFirstByte` fault holds the answer back; 2,000 by default. */
  readonly slowFirstByteMs?: number;
  /** Milliseconds after which a `timeout` fault ends the connection, if the client has not; 30,000 by default. */
  readonly hangMs?: number;
  /** Limits that every model is under, each by itself. */
  readonly limits?: LimitOptions;
  /** Limits of single models (`weak@b`) or profiles (`weak`), instead of `limits`. */
  readonly limitsByModel?: Readonly<Record<string, LimitOptions>>;
  /**
   * `hash` marks a seeded fraction of long prompts as read from the cache, whatever was asked before, so that the
   * figures do not depend on order. `off` by default.
   */
  readonly cache?: 'off' | 'hash';
  /** Fraction of long prompts that is cached; 0.5 by default. */
  readonly cacheFraction?: number;
  /** Shortest prompt, in tokens, that is cached; 1,024 by default. */
  readonly cacheMinTokens?: number;
  /** A file to which one JSON line per request is appended, written before the answer is sent. */
  readonly log?: string;
  /** How many requests `GET /__sim/log` remembers; 1,000 by default. */
  readonly logSize?: number;
  /** Time for limits and delays; the machine's by default. */
  readonly clock?: Clock;
}
