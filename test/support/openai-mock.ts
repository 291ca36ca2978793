import { LLMock, type ChaosConfig, type JournalEntry } from '@copilotkit/aimock';

/** What a third-party mock of the OpenAI API says it did. */
export interface MockBooks {
  readonly requests: number;
  /** Answers sent whole. */
  readonly answered: number;
  readonly rateLimited: number;
  /** Answers spoiled or refused on purpose, throttling aside. */
  readonly failed: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly journal: readonly JournalEntry[];
}

export interface OpenAiMock extends AsyncDisposable {
  readonly url: string;
  books(): MockBooks;
}

/** Starts the mock: every prompt is answered, with a usage that depends on the prompt so that no two sums agree by luck. */
export async function startOpenAiMock(chaos: ChaosConfig = {}): Promise<OpenAiMock> {
  // Its log of past requests is what is counted, so it must hold them all.
  const mock = new LLMock({ port: 0, logLevel: 'silent', chaos, journalMaxEntries: 100_000 });
  mock.onMessage(/[^]*/, (request) => {
    const { prompt, completion } = usageOf(request.messages);
    return { content: `An answer of some length about ${prompt} things.`, usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion } };
  });
  await mock.start();
  return {
    url: mock.url,
    books: () => {
      const journal = mock.getRequests().filter((entry) => entry.method === 'POST');
      const answered = journal.filter((entry) => entry.response.status === 200 && entry.response.chaosAction === undefined);
      const usages = answered.map((entry) => usageOf((entry.body as { readonly messages?: readonly unknown[] }).messages ?? []));
      const rateLimited = journal.filter((entry) => entry.response.chaosAction === 'rateLimit').length;
      return {
        requests: journal.length,
        answered: answered.length,
        rateLimited,
        failed: journal.length - answered.length - rateLimited,
        promptTokens: usages.reduce((sum, usage) => sum + usage.prompt, 0),
        completionTokens: usages.reduce((sum, usage) => sum + usage.completion, 0),
        journal,
      };
    },
    [Symbol.asyncDispose]: () => mock.stop(),
  };
}

function usageOf(messages: readonly unknown[]): { readonly prompt: number; readonly completion: number } {
  const length = JSON.stringify(messages).length;
  return { prompt: 7 + (length % 101), completion: 3 + (length % 37) };
}
