import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../core/index.ts';
import { fillIn, placeholdersOf, shown } from './command-template.ts';
import { readTrials, type CommandTrial } from './command-trials.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'trials-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(text: string, template: readonly string[] = ['run', '{name}']): Promise<CommandTrial[]> {
  const path = join(folder, 'trials.jsonl');
  await writeFile(path, text);
  return readTrials(path, 'trials.jsonl', template);
}

describe('a file of trials', () => {
  it('gives a command for each line, whose fields fill the placeholders', async () => {
    const trials = await read('{"name":"a","seed":1,"deep":{"x":[1]}}\n{"name":"b","seed":2,"deep":null}\n', ['run', '{name}', '--seed={seed}', '{deep}', '{index}']);
    expect(trials.map(({ name, command }) => ({ name, command }))).toEqual([
      { name: 'a', command: ['run', 'a', '--seed=1', '{"x":[1]}', '0'] },
      { name: 'b', command: ['run', 'b', '--seed=2', 'null', '1'] },
    ]);
  });

  it('takes a plain line as a name, and passes over empty lines, a byte-order mark and carriage returns', async () => {
    expect((await read('\uFEFFfirst trial\r\n\r\n  second  \n')).map(({ name }) => name)).toEqual(['first trial', 'second']);
  });

  it('names trials without a name by their place, and tells equal names apart', async () => {
    expect((await read('{"seed":1}\nsame\nsame\nsame#2\nsame\n', ['run'])).map(({ name }) => name)).toEqual(['trial-1', 'same', 'same#2', 'same#2#2', 'same#3']);
  });

  it('hands the command the name that tells it apart', async () => {
    expect((await read('x\nx\n')).map(({ command }) => command[1])).toEqual(['x', 'x#2']);
  });

  it.each([
    ['{"name": "a"', 'trials.jsonl:1 begins like a JSON object'],
    ['a\n[1]\n{nonsense', 'trials.jsonl:3'],
    ['{"name":""}', 'trials.jsonl:1: a trial\'s name'],
    ['', 'holds no trials'],
    ['\n\n', 'holds no trials'],
  ])('says where %j cannot be used', async (text, said) => {
    await expect(read(text)).rejects.toThrow(said);
  });

  it('names the line that lacks a field which the command asks for', async () => {
    await expect(read('{"name":"a","seed":1}\n{"name":"b"}\n', ['run', '{seed}'])).rejects.toThrow('trials.jsonl:2 has no field seed');
  });

  it('says that a file cannot be read', async () => {
    await expect(readTrials(join(folder, 'none'), 'none', ['x'])).rejects.toSatisfy((error) => UsageError.isInstance(error) && error.code === 'input' && error.message.includes('cannot read none'));
  });
});

describe('placeholders', () => {
  it('are names in braces; other braces stay, and doubled ones stand for themselves', () => {
    const template = ['{a}{a}', '{"json": 1}', '${HOME}', '{{a}}', '{}', '{ a }', '{b-c.d}'];
    expect(placeholdersOf(template)).toEqual(['a', 'HOME', 'b-c.d']);
    expect(fillIn(['{a}{a}', '{"json": 1}', '{{a}}', '{}', '{ a }', '{b-c.d}'], { a: '$&{b-c.d}', 'b-c.d': 'x' }, 'here')).toEqual(['$&{b-c.d}$&{b-c.d}', '{"json": 1}', '{a}', '{}', '{ a }', 'x']);
  });

  it('do not reach into what objects inherit', () => {
    expect(() => fillIn(['{constructor}'], {}, 'line 1')).toThrow('no field constructor');
  });

  it('are shown as a person would type the command', () => {
    expect(shown(['python', 'a b.py', "it's", '--x=1', ''])).toBe(String.raw`python 'a b.py' 'it'\''s' --x=1 ''`);
  });
});
