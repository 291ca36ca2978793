import { fileURLToPath } from 'node:url';

/** Packages that carry other packages' requests: naming them would say little about who made a call. */
const PLUMBING: ReadonlySet<string> = new Set([
  'undici',
  'follow-redirects',
  'node-fetch',
  'node-fetch-native',
  'cross-fetch',
  'isomorphic-fetch',
  'agentkeepalive',
  'agent-base',
  'http-proxy-agent',
  'https-proxy-agent',
]);

const DEEPEST_FRAMES = 50;
const OWN_FOLDER = slashed(fileURLToPath(new URL('../../', import.meta.url)));

/** The stack of whoever calls this, deeper than errors usually tell it. */
export function stackHere(): string {
  const usual = Error.stackTraceLimit;
  try {
    Error.stackTraceLimit = DEEPEST_FRAMES;
    const { stack } = new Error('where');
    // A program may have made stacks something else than text.
    return typeof stack === 'string' ? stack : '';
  } finally {
    Error.stackTraceLimit = usual;
  }
}

/**
 * Who made a call, from the stack of the moment when it was made: the package of the innermost frame outside Node, undici, other carriers
 * of requests and Assay itself, or its file where it is in no package. `null` where the stack does not tell.
 *
 * @example callingModule(new Error().stack) // '@langchain/openai', or '/home/me/agent.ts'
 */
export function callingModule(stack: string | undefined): string | null {
  let carrier: string | null = null;
  for (const line of (stack ?? '').split('\n')) {
    const file = fileOf(line);
    if (file === undefined || file.startsWith(OWN_FOLDER)) continue;
    const name = packageOf(file);
    if (name === undefined) return file;
    if (!PLUMBING.has(name)) return name;
    if (name !== 'undici') carrier ??= name;
  }
  return carrier;
}

/** The file of one line of a stack; `undefined` for Node's own and for what is no file. */
function fileOf(line: string): string | undefined {
  const place = /^\s*at (.*)$/.exec(line)?.[1];
  if (place === undefined) return undefined;
  // `name (FILE:1:2)`, or `FILE:1:2` where the function has no name. Evaluated code stands for the file that evaluated it.
  const evaluated = /\(eval at .*?\((?!eval at )([^()]+)\)/.exec(place)?.[1];
  const location = evaluated ?? (place.endsWith(')') ? /^.*? \((.*)\)$/.exec(place)?.[1] : place.replace(/^async /, ''));
  const address = location === undefined ? undefined : /^(.+?):\d+(?::\d+)?$/.exec(location)?.[1];
  if (address === undefined || address.startsWith('node:')) return undefined;
  if (address.startsWith('file:')) return pathOf(address);
  return /^(?:\/|[A-Za-z]:[\\/]|\\\\)/.test(address) ? slashed(address) : undefined;
}

function pathOf(url: string): string | undefined {
  // Not `fileURLToPath`: it refuses what is written as on another system, and a stack may hold anything.
  const path = URL.parse(url.replace(/[?#].*$/, ''))?.pathname;
  if (path === undefined) return undefined;
  let plain = path;
  try {
    plain = decodeURIComponent(path);
  } catch {
    // A path with a bare per cent sign is told as it stands.
  }
  return plain.replace(/^\/(?=[A-Za-z]:\/)/, '');
}

/** The innermost package that holds a file: of nested ones, and of pnpm's store, what comes after the last `node_modules`. */
function packageOf(file: string): string | undefined {
  const inside = file.lastIndexOf('/node_modules/');
  if (inside < 0) return undefined;
  const [first = '', second] = file.slice(inside + '/node_modules/'.length).split('/');
  return first.startsWith('@') && second !== undefined ? `${first}/${second}` : first;
}

function slashed(path: string): string {
  return path.replaceAll('\\', '/');
}
