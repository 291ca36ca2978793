/**
 * The layers of the sources, highest first; folders of one layer do not know each other. An import goes down or stays in
 * its folder.
 */
const LAYERS: readonly (readonly string[])[] = [
  ['cli'],
  ['server'],
  ['assembly'],
  ['suites', 'report'],
  ['engine'],
  ['config'],
  ['gateway'],
  ['tracking', 'graders', 'telemetry'],
  ['models', 'guardrails'],
  ['transport'],
  ['limiter', 'ledger'],
  ['store'],
  ['protocols'],
  ['core'],
];

/** Folders that may know less than their layer allows: exactly these. */
const NARROW: Readonly<Record<string, readonly string[]>> = {
  config: ['core', 'limiter'],
  simulator: ['protocols', 'core'],
};

/** Folders that only some may know. */
const KNOWN_BY: Readonly<Record<string, readonly string[]>> = {
  config: ['cli', 'server', 'assembly', 'suites', 'report', 'engine'],
  simulator: ['cli', 'assembly', 'suites', 'models'],
};

/** Where an importing file stands: a folder of `src`, the library's own door, or outside (scripts, benches, examples, tests of the whole). */
export const OUTSIDE = '(outside)';
export const LIBRARY_DOOR = '(door)';

/** Why one folder may not import another, or `undefined` where it may. */
export function layerObjection(from: string, to: string, options: { readonly test: boolean }): string | undefined {
  if (from === to || from === OUTSIDE || from === LIBRARY_DOOR) return undefined;
  if (!isFolder(from)) return `src/${from} has no layer: add it to scripts/layers.ts`;
  if (!isFolder(to)) return `src/${to} has no layer: add it to scripts/layers.ts`;
  // A test may try its folder on the simulated provider, which knows nothing of it.
  if (to === 'simulator' && options.test) return undefined;
  const narrow = NARROW[from];
  if (narrow !== undefined && !narrow.includes(to)) return `${from} may import ${narrow.join(' and ')} alone, not ${to}`;
  const knownBy = KNOWN_BY[to];
  if (knownBy !== undefined) return knownBy.includes(from) ? undefined : `${to} may be imported by ${knownBy.join(', ')} alone, not ${from}`;
  if (narrow !== undefined) return undefined;
  const [own, other] = [levelOf(from), levelOf(to)];
  if (own < other) return undefined;
  return own === other ? `${from} and ${to} are on one layer and do not know each other` : `${from} is below ${to}: an import goes down the layers`;
}

function isFolder(name: string): boolean {
  return name === 'simulator' || levelOf(name) >= 0;
}

function levelOf(folder: string): number {
  return LAYERS.findIndex((layer) => layer.includes(folder));
}
