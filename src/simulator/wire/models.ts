import type { Dialect } from './problem.ts';

/** When the simulated models are said to be made: the same on every list. */
const MADE_AT = Date.UTC(2025, 0, 1);

/** One model, as each provider describes it. */
export function modelObject(name: string, dialect: Dialect): object {
  return dialect === 'anthropic'
    ? { type: 'model', id: name, display_name: `Simulated ${name}`, created_at: new Date(MADE_AT).toISOString() }
    : { id: name, object: 'model', created: MADE_AT / 1000, owned_by: 'simulator' };
}

/** The list of models, as each provider sends it. */
export function modelList(names: readonly string[], dialect: Dialect): object {
  const data = names.map((name) => modelObject(name, dialect));
  return dialect === 'anthropic' ? { data, has_more: false, first_id: names[0] ?? null, last_id: names.at(-1) ?? null } : { object: 'list', data };
}
