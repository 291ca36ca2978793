import { spawnSync } from 'node:child_process';
import { cp, glob, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { configSchemaText } from './config-schema.ts';

/** Makes what is published: `dist` from the sources, the schema for editors, and a check of the package's shape. */
const root = join(import.meta.dirname, '..');

await rm(join(root, 'dist'), { recursive: true, force: true });
compile();
const assets = await copyAssets();
await mkdir(join(root, 'schema'), { recursive: true });
await writeFile(join(root, 'schema', 'assay.schema.json'), configSchemaText());
process.stdout.write(`built dist (${assets} assets) and schema/assay.schema.json\n`);
await checkPackage();

function compile(): void {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '--project', join(root, 'tsconfig.build.json')], { stdio: 'inherit', cwd: root });
  if (status !== 0) process.exit(status ?? 1);
}

/** What the sources read at run time and the compiler leaves behind: anything beside them that is neither code nor for tests. */
async function copyAssets(): Promise<number> {
  let copied = 0;
  for await (const file of glob('src/**/*.{json,txt,jsonl,csv,yaml,html,css,sql,lua,wasm}', { cwd: root })) {
    if (/(?:^|\/)(?:testing|fixtures)\//.test(file)) continue;
    const to = join(root, 'dist', file.slice('src/'.length));
    await mkdir(dirname(to), { recursive: true });
    await cp(join(root, file), to);
    copied++;
  }
  return copied;
}

async function checkPackage(): Promise<void> {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  const { messages } = await publint({ pkgDir: root, strict: true });
  for (const message of messages) process.stderr.write(`publint ${message.type}: ${formatMessage(message, manifest) ?? message.code}\n`);
  if (messages.some((message) => message.type === 'error')) process.exit(1);
  process.stdout.write('publint: no errors\n');
}
