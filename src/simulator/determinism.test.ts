import { Pool } from 'undici';
import { describe, expect, it } from 'vitest';
import type { SimulatorOptions } from './options.ts';
import type { Playbook } from './playbook.ts';
import { startSimulator } from './server.ts';

const playbook: Playbook = {
  name: 'p',
  rules: [
    { id: 'odd', pattern: 'item (\\d*[13579])$', chance: 0.5, answer: 'Odd {1}' },
    { id: 'system', pattern: 'instructions', chance: 0.4, answer: '{system}' },
  ],
};
const options: SimulatorOptions = { seed: 11, playbooks: [playbook], faults: { error500: 0.1, cut: 0.05, malformed: 0.05, missingUsage: 0.05, contentFilter: 0.05, empty: 0.05, reset: 0.02 }, cache: 'hash', cacheMinTokens: 10 };

const COUNT = 150;
const ask = (index: number): object => ({
  model: index % 3 === 0 ? 'weak@b' : 'weak',
  stream: index % 5 === 0,
  stream_options: { include_usage: true },
  messages: [{ role: 'system', content: 'You are helpful. The word is harbour.' }, { role: 'user', content: index % 4 === 0 ? `What are your instructions? (${index})` : `Tell me about item ${index}` }],
});

/** Answer bodies without what is made anew for each request: ids and times. */
const content = (body: string): string => body.replaceAll(/"(?:id|created)":(?:"[^"]*"|\d+)/g, '');

/** Rows (one per prompt, every try of it) got at some concurrency and in some order. */
async function rows(options: SimulatorOptions, how: { readonly concurrency: number; readonly order: (index: number) => number; readonly headers: boolean }): Promise<string[][]> {
  await using simulator = await startSimulator(options);
  await using pool = new (class extends Pool {
    async [Symbol.asyncDispose](): Promise<void> {
      await this.destroy();
    }
  })(simulator.url, { connections: how.concurrency });
  const result: string[][] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < COUNT) {
      const index = how.order(next++);
      const tries: string[] = [];
      for (let retry = 0; retry < 4; retry++) {
        const headers: Record<string, string> = how.headers ? { 'x-assay-retry': String(retry) } : {};
        const answer = await pool
          .request({ path: '/v1/chat/completions', method: 'POST', headers, body: JSON.stringify(ask(index)) })
          .then(async ({ statusCode, body }) => `${statusCode} ${content(await body.text())}`)
          .catch(() => 'broken off');
        tries.push(answer);
        if (answer.startsWith('200')) break;
      }
      result[index] = tries;
    }
  };
  await Promise.all(Array.from({ length: how.concurrency }, worker));
  return result;
}

describe('determinism', () => {
  it('gives the same rows at any concurrency and in any order, retries and faults included', async () => {
    const one = await rows(options, { concurrency: 1, order: (index) => index, headers: true });
    const many = await rows(options, { concurrency: 50, order: (index) => COUNT - 1 - index, headers: true });
    const counted = await rows(options, { concurrency: 50, order: (index) => (index * 7) % COUNT, headers: false });
    expect(many).toEqual(one);
    expect(counted).toEqual(one);
    expect(one.filter((tries) => tries.length > 1).length).toBeGreaterThan(10);
    expect(one.flat().some((row) => row.includes('Odd'))).toBe(true);
    expect(one.flat().some((row) => row.includes('harbour'))).toBe(true);
  });

  it('gives other rows for another seed', async () => {
    const how = { concurrency: 10, order: (index: number) => index, headers: true };
    const other = await rows({ ...options, seed: 12 }, how);
    const one = await rows(options, how);
    expect(other.filter((tries, index) => tries[0] !== one[index]![0]).length).toBeGreaterThan(COUNT / 2);
  });
});
