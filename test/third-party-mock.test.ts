import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { UsageView } from '../src/report/index.ts';
import { startOpenAiMock } from './support/openai-mock.ts';
import { cli } from './support/processes.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'assay-mock-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

describe("a run against a third-party mock of OpenAI's API", () => {
  it.each([
    ['whole answers', []],
    ['streamed answers', ['--stream']],
  ])('is billed just what the mock counted, with failures and retries injected: %s', { timeout: 120_000 }, async (_what, flags) => {
    await using mock = await startOpenAiMock({ dropRate: 0.05, malformedRate: 0.03, disconnectRate: 0.03, rateLimitRate: 0.02 });
    const run = await cli(['run', 'probes.encoding', '--target', `compat:${mock.url}/v1#any-model`, '--json', ...flags], { cwd });
    expect(run.code, run.stderr).toBe(0);
    const { run: id, goals, attempts } = JSON.parse(run.stdout) as { readonly run: string; readonly goals: object; readonly attempts: object };
    expect(goals).toMatchObject({ planned: 130, errors: 0 });
    expect(attempts).toMatchObject({ finished: 130, errors: 0 });

    const usage = JSON.parse((await cli(['usage', id, '--json'], { cwd })).stdout) as UsageView;
    const books = mock.books();
    expect(books.answered).toBe(130);
    expect(books.failed + books.rateLimited).toBeGreaterThan(0);
    expect(usage.calls.total).toBe(books.requests);
    expect(usage.calls.ok).toBe(books.answered);
    expect(usage.calls.rate_limited).toBe(books.rateLimited);
    expect(usage.calls.http_error + usage.calls.malformed + usage.calls.cut + usage.calls.network_error).toBe(books.failed);
    expect(usage.tokens).toMatchObject({
      prompt_tokens: books.promptTokens,
      completion_tokens: books.completionTokens,
      total_tokens: books.promptTokens + books.completionTokens,
      estimated: 0,
      unknown_calls: books.failed + books.rateLimited,
    });
  });
});
