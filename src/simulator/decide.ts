import { type Clock, isObject, parseJson, seededRandom } from '../core/index.ts';
import type { Ask } from './ask.ts';
import type { Brain } from './brain.ts';
import { chooseFault, type FaultKind, type FaultRates } from './faults.ts';
import type { LimitBook } from './limits/limit-book.ts';
import { type ModelName, type Profile, readModelName } from './profiles.ts';
import { type CacheRule, type ComposeContext, composeReply, type Reply } from './reply.ts';
import type { RetryCounter } from './retries.ts';
import type { Tokenizer } from './tokenizer.ts';
import { rateHeaders, retryHeaders } from './wire/dialect.ts';
import type { WireFormat } from './wire/format.ts';
import { type Dialect, isProblem, type Problem } from './wire/problem.ts';

/** What deciding draws on; limits and retries are what earlier requests left behind. */
export interface DecideContext {
  readonly seed: number;
  readonly clock: Clock;
  readonly brain: Brain;
  readonly tokenizer: Tokenizer;
  readonly profiles: Readonly<Record<string, Profile>>;
  readonly otherModels: string | undefined;
  readonly faults: FaultRates | undefined;
  readonly slowFirstByteMs: number;
  readonly cache: CacheRule | undefined;
  readonly limits: LimitBook;
  readonly retries: RetryCounter;
}

export interface Incoming {
  readonly requestId: string;
  readonly format: WireFormat;
  readonly dialect: Dialect;
  readonly modelInPath: string | undefined;
  readonly body: string;
  readonly header: (name: string) => string | undefined;
}

/** What will become of a request. */
export interface Decision {
  /** Why there is no answer; or the answer; or neither, where a fault leaves the client without both. */
  readonly problem?: Problem;
  readonly answer?: { readonly ask: Ask; readonly reply: Reply };
  /** A body that nothing was generated for, such as the list of models. */
  readonly listing?: object;
  readonly model: string | null;
  readonly profile?: Profile;
  readonly fault: FaultKind | undefined;
  readonly retry: number | null;
  readonly headers: Record<string, string>;
  /** Milliseconds before the first byte. */
  readonly delayMs: number;
  /** Gives back the concurrency slot; to be called once, when the exchange is over. */
  readonly release?: () => void;
}

/** Reads a request, holds it against limits and faults, and makes up the answer. */
export function decide(incoming: Incoming, context: DecideContext): Decision {
  const body = parseJson(incoming.body);
  if (!isObject(body)) return refuse({ kind: 'bad_json' }, null);
  if (incoming.dialect === 'anthropic' && incoming.header('anthropic-version') === undefined) {
    return refuse({ kind: 'invalid', param: 'anthropic-version', message: 'header is required' }, null);
  }
  const ask = incoming.format.read(body, incoming.modelInPath);
  if (isProblem(ask)) return refuse(ask, null);
  const { profileName, variant } = readProfile(ask.model, context);
  const profile = context.profiles[profileName];
  if (profile === undefined || !Object.hasOwn(context.profiles, profileName)) return refuse({ kind: 'unknown_model', model: ask.model }, null);

  const promptTokens = incoming.format.promptTokens(ask, context.tokenizer);
  const composing: ComposeContext = {
    ...context,
    profile,
    variant,
    requestId: incoming.requestId.replace(/^req_/, ''),
    atMs: context.clock.now(),
    promptTokens,
    generationHeader: incoming.header('x-assay-generation'),
    fault: undefined,
  };
  let reply: Reply | undefined;
  const generate = (fault: ComposeContext['fault']): Reply =>
    composeReply(incoming.format.generates ? ask : { ...ask, generations: 0 }, fault === undefined ? composing : { ...composing, fault });

  const limited = context.limits.of(ask.model, profileName);
  let headers: Record<string, string> = {};
  let release: (() => void) | undefined;
  if (limited !== undefined) {
    const { enforcer, options } = limited;
    const reserved = options.countAtAdmission !== 'actual' && ask.maxTokens !== undefined ? ask.maxTokens * ask.generations : undefined;
    if (reserved === undefined) reply = generate(undefined);
    const now = context.clock.now();
    const admission = enforcer.admit({ inputTokens: promptTokens, outputTokens: reserved ?? reply?.usage.completion ?? 0 }, now);
    if (options.headers !== false) headers = rateHeaders(enforcer.state(now), incoming.dialect, now);
    if (!admission.admitted) {
      const problem: Problem = { ...admission, kind: 'rate_limited', model: ask.model };
      return { ...refuse(problem, ask.model), headers: { ...headers, ...retryHeaders(admission.waitMs, incoming.dialect) } };
    }
    release = () => enforcer.release();
  }

  const { fault, retry } = meetFault(incoming, ask, { ...context, profile, variant });
  const base = { model: ask.model, profile, fault, retry, headers, ...(release === undefined ? {} : { release }) };
  const delayMs = latencyMs(ask, profile, context, composing) + (fault === 'slowFirstByte' ? context.slowFirstByteMs : 0);
  const problem = problemOf(fault, incoming.dialect);
  if (problem !== undefined) return { ...base, problem, delayMs };
  if (fault === 'timeout' || fault === 'reset') return { ...base, delayMs };
  const spoiled = fault === 'contentFilter' || fault === 'empty' || fault === 'missingUsage' ? fault : undefined;
  return { ...base, answer: { ask, reply: spoiled === undefined ? (reply ?? generate(undefined)) : generate(spoiled) }, delayMs };
}

/** The profile of a model name. One that is no profile's stands for itself: it answers, and is limited, apart from others. */
export function readProfile(model: string, { profiles, otherModels }: Pick<DecideContext, 'profiles' | 'otherModels'>): ModelName {
  const read = readModelName(model);
  return otherModels === undefined || Object.hasOwn(profiles, read.profileName) ? read : { profileName: otherModels, variant: model };
}

/** An error answer that no fault is to blame for. */
export function refuse(problem: Problem, model: string | null): Decision {
  return { problem, model, fault: undefined, retry: null, headers: {}, delayMs: 0 };
}

function meetFault(
  incoming: Incoming,
  ask: Ask,
  context: DecideContext & { readonly profile: Profile; readonly variant: string },
): { readonly fault: FaultKind | undefined; readonly retry: number | null } {
  const rates = context.faults ?? context.profile.faults;
  if (rates === undefined) return { fault: undefined, retry: null };
  const generation = `${ask.seed ?? ''}#${incoming.header('x-assay-generation') ?? ''}`;
  const retry = context.retries.count({
    header: incoming.header('x-assay-retry') ?? incoming.header('x-stainless-retry-count'),
    identity: `${incoming.format.endpoint}\u0000${ask.model}\u0000${generation}\u0000${incoming.body}`,
  });
  const goal = `${ask.system}\u0000${ask.user}`;
  const drawn = chooseFault(rates, { seed: context.seed, variant: context.variant, goal, turn: ask.turn, generation, retry });
  return { fault: drawn !== undefined && applies(drawn, incoming) ? drawn : undefined, retry };
}

/** Embeddings and token counts cannot be empty or stopped half way, and a token count is nothing but its usage. */
function applies(fault: FaultKind, { format, dialect }: Incoming): boolean {
  if (format.generates) return true;
  if (fault === 'contentFilter') return dialect === 'azure';
  return fault !== 'empty' && !(fault === 'missingUsage' && format.endpoint === 'messages.count_tokens');
}

function problemOf(fault: FaultKind | undefined, dialect: Dialect): Problem | undefined {
  if (fault === 'error500') return { kind: 'server_error' };
  if (fault === 'error503') return { kind: 'unavailable' };
  if (fault === 'error529') return { kind: 'overloaded' };
  return fault === 'contentFilter' && dialect === 'azure' ? { kind: 'content_filter' } : undefined;
}

function latencyMs(ask: Ask, { latency }: Profile, { seed }: DecideContext, { variant, generationHeader }: ComposeContext): number {
  if (latency === undefined) return 0;
  const random = seededRandom('latency', seed, variant, ask.system, ask.user, ask.turn, ask.seed ?? '', generationHeader ?? '');
  return latency.minMs + random.next() * (latency.maxMs - latency.minMs);
}
