import { readFile } from 'node:fs/promises';
import { isObject, parseJson } from '../core/index.ts';

/** The package's version; its file stands two folders up from the sources and from the built files alike. */
export async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const manifest = parseJson(text);
  return isObject(manifest) && typeof manifest['version'] === 'string' ? manifest['version'] : 'unknown';
}
