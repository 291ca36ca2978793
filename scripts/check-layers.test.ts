import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkLayers } from './check-layers.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'layers-'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

async function complaints(files: Readonly<Record<string, string>>): Promise<string[]> {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const { violations } = await checkLayers(root);
  return violations.map(({ file, line, message }) => `${file}:${line}: ${message}`);
}

describe('the layer check', () => {
  it('reads this project and finds nothing against it', async () => {
    const { violations, imports, files } = await checkLayers(join(import.meta.dirname, '..'));
    expect(violations).toEqual([]);
    expect(files).toBeGreaterThan(50);
    expect(imports).toBeGreaterThan(files);
  });

  it('lets imports go down, stay in their folder, and enter by the door or a contract', async () => {
    expect(
      await complaints({
        'src/engine/run.ts': "import { x } from '../store/index.ts';\nimport type { Store } from '../store/contract.ts';\nimport { y } from './deep/own.ts';\nimport { z } from '../config/index.ts';",
        'src/suites/probes/a.ts': "import type { Playbook } from '../../simulator/playbook.ts';\nimport fs from 'node:fs';\nimport { z } from 'zod';",
        'src/index.ts': "export { run } from './engine/index.ts';",
        'src/transport/send.test.ts': "import { startSimulator } from '../simulator/index.ts';\nimport { memory } from '../store/testing/memory-store.ts';",
        'bench/all.ts': "import { run } from '../src/index.ts';",
      }),
    ).toEqual([]);
  });

  it.each([
    ['an upward import', "import { run } from '../engine/index.ts';", 'import of ../engine/index.ts: store is below engine: an import goes down the layers'],
    ['a type-only upward import', "import type { Run } from '../engine/index.ts';", 'type-only import of ../engine/index.ts: store is below engine: an import goes down the layers'],
    ['an inline type-only upward import', "import { type Run } from '../engine/index.ts';", 'type-only import of ../engine/index.ts: store is below engine: an import goes down the layers'],
    ['a dynamic upward import', "await import('../engine/index.ts');", 'dynamic import of ../engine/index.ts: store is below engine: an import goes down the layers'],
    ['a dynamic upward import in backticks', 'await import(`../engine/index.ts`);', 'dynamic import of ../engine/index.ts: store is below engine: an import goes down the layers'],
    ['an upward re-export', "export { run } from '../engine/index.ts';", 'export of ../engine/index.ts: store is below engine: an import goes down the layers'],
    ['an upward re-export of all', "export * from '../engine/index.ts';", 'export of ../engine/index.ts: store is below engine: an import goes down the layers'],
    ['an upward type query', "export type R = import('../engine/index.ts').Run;", 'import type of ../engine/index.ts: store is below engine: an import goes down the layers'],
    ['an upward require', "const { run } = require('../engine/index.ts');", 'require of ../engine/index.ts: store is below engine: an import goes down the layers'],
    ['an upward worker', "new Worker(new URL('../engine/index.ts', import.meta.url));", 'URL of ../engine/index.ts: store is below engine: an import goes down the layers'],
    ['a deep import', "import { id } from '../core/ids.ts';", 'import of ../core/ids.ts: core is entered by its index.ts'],
    ['a deep import nested further', "import { id } from '../core/deep/index.ts';", 'import of ../core/deep/index.ts: core is entered by its index.ts'],
    ['values of a contract', "import { x } from '../protocols/contract.ts';", 'import of ../protocols/contract.ts: contract.ts may be imported with `import type` only'],
    ['testing/ in the product', "import { x } from '../core/testing/fake.ts';", 'import of ../core/testing/fake.ts: testing/ is for tests alone'],
    ['its own testing/ in the product', "import { x } from './testing/fake.ts';", 'import of ./testing/fake.ts: testing/ is for tests alone'],
    ['a folder without a layer', "import { x } from '../stuff/index.ts';", 'import of ../stuff/index.ts: src/stuff has no layer: add it to scripts/layers.ts'],
    ["the library's own door", "import { x } from '../index.ts';", "import of ../index.ts: the library's door is for users; import the folder's own"],
    ['the package by its name', "import { x } from 'assay';", 'import of assay: the package does not import itself by name'],
    ['a file outside src', "import { x } from '../../scripts/build.ts';", 'import of ../../scripts/build.ts: sources do not reach outside src/'],
    ['a dynamic import put together from pieces', 'await import(`../engine/${name}.ts`);', 'a dynamic import of our own files must name its file in full'],
  ])('refuses %s', async (_what, text, complaint) => {
    expect(await complaints({ 'src/store/bad.ts': `\n${text}\n` })).toEqual([`src/store/bad.ts:2: ${complaint}`]);
  });

  it.each([
    ['limiter', 'ledger', 'limiter and ledger are on one layer and do not know each other'],
    ['simulator', 'store', 'simulator may import protocols and core alone, not store'],
    ['config', 'store', 'config may import core and limiter alone, not store'],
    ['transport', 'simulator', 'simulator may be imported by cli, assembly, suites, models alone, not transport'],
    ['models', 'config', 'config may be imported by cli, server, assembly, suites, report, engine alone, not models'],
  ])('keeps %s from %s', async (from, to, complaint) => {
    expect(await complaints({ [`src/${from}/bad.ts`]: `import '../${to}/index.ts';` })).toEqual([`src/${from}/bad.ts:1: import of ../${to}/index.ts: ${complaint}`]);
  });

  it('names the folders of a cycle', async () => {
    const found = await complaints({
      'src/ledger/a.ts': "import '../store/index.ts';",
      'src/store/b.ts': "import '../ledger/index.ts';",
    });
    expect(found.some((complaint) => complaint.endsWith('folders import each other: ledger → store → ledger'))).toBe(true);
  });

  it('refuses to pass a file it cannot parse', async () => {
    await expect(complaints({ 'src/core/broken.ts': 'import { from ;' })).rejects.toThrow('src/core/broken.ts');
  });
});
