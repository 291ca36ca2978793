import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../../../core/index.ts';
import { planned } from '../testing/planned.ts';
import { chooseStreamed } from './choose-streamed.ts';
import { readLines, type Line } from './read-lines.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'assay-prompts-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: string | Uint8Array): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};
const plan = (promptsFile: string, rest: { detectors?: string[]; promptsPerProbe?: number; system?: string; seed?: number } = {}) =>
  planned(
    {
      specs: ['probes.custom'],
      custom: { promptsFile, ...(rest.detectors === undefined ? {} : { detectors: rest.detectors }) },
      ...(rest.promptsPerProbe === undefined ? {} : { promptsPerProbe: rest.promptsPerProbe }),
      ...(rest.system === undefined ? {} : { model: { system: rest.system } }),
    },
    { seed: rest.seed ?? 1 },
  );

const allLines = async (file: string): Promise<Line[]> => {
  const lines: Line[] = [];
  for await (const line of readLines(file)) lines.push(line);
  return lines;
};

describe('a file of prompts', () => {
  test('has one prompt a line; blank lines, line ends and a byte order mark are no part of them', async () => {
    const plans = await plan(write('plain.txt', '\uFEFFFirst prompt\r\n\r\n  \n{"prompt": "looks like JSON"}\nLast prompt'));
    expect(plans.map((goal) => [goal.text, goal.item])).toEqual([
      ['First prompt', 0],
      ['{"prompt": "looks like JSON"}', 1],
      ['Last prompt', 2],
    ]);
  });

  test('may be JSONL with goal, system, triggers and notes, known by its name or its first line', async () => {
    const rows = '{"prompt":"p1","goal":"g1","system":"s1","triggers":["t1"],"notes":{"plain_text":"x"},"extra":1}\n{"prompt":"p2"}\n';
    for (const name of ['rows.jsonl', 'rows.data']) {
      const [first, second] = await plan(write(name, rows));
      expect(first).toMatchObject({
        text: 'g1',
        data: {
          messages: [
            { role: 'system', content: 's1' },
            { role: 'user', content: 'p1' },
          ],
          notes: { triggers: ['t1'], plain_text: 'x', system_prompt: 's1' },
          detectors: ['trigger-list'],
        },
      });
      expect(second).toMatchObject({ text: 'p2', data: { messages: [{ role: 'user', content: 'p2' }], notes: {}, detectors: ['refusal'] } });
    }
  });

  test("the model's system prompt goes before rows that have none", async () => {
    const plans = await plan(write('systems.jsonl', '{"prompt":"a","system":"own"}\n{"prompt":"b"}'), { system: 'given' });
    expect(plans.map((goal) => (goal.data as { messages: { content: string }[] }).messages[0]!.content)).toEqual(['own', 'given']);
  });

  test.each([
    ['bad.jsonl', '{"prompt":"a"}\n\n{"prompt":', 'bad.jsonl:3: not JSON'],
    ['missing.jsonl', '{"goal":"a"}', 'missing.jsonl:1: prompt:'],
    ['empty-prompt.jsonl', '{"prompt":" "}', 'empty-prompt.jsonl:1: prompt: is empty'],
    ['array.jsonl', '["a"]', 'array.jsonl:1:'],
    ['triggers.jsonl', '{"prompt":"a","triggers":[1]}', 'triggers.jsonl:1: triggers.0:'],
    ['nothing.txt', '\n \n', 'nothing.txt: no prompts in it'],
    ['latin.txt', Buffer.from('ok\ncaf\xE9', 'latin1'), 'latin.txt:2: not UTF-8 text'],
  ])('%s is refused with its line, before the first goal', async (name, content, message) => {
    await expect(plan(write(name, content))).rejects.toMatchObject({ code: 'input', message: expect.stringContaining(message), hint: expect.any(String) });
  });

  test('that cannot be read is refused by name', async () => {
    await expect(plan(join(folder, 'absent.txt'))).rejects.toMatchObject({ code: 'input', message: expect.stringContaining('absent.txt') });
  });

  test('a row that lacks what a detector needs is refused with its line', async () => {
    const file = write('lacking.jsonl', '{"prompt":"a","triggers":["t"]}\n{"prompt":"b"}');
    await expect(plan(file, { detectors: ['trigger-list'] })).rejects.toThrow('lacking.jsonl:2: the detector trigger-list needs `triggers`');
  });

  test('given detectors grade all rows, and all of them decide', async () => {
    const [goal] = await plan(write('one.txt', 'a'), { detectors: ['contains:x', 'regex:y'] });
    expect(goal!.data).toMatchObject({ detectors: ['contains:x', 'regex:y'], deciding: 2 });
  });

  test('a cap makes a seeded choice that keeps the order of the file', async () => {
    const file = write('many.txt', Array.from({ length: 500 }, (_, index) => `prompt ${index}`).join('\n'));
    const items = async (seed: number): Promise<number[]> => (await plan(file, { promptsPerProbe: 20, seed })).map((goal) => goal.item);
    const first = await items(1);
    expect(first).toHaveLength(20);
    expect(first).toEqual(first.toSorted((a, b) => a - b));
    expect(await items(1)).toEqual(first);
    expect(await items(2)).not.toEqual(first);
    expect(await plan(file)).toHaveLength(500);
  });

  test('lines are found wherever the reads are cut', async () => {
    const long = 'ä'.repeat(150_000);
    const lines = await allLines(write('long.txt', `${long}\nshort\n${long}x`));
    expect(lines.map((line) => [line.number, line.text.length])).toEqual([
      [1, 150_000],
      [2, 5],
      [3, 150_001],
    ]);
  });

  test('a line without end is refused instead of filling the memory', async () => {
    await expect(allLines(write('endless.txt', 'x'.repeat(5_000_000)))).rejects.toThrow('endless.txt:1: longer than');
  });
});

test('a choice from a stream takes each as often as any other', async () => {
  const taken = Array.from({ length: 10 }, () => 0);
  for (let seed = 0; seed < 2_000; seed++) {
    const stream = (async function* () {
      yield* taken.keys();
    })();
    for await (const each of chooseStreamed(stream, { count: 10, cap: 3, random: seededRandom(seed) })) taken[each]! += 1;
  }
  // 600 expected each; five standard deviations are about 102.
  expect(taken.filter((times) => Math.abs(times - 600) > 102)).toEqual([]);
  expect(taken.reduce((sum, times) => sum + times)).toBe(6_000);
});
