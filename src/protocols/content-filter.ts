import { isObject } from '../core/index.ts';

/**
 * Names what a content filter caught, e.g. `hate (medium), jailbreak`, or `undefined` where nothing is marked filtered.
 * Takes Azure's result objects (`{hate: {filtered, severity}, jailbreak: {filtered, detected}}`), or a list of
 * objects that carry one under `content_filter_results`.
 *
 * Source: Microsoft, "Content filtering for Azure OpenAI".
 */
export function filteredCategories(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    const found = value.filter(isObject).map((entry) => filteredCategories(entry['content_filter_results']));
    return joined(found.filter((name) => name !== undefined));
  }
  if (!isObject(value)) return undefined;
  const names = Object.entries(value).flatMap(([category, result]) => {
    if (!isObject(result) || result['filtered'] !== true) return [];
    const severity = result['severity'];
    return [typeof severity === 'string' ? `${category} (${severity})` : category];
  });
  return joined(names);
}

function joined(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : [...new Set(names)].join(', ');
}

/**
 * Codes by which providers say that a filter or a usage policy refused the request. Azure OpenAI: `content_filter` with
 * the inner `ResponsibleAIPolicyViolation`. OpenAI: the policy codes of `ResponseError` and `content_policy_violation`.
 */
const FILTER_CODES: ReadonlySet<string> = new Set([
  'content_filter',
  'responsibleaipolicyviolation',
  'content_policy_violation',
  'image_content_policy_violation',
  'bio_policy',
  'cyber_policy',
  'misalignment_policy_violation',
]);

/** Whether an error's code or type says that a content filter refused. */
export function isFilterCode(code: string | undefined): boolean {
  return code !== undefined && FILTER_CODES.has(code.toLowerCase());
}
