import type { Limits } from '../limiter/contract.ts';
import type { AssayConfig } from './schema.ts';

/**
 * Limits of a deployment as configured: entries whose pattern fits, wider patterns first, the exact name last, each adding
 * to and replacing what came before. `undefined` where nothing is said.
 *
 * @param options.target whether it is the deployment of a target of the run, to which the configuration's own `limits` apply
 */
export function limitsFor(
  config: Pick<AssayConfig, 'deployments' | 'limits'>,
  deployment: string,
  options: { readonly target?: boolean } = {},
): Limits | undefined {
  const entries: Limits[] = Object.entries(config.deployments)
    .filter(([pattern]) => matchesGlob(pattern, deployment))
    .toSorted(([a], [b]) => exactness(a) - exactness(b))
    .map(([, limits]) => limits);
  if (options.target === true && config.limits !== undefined) entries.push(config.limits);
  return entries.length === 0 ? undefined : entries.reduce((all, each) => ({ ...all, ...each }));
}

/** Whether a name fits a pattern: `*` stands for any text, slashes included; all else for itself. */
export function matchesGlob(pattern: string, name: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`))
    .join('.*');
  return new RegExp(`^${source}$`, 's').test(name);
}

function exactness(pattern: string): number {
  return pattern.includes('*') ? pattern.replaceAll('*', '').length : Number.POSITIVE_INFINITY;
}
