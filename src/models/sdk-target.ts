import type { LanguageModelV4 } from '@ai-sdk/provider';
import { AssayError, type Output } from '../core/index.ts';
import type { Budget } from '../limiter/index.ts';
import { CallError, collectAnswers, transportFetch, type Answer, type RetryPolicy, type Transport } from '../transport/index.ts';
import type { GenerateRequest, Target } from './contract.ts';
import { callOptions } from './prompt.ts';

type FetchLike = ReturnType<typeof transportFetch>;

/** What a provider file knows of its model. */
export interface SdkModel {
  readonly spec: string;
  readonly provider: string;
  readonly model: string;
  readonly deployment: string;
  /** Host name the calls go to. */
  readonly host: string;
  readonly simulated: boolean;
  /** One call may ask for several generations (`n`). */
  readonly takesN: boolean;
  /** The AI SDK's model, sending through the fetch it is given. */
  readonly connect: (fetch: FetchLike) => LanguageModelV4;
}

export interface SdkTargetOptions {
  readonly transport: Pick<Transport, 'send'>;
  readonly retry?: RetryPolicy;
  readonly timeoutMs?: number;
  readonly budgets?: readonly Budget[];
}

/**
 * A target over the AI SDK: the SDK writes the provider's request, transport sends it, and the answer is read by our own
 * wire formats, so that usage, several choices and streams are read in one way everywhere.
 */
export function sdkTarget(model: SdkModel, options: SdkTargetOptions): Target {
  const { transport, ...policy } = options;
  const callFor = (bodyExtras: Readonly<Record<string, unknown>>) =>
    transportFetch(transport, () => ({ ...policy, target: model.spec, deployment: model.deployment, simulated: model.simulated, bodyExtras }));
  const single = model.connect(callFor({}));

  const ask = async (request: GenerateRequest, generation: number, n: number): Promise<Output[]> => {
    const sdk = n === 1 ? single : model.connect(callFor({ n }));
    const headers = { ...request.headers, ...(model.simulated && generation > 0 ? { 'x-assay-generation': String(generation) } : {}) };
    const callWith = { ...callOptions(request, generation), headers };
    const { answers, failure } = await collectAnswers(async () => {
      if (request.stream === true) await drain((await sdk.doStream(callWith)).stream);
      else await sdk.doGenerate(callWith);
    });
    const answer = answers.at(-1);
    // What the SDK makes of an answer that is in the ledger does not matter: the answer itself is what counts.
    if (answer === undefined) throw failure instanceof Error ? failure : new Error('the model client sent no call');
    return outputsOf(answer);
  };

  return {
    spec: model.spec,
    provider: model.provider,
    model: model.model,
    deployment: model.deployment,
    host: model.host,
    simulated: model.simulated,
    generate: async (request) => {
      const wanted = request.generations ?? 1;
      const outputs = model.takesN && wanted > 1 ? (await ask(request, 0, wanted)).slice(0, wanted) : [];
      if (outputs.some((output) => output.blocked)) return Array.from({ length: wanted }, (_, i) => outputs[i] ?? outputs[0]!);
      const missing = Array.from({ length: wanted - outputs.length }, (_, i) => outputs.length + i);
      const settled = await Promise.allSettled(missing.map((generation) => ask(request, generation, 1)));
      for (const result of settled) if (result.status === 'fulfilled') outputs.push(...result.value.slice(0, 1));
      const failed = settled.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw withPartial(failed.reason, outputs);
      return outputs;
    },
  };
}

function withPartial(reason: unknown, partial: readonly Output[]): unknown {
  if (partial.length === 0 || !CallError.isInstance(reason) || !AssayError.isInstance(reason)) return reason;
  const { message, hint, status, httpStatus, deployment, tries } = reason;
  return new CallError({ code: reason.code as never, message, ...(hint === undefined ? {} : { hint }), status, httpStatus, deployment, tries, partial, cause: reason });
}

function outputsOf(answer: Answer): Output[] {
  const { facts, blocked, callId } = answer;
  const common = { blocked, callId, ...(facts.blockReason === undefined ? {} : { blockReason: facts.blockReason }), ...(facts.model === undefined ? {} : { model: facts.model }) };
  if (facts.answers.length === 0) return [{ ...common, text: '', finishReason: blocked ? 'content_filter' : 'other' }];
  return facts.answers.map((given) => ({
    ...common,
    // One choice of several may be blocked on its own.
    blocked: facts.answers.length === 1 ? blocked : given.finishReason === 'content_filter',
    text: given.text,
    ...(given.reasoning === undefined ? {} : { reasoning: given.reasoning }),
    ...(given.toolCalls.length === 0 ? {} : { toolCalls: given.toolCalls }),
    finishReason: given.finishReason ?? 'other',
  }));
}

async function drain(stream: ReadableStream<unknown>): Promise<void> {
  const reader = stream.getReader();
  while (!(await reader.read()).done);
}
