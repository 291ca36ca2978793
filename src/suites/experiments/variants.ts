import { nearest } from '../../config/index.ts';
import { isObject, stableStringify, UsageError, type JsonObject } from '../../core/index.ts';
import type { LoadedExperiment, Variant } from './loaded-experiment.ts';

/**
 * The variants of an experiment that are run, with the configuration's parameters laid over theirs.
 *
 * @throws UsageError for a variant whose parameters nothing can be laid over
 */
export function chosenVariants(experiment: LoadedExperiment, { variants, params }: { readonly variants?: readonly string[]; readonly params?: JsonObject }): Variant[] {
  const chosen = variants === undefined ? experiment.variants : experiment.variants.filter(({ name }) => name !== null && variants.includes(name));
  if (params === undefined || Object.keys(params).length === 0) return [...chosen];
  return chosen.map((variant) => {
    if (!isObject(variant.params)) {
      throw new UsageError({
        code: 'config',
        message: `experiments.params cannot be laid over the parameters of ${experiment.id}${variant.name === null ? '' : `, variant ${variant.name}`}: they are no mapping`,
        hint: 'leave experiments.params out of the configuration, or give the variant parameters by name',
      });
    }
    return { name: variant.name, params: { ...variant.params, ...params } };
  });
}

/** @throws UsageError for a variant that no experiment has, and for an experiment of which none is left */
export function checkVariants(experiments: readonly LoadedExperiment[], wanted: readonly string[] | undefined): void {
  if (wanted === undefined) return;
  const known = new Set(experiments.flatMap(({ variants }) => variants.map(({ name }) => name).filter((name) => name !== null)));
  const missing = wanted.find((name) => !known.has(name));
  if (missing !== undefined) {
    const near = nearest(missing, known);
    throw new UsageError({
      message: `--variant ${missing}: no experiment of this run has such a variant`,
      hint: near === undefined ? (known.size === 0 ? 'the experiments have no variants: leave --variant out' : `there are ${[...known].join(', ')}`) : `did you mean ${near}?`,
    });
  }
  const none = experiments.find(({ variants }) => !variants.some(({ name }) => name !== null && wanted.includes(name)));
  if (none !== undefined) throw new UsageError({ message: `none of the variants ${wanted.join(', ')} is one of ${none.id}`, hint: 'leave the experiment or --variant out' });
}

/** Parameters as text for a key. They may hold what JSON has no word for; the file that made those is in the key as well. */
export function paramsText(params: unknown): string {
  const seen = new Set<unknown>();
  return stableStringify(plain(params, seen));
}

function plain(value: unknown, within: Set<unknown>): unknown {
  switch (typeof value) {
    case 'function':
      return `[function] ${value.toString()}`;
    case 'bigint':
    case 'symbol':
      return `[${typeof value}] ${value.toString()}`;
    case 'undefined':
      return null;
    case 'object': {
      if (value === null) return null;
      if (within.has(value)) return '[circular]';
      within.add(value);
      const text = Array.isArray(value)
        ? value.map((each) => plain(each, within))
        : value instanceof Map || value instanceof Set
          ? [value.constructor.name, ...[...value].map((each) => plain(each, within))]
          : value instanceof Date || value instanceof RegExp || value instanceof URL
            ? `[${value.constructor.name}] ${String(value)}`
            : Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each, within)]));
      within.delete(value);
      return text;
    }
    default:
      return value;
  }
}
