import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
let folder: string;
let found: ReadonlyMap<string, readonly string[]>;

const PLANTED: Readonly<Record<string, string>> = {
  'floating-promise.ts': 'async function work(): Promise<void> {\n  await Promise.resolve();\n}\nexport function start(): void {\n  work();\n}\n',
  'misused-promise.ts': 'async function ok(): Promise<boolean> {\n  return await Promise.resolve(true);\n}\nexport function check(): string {\n  if (ok()) return "yes";\n  return "no";\n}\n',
  'open-switch.ts': "export function say(kind: 'a' | 'b' | 'c'): string {\n  switch (kind) {\n    case 'a':\n      return 'A';\n    case 'b':\n      return 'B';\n  }\n  return '';\n}\n",
  'any.ts': 'export function take(value: any): void {\n  void value;\n}\n',
  'or-default.ts': 'export function limit(given: number | undefined): number {\n  return given || 10;\n}\n',
  'cycle-a.ts': "import { b } from './cycle-b.ts';\nexport const a = (): number => b() + 1;\n",
  'cycle-b.ts': "import { a } from './cycle-a.ts';\nexport const b = (): number => (a.length > 5 ? a() : 0);\n",
  'empty.test.ts': "import { it } from 'vitest';\nit('does nothing', () => {});\n",
  'focused.test.ts': "import { expect, it } from 'vitest';\nit.only('adds', () => {\n  expect(1 + 1).toBe(2);\n});\n",
  'good.ts': "export function say(kind: 'a' | 'b'): string {\n  switch (kind) {\n    case 'a':\n      return 'A';\n    case 'b':\n      return 'B';\n  }\n}\n",
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lint-'));
  for (const [name, text] of Object.entries(PLANTED)) writeFileSync(join(folder, name), text);
  cpSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  cpSync(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json'));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: join(root, 'tsconfig.json'), include: ['*.ts'] }));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const oxlint = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const { stdout } = spawnSync(process.execPath, [oxlint, '--type-aware', '--deny-warnings', '--format', 'json', '.'], { cwd: folder, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(stdout) as { readonly diagnostics: readonly { readonly filename: string; readonly code: string }[] };
  const byFile = new Map<string, string[]>();
  for (const { filename, code } of diagnostics) byFile.set(filename, [...(byFile.get(filename) ?? []), code]);
  found = byFile;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the lint rules', () => {
  it.each([
    ['floating-promise.ts', 'no-floating-promises'],
    ['misused-promise.ts', 'no-misused-promises'],
    ['open-switch.ts', 'switch-exhaustiveness-check'],
    ['any.ts', 'no-explicit-any'],
    ['or-default.ts', 'prefer-nullish-coalescing'],
    ['cycle-a.ts', 'no-cycle'],
    ['empty.test.ts', 'expect-expect'],
    ['focused.test.ts', 'no-focused-tests'],
  ])('see what is planted in %s', (file, rule) => {
    expect(found.get(file)?.join(' ') ?? 'nothing found').toContain(rule);
  });

  it('have nothing against sound code', () => {
    expect(found.get('good.ts')).toBeUndefined();
  });
});
