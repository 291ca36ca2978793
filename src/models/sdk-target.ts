import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { Output } from '../core/index.ts';
import type { Budget } from '../limiter/index.ts';
import { CallError, collectAnswers, transportFetch, type Answer, type RetryPolicy, type Transport } from '../transport/index.ts';
import type { GenerateRequest, Target, TargetEndpoint } from './contract.ts';
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
  /** Parameters sent with every request, beside the client's own. */
  readonly query?: URLSearchParams;
  readonly simulated: boolean;
  /** One call may ask for several generations (`n`). */
  readonly takesN: boolean;
  /** Where it is, for other clients. */
  readonly endpoint: () => TargetEndpoint;
  /** The AI SDK's model, sending through the fetch it is given. */
  readonly connect: (fetch: FetchLike) => LanguageModelV4;
}

export interface SdkTargetOptions {
  readonly transport: Pick<Transport, 'send'>;
  readonly retry?: RetryPolicy;
  readonly timeoutMs?: number;
  readonly budgets?: readonly Budget[];
  /** Turns calls away that wait to be admitted when this aborts. */
  readonly drain?: AbortSignal;
}

/**
 * A target over the AI SDK: the SDK writes the provider's request, transport sends it, and the answer is read by our own
 * wire formats, so that usage, several choices and streams are read in one way everywhere.
 */
export function sdkTarget(model: SdkModel, options: SdkTargetOptions): Target {
  const { transport, ...policy } = options;
  const fetchFor = (bodyExtras: Readonly<Record<string, unknown>>) =>
    withQuery(
      transportFetch(transport, () => ({ ...policy, target: model.spec, deployment: model.deployment, simulated: model.simulated, bodyExtras })),
      model.query,
    );
  const single = model.connect(fetchFor({}));

  const ask = async (request: GenerateRequest, generation: number, n: number): Promise<Answer> => {
    const sdk = n === 1 ? single : model.connect(fetchFor({ n }));
    const headers = { ...request.headers, ...(model.simulated && generation > 0 ? { 'x-assay-generation': String(generation) } : {}) };
    const callWith = { ...callOptions(request, generation), headers };
    const { answers, failure } = await collectAnswers(async () => {
      if (request.stream === true) await drain((await sdk.doStream(callWith)).stream);
      else await sdk.doGenerate(callWith);
    });
    const answer = answers.at(-1);
    // What the SDK makes of an answer that is in the ledger does not matter: the answer itself is what counts.
    if (answer === undefined) throw failure instanceof Error ? failure : new Error('the model client sent no call');
    return answer;
  };

  return {
    spec: model.spec,
    provider: model.provider,
    model: model.model,
    deployment: model.deployment,
    host: model.host,
    simulated: model.simulated,
    endpoint: model.endpoint,
    generate: async (request) => {
      const wanted = request.generations ?? 1;
      const outputs: Output[] = [];
      if (model.takesN && wanted > 1) {
        const answer = await ask(request, 0, wanted);
        outputs.push(...outputsOf(answer).slice(0, wanted));
        // A prompt that was refused was refused for all.
        if (answer.blocked && answer.facts.answers.length === 0) return Array.from({ length: wanted }, () => outputs[0]!);
      }
      const missing = Array.from({ length: wanted - outputs.length }, (_, i) => outputs.length + i);
      const settled = await Promise.allSettled(missing.map((generation) => ask(request, generation, 1)));
      const failures: unknown[] = [];
      for (const result of settled) {
        if (result.status === 'fulfilled') outputs.push(outputsOf(result.value)[0]);
        else failures.push(result.reason);
      }
      if (failures.length === 0) return outputs;
      // A store that fails or a budget that is spent says more than a call that failed beside it.
      const failure = failures.find((reason) => !CallError.isInstance(reason)) ?? failures[0];
      throw CallError.isInstance(failure) ? failure.withPartial(outputs) : failure;
    },
  };
}

function withQuery(fetch: FetchLike, query: URLSearchParams | undefined): FetchLike {
  if (query === undefined || query.size === 0) return fetch;
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    for (const [name, value] of query) url.searchParams.append(name, value);
    return fetch(url, init);
  };
}

function outputsOf({ facts, blocked, callId }: Answer): [Output, ...Output[]] {
  const common = { callId, ...(facts.model === undefined ? {} : { model: facts.model }) };
  const reason = facts.blockReason === undefined ? {} : { blockReason: facts.blockReason };
  const [first, ...others] = facts.answers.map((given): Output => {
    // One choice of several may be blocked on its own.
    const blockedHere = facts.answers.length === 1 ? blocked : given.finishReason === 'content_filter';
    return {
      ...common,
      text: given.text,
      ...(given.reasoning === undefined ? {} : { reasoning: given.reasoning }),
      ...(given.toolCalls.length === 0 ? {} : { toolCalls: given.toolCalls }),
      finishReason: given.finishReason ?? 'other',
      blocked: blockedHere,
      ...(blockedHere ? reason : {}),
    };
  });
  if (first !== undefined) return [first, ...others];
  return [{ ...common, text: '', finishReason: blocked ? 'content_filter' : 'other', blocked, ...(blocked ? reason : {}) }];
}

async function drain(stream: ReadableStream<unknown>): Promise<void> {
  const reader = stream.getReader();
  while (!(await reader.read()).done);
}
