import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfig, loadConfig } from './load.ts';
import { readConfigText } from './document.ts';
import { CONFIG_TEMPLATE } from './template.ts';

let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'config-'));
});

afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const file = join(cwd, name);
  writeFileSync(file, text);
  return file;
}

describe('finding the configuration', () => {
  it('takes the defaults where there is none', async () => {
    expect(await loadConfig({ cwd })).toEqual({ config: defaultConfig(), file: undefined });
  });

  it.each([
    ['assay.yaml', 'seed: 7'],
    ['assay.yml', 'seed: 7'],
    ['assay.json', '{"seed": 7}'],
    ['assay.config.ts', 'const seed: number = 7;\nexport default { seed };'],
    ['assay.config.mjs', 'export default { seed: 7 };'],
  ])('reads %s in the folder', async (name, text) => {
    const file = write(name, text);
    const loaded = await loadConfig({ cwd });
    expect(loaded.config.seed).toBe(7);
    expect(loaded.file).toBe(file);
  });

  it('asks which where there are two', async () => {
    write('assay.yaml', 'seed: 1');
    write('assay.config.ts', 'export default {};');
    await expect(loadConfig({ cwd })).rejects.toThrow('there are 2 configurations here: assay.yaml, assay.config.ts');
    expect((await loadConfig({ cwd, file: 'assay.yaml' })).config.seed).toBe(1);
  });

  it.each([
    ['nothing.yaml', undefined, 'cannot read nothing.yaml'],
    ['nothing.ts', undefined, 'cannot read nothing.ts: no such file'],
    ['assay.toml', 'seed = 1', 'assay.toml is not a configuration file'],
    ['broken.ts', 'export default {', 'broken.ts cannot be loaded'],
    ['throws.mjs', 'throw new Error("no luck");', 'throws.mjs cannot be loaded: no luck'],
    ['empty.mjs', 'export const x = 1;', 'empty.mjs has no default export'],
    ['wrong.mjs', 'export default { sed: 1 };', 'wrong.mjs: sed: unknown key; did you mean "seed"?'],
  ])('says what is wrong with %s', async (name, text, said) => {
    if (text !== undefined) write(name, text);
    await expect(loadConfig({ cwd, file: name })).rejects.toThrow(said);
  });

  it('names a file elsewhere in full', async () => {
    mkdirSync(join(cwd, 'inner'));
    write('bad.yaml', 'nope: 1');
    await expect(loadConfig({ cwd: join(cwd, 'inner'), file: '../bad.yaml' })).rejects.toThrow(`${join(cwd, 'bad.yaml')}:1: nope: unknown key`);
  });
});

describe('the commented example', () => {
  it('is a valid configuration', () => {
    expect(readConfigText(CONFIG_TEMPLATE, 'assay.yaml').targets).toEqual(['sim:weak']);
  });

  it('stays valid with every comment switched on', () => {
    const all = CONFIG_TEMPLATE.replaceAll(/^( *)# ( *(?!yaml-)(?:[\w*/.-]+:(?: |$)).*)$/gm, '$1$2');
    const config = readConfigText(all, 'assay.yaml');
    expect(config.budgets).toEqual({ calls: 5000, tokens: 2_000_000, usd: 10 });
    expect(config.providers.compat?.['local']?.baseUrl).toBe('http://127.0.0.1:8000/v1');
    expect(config.deployments['azure/*/my-deployment']?.quota?.tokens).toBe(5_000_000);
  });
});
