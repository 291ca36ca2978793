import { nearest } from '../config/index.ts';
import { UsageError } from '../core/index.ts';

/** What selection looks at. */
export interface Selectable {
  /** Dotted, outermost first, e.g. `probes.encoding.base64`. */
  readonly id: string;
  readonly tags: readonly string[];
  /** Chosen only by its full name, never by a family or tag. */
  readonly byNameOnly?: boolean;
}

/**
 * Chooses plugins by specs: a full id, a family (`probes.encoding`, `probes`), a tag or the beginning of one (`tag:owasp:llm01`,
 * `tag:owasp`), or any of these after a minus sign, which takes them out again wherever it stands.
 *
 * @returns the chosen ones in their own order
 * @throws UsageError for a spec that names nothing, with the nearest names, and where nothing is left
 */
export function selectPlugins<T extends Selectable>(plugins: readonly T[], specs: readonly string[]): T[] {
  const chosen = new Set<T>();
  const removed = new Set<T>();
  for (const written of specs) {
    const minus = written.startsWith('-');
    const spec = minus ? written.slice(1) : written;
    const matches = plugins.filter((plugin) => isMeant(plugin, spec));
    if (matches.length === 0) throw unknown(plugins, written, spec);
    for (const plugin of matches) (minus ? removed : chosen).add(plugin);
  }
  const left = plugins.filter((plugin) => chosen.has(plugin) && !removed.has(plugin));
  if (left.length === 0) {
    throw new UsageError({
      message: `nothing is left to run of ${specs.length === 0 ? 'no suites' : specs.join(' ')}`,
      hint: 'name at least one suite that is not taken out again; `assay plugins` lists them',
    });
  }
  return left;
}

function isMeant(plugin: Selectable, spec: string): boolean {
  if (plugin.id === spec) return true;
  if (plugin.byNameOnly === true) return false;
  if (!spec.startsWith('tag:')) return plugin.id.startsWith(`${spec}.`);
  const tag = spec.slice('tag:'.length);
  return plugin.tags.some((each) => each === tag || each.startsWith(`${tag}:`));
}

function unknown(plugins: readonly Selectable[], written: string, spec: string): UsageError {
  const names = new Set<string>();
  for (const plugin of plugins) {
    const parts = plugin.id.split('.');
    for (let length = 1; length <= parts.length; length++) names.add(parts.slice(0, length).join('.'));
    for (const tag of plugin.tags) names.add(`tag:${tag}`);
  }
  const last = spec.split('.').at(-1) ?? '';
  const near = new Set([nearest(spec, names), ...[...names].filter((name) => last.length > 2 && name.split('.').includes(last))].filter((name) => name !== undefined));
  return new UsageError({
    message: `there is nothing called ${JSON.stringify(written)} to run`,
    hint: `${near.size > 0 ? `did you mean ${[...near].slice(0, 5).join(' or ')}? ` : ''}\`assay plugins\` lists all`,
  });
}
