import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { LIBRARY_DOOR, OUTSIDE, layerObjection } from './layers.ts';
import { readImports, type ImportEdge } from './read-imports.ts';

/** An import that breaks a rule of the house. */
export interface Violation {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface LayerCheck {
  readonly files: number;
  readonly imports: number;
  readonly violations: readonly Violation[];
}

/** Files whose types other folders may import without going through the door: a folder's contract, and the simulator's playbooks. */
const TYPE_DOORS: ReadonlySet<string> = new Set(['contract.ts', 'simulator/playbook.ts']);

/** Second doors, beside the index: what must load without the rest of its folder. */
const LIGHT_DOORS: ReadonlySet<string> = new Set(['assembly/meter.ts']);

/** Checks that imports go down the layers, enter folders by their door, and make no cycle between folders. */
export async function checkLayers(root: string): Promise<LayerCheck> {
  const violations: Violation[] = [];
  const edgesBetween = new Map<string, Map<string, Violation>>();
  let files = 0;
  let imports = 0;
  for (const file of await sourceFiles(root)) {
    files++;
    for (const edge of readImports(file, readFileSync(join(root, file), 'utf8'))) {
      imports++;
      const to = targetOf(root, file, edge);
      if (to === undefined) continue;
      for (const message of objections(file, to, edge)) violations.push({ file, line: edge.line, message });
      const [fromFolder, toFolder] = [folderOf(file), folderOf(to)];
      if (fromFolder !== toFolder && !isTest(file)) {
        const known = edgesBetween.get(fromFolder) ?? new Map<string, Violation>();
        known.set(toFolder, { file, line: edge.line, message: '' });
        edgesBetween.set(fromFolder, known);
      }
    }
  }
  return { files, imports, violations: [...violations, ...cycles(edgesBetween)] };
}

async function sourceFiles(root: string): Promise<string[]> {
  const found: string[] = [];
  for await (const file of glob(['src/**/*.{ts,mts,js,mjs}', '{scripts,bench,examples,test}/**/*.{ts,mts,js,mjs}', 'bin/*.js'], { cwd: root })) {
    if (!file.endsWith('.d.ts') && !file.includes('node_modules')) found.push(file.split(sep).join('/'));
  }
  return found.toSorted();
}

/** The file of ours an import names, as a path from the root; `undefined` for packages and Node's own modules. */
function targetOf(root: string, file: string, edge: ImportEdge): string | undefined {
  if (edge.specifier === '(computed)') return edge.specifier;
  if (edge.specifier === 'assay' || edge.specifier.startsWith('assay/')) return file.startsWith('src/') ? edge.specifier : undefined;
  if (!edge.specifier.startsWith('.')) return undefined;
  const to = relative(root, resolve(root, dirname(file), edge.specifier)).split(sep).join('/');
  return to.startsWith('src/') || file.startsWith('src/') ? to : undefined;
}

function objections(file: string, to: string, edge: ImportEdge): string[] {
  if (to === '(computed)') return ['a dynamic import of our own files must name its file in full'];
  const what = `${edge.typeOnly && edge.kind !== 'import type' ? `type-only ${edge.kind}` : edge.kind} of ${edge.specifier}`;
  if (to === 'assay' || to.startsWith('assay/')) return [`${what}: the package does not import itself by name`];
  const [from, folder] = [folderOf(file), folderOf(to)];
  if (from === folder) return isTestingFile(to) && !isTest(file) ? [`${what}: testing/ is for tests alone`] : [];
  if (folder === OUTSIDE) return isTest(file) || to === 'bin/assay.js' || to === 'bin/register.cjs' ? [] : [`${what}: sources do not reach outside src/`];
  if (folder === LIBRARY_DOOR && from !== OUTSIDE) return [`${what}: the library's door is for users; import the folder's own`];
  const layer = layerObjection(from, folder, { test: isTest(file) });
  const door = doorObjection(file, to, edge);
  return [layer, door].flatMap((objection) => (objection === undefined ? [] : [`${what}: ${objection}`]));
}

function doorObjection(file: string, to: string, edge: ImportEdge): string | undefined {
  const inside = to.slice('src/'.length);
  const [folder = '', ...rest] = inside.split('/');
  const within = rest.join('/');
  if (folderOf(to) === LIBRARY_DOOR || within === 'index.ts' || LIGHT_DOORS.has(inside)) return undefined;
  if (isTestingFile(to)) return isTest(file) ? undefined : 'testing/ is for tests alone';
  if (TYPE_DOORS.has(within) || TYPE_DOORS.has(inside)) return edge.typeOnly ? undefined : `${within} may be imported with \`import type\` only`;
  return `${folder} is entered by its index.ts`;
}

function folderOf(file: string): string {
  const parts = file.split('/');
  if (parts[0] !== 'src') return OUTSIDE;
  return parts.length === 2 ? LIBRARY_DOOR : (parts[1] ?? OUTSIDE);
}

function isTestingFile(file: string): boolean {
  return file.startsWith('src/') && file.split('/').includes('testing');
}

/** Tests, what serves them, and what is run by hand: never part of the package. */
function isTest(file: string): boolean {
  return /\.test(?:-d)?\.[cm]?ts$/.test(file) || file.split('/').includes('testing') || /^(?:test|bench|scripts|examples)\//.test(file);
}

/** One violation per pair of folders that reach each other, over any number of others. */
function cycles(edges: ReadonlyMap<string, ReadonlyMap<string, Violation>>): Violation[] {
  const found: Violation[] = [];
  for (const [from, targets] of edges) {
    for (const [to, where] of targets) {
      const back = pathBetween(edges, to, from);
      if (back !== undefined && from < to) found.push({ ...where, message: `folders import each other: ${[from, ...back].join(' → ')}` });
    }
  }
  return found;
}

function pathBetween(edges: ReadonlyMap<string, ReadonlyMap<string, Violation>>, from: string, to: string): string[] | undefined {
  const cameFrom = new Map<string, string | undefined>([[from, undefined]]);
  const queue = [from];
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    if (folder === to) {
      const path: string[] = [];
      for (let step: string | undefined = to; step !== undefined; step = cameFrom.get(step)) path.unshift(step);
      return path;
    }
    for (const next of edges.get(folder)?.keys() ?? []) {
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, folder);
      queue.push(next);
    }
  }
  return undefined;
}

if (import.meta.main) {
  const root = resolve(process.argv[2] ?? join(import.meta.dirname, '..'));
  const { files, imports, violations } = await checkLayers(root);
  for (const { file, line, message } of violations) process.stderr.write(`${file}:${line}: ${message}\n`);
  process.stdout.write(`layers: ${imports} imports in ${files} files, ${violations.length} violations\n`);
  // A checker that reads nothing passes everything.
  if (violations.length > 0 || imports === 0) process.exitCode = 1;
}
