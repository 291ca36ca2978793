import { type Random, seededRandom } from '../core/index.ts';
import type { Ask } from './ask.ts';
import { paragraph } from './paragraphs.ts';
import type { Playbook, PlaybookRule, PlaybookSubject } from './playbook.ts';
import type { Profile } from './profiles.ts';
import { refusal } from './refusals.ts';
import { fillTemplate } from './template.ts';
import { argumentsFor } from './tool-arguments.ts';

/** A tool call that a model makes. */
export interface MadeCall {
  readonly name: string;
  /** JSON text. */
  readonly argumentsText: string;
}

/** What a model says before limits on length are laid on it. */
export interface Thought {
  readonly text: string;
  readonly call: MadeCall | undefined;
  /** The rule that decided, if any. */
  readonly rule: string | undefined;
  /** Whether the model yielded to it. */
  readonly yielded: boolean;
}

/** Which model thinks, and which of its answers. */
export interface Thinker {
  readonly profile: Profile;
  readonly variant: string;
  readonly generation: string;
}

interface Condition {
  readonly on: PlaybookSubject;
  readonly pattern: RegExp;
}

interface CompiledRule extends Condition {
  readonly rule: PlaybookRule;
  readonly where: readonly Condition[];
}

interface Matched {
  readonly rule: PlaybookRule;
  readonly match: RegExpMatchArray;
  /** Named groups of the rule's further patterns. */
  readonly groups: Readonly<Record<string, string>>;
}

/**
 * Decides what is said. Every choice hashes (seed, variant, rule, system prompt and last user message, turn, generation)
 * and nothing else, so the order of requests, retries and time change nothing.
 */
export class Brain {
  readonly #seed: number;
  readonly #rules: readonly CompiledRule[];

  constructor(seed: number, playbooks: readonly Playbook[]) {
    this.#seed = seed;
    this.#rules = playbooks.flatMap(({ rules }) => rules.map((rule) => ({ rule, on: rule.on ?? 'user', pattern: compile(rule.pattern), where: (rule.where ?? []).map(({ on, pattern }) => ({ on, pattern: compile(pattern) })) })));
  }

  think(ask: Ask, thinker: Thinker): Thought {
    if (thinker.profile.behaviour === 'echo') return { text: ask.user, call: undefined, rule: undefined, yielded: false };
    const matched = this.#match(ask);
    if (matched !== undefined) return this.#byRule(ask, thinker, matched);
    const call = this.#callUnruled(ask, thinker);
    if (call !== undefined) return { text: '', call, rule: undefined, yielded: false };
    const text =
      ask.toolResult === undefined ? paragraph(this.#random('paragraph', ask, thinker)) : `The tool answered: ${ask.toolResult}`;
    return { text, call: undefined, rule: undefined, yielded: false };
  }

  /** Seeded by what is asked and by whom; `purpose` keeps draws for different ends apart. */
  #random(purpose: string, ask: Ask, { variant, generation }: Thinker): Random {
    return seededRandom(purpose, this.#seed, variant, ask.system, ask.user, ask.turn, generation);
  }

  #match(ask: Ask): Matched | undefined {
    let conversation: string | undefined;
    const tryOn = ({ on, pattern }: Condition): RegExpExecArray | null => {
      if (on === 'user') return pattern.exec(ask.user);
      if (on === 'system') return pattern.exec(ask.system);
      conversation ??= ask.messages.map(({ text }) => text).join('\n');
      return pattern.exec(conversation);
    };
    for (const compiled of this.#rules) {
      const match = tryOn(compiled);
      if (match === null) continue;
      const groups: Record<string, string> = {};
      const holds = compiled.where.every((condition) => {
        const also = tryOn(condition);
        Object.assign(groups, also?.groups);
        return also !== null;
      });
      if (holds) return { rule: compiled.rule, match, groups };
    }
    return undefined;
  }

  #byRule(ask: Ask, thinker: Thinker, { rule, match, groups }: Matched): Thought {
    const random = this.#random(`rule:${rule.id}`, ask, thinker);
    const values = { match, groups, random, system: ask.system, ...(ask.toolResult === undefined ? {} : { tool: ask.toolResult }) };
    const willing = rule.benign === true || thinker.profile.behaviour === 'weak';
    if (random.next() < rule.chance && willing) {
      const { tool } = rule;
      if (tool !== undefined && ask.toolResult === undefined && ask.toolChoice !== 'none' && ask.tools.some(({ name }) => name === tool.name)) {
        const filled = Object.entries(tool.arguments).map(([name, value]) => [name, typeof value === 'string' ? (fillTemplate(value, values) ?? '') : value]);
        const call = { name: tool.name, argumentsText: JSON.stringify(Object.fromEntries(filled)) };
        return { text: '', call, rule: rule.id, yielded: true };
      }
      const text = fillTemplate(rule.answer, values);
      if (text !== undefined) return { text, call: undefined, rule: rule.id, yielded: true };
    }
    const otherwise = rule.otherwise === undefined ? undefined : fillTemplate(rule.otherwise, values);
    return { text: otherwise ?? refusal(random), call: undefined, rule: rule.id, yielded: false };
  }

  /** A tool call that no rule asked for: the caller insists on one, or the profile likes to make them. */
  #callUnruled(ask: Ask, thinker: Thinker): MadeCall | undefined {
    if (ask.tools.length === 0 || ask.toolChoice === 'none') return undefined;
    const insisted = ask.toolChoice !== 'auto';
    if (!insisted && ask.toolResult !== undefined) return undefined;
    const random = this.#random('tool', ask, thinker);
    if (!insisted && random.next() >= (thinker.profile.toolChance ?? 0)) return undefined;
    const wanted = typeof ask.toolChoice === 'object' ? ask.toolChoice.name : undefined;
    const tool = wanted === undefined ? random.pick(ask.tools) : ask.tools.find(({ name }) => name === wanted);
    return tool === undefined ? undefined : { name: tool.name, argumentsText: JSON.stringify(argumentsFor(tool.parameters, random)) };
  }
}

function compile(pattern: string): RegExp {
  return new RegExp(pattern, 'isu');
}
