import * as z from 'zod';
import { isObject } from '../core/index.ts';
import { configSchema } from './schema.ts';

let made: Record<string, unknown> | undefined;

/** The JSON Schema of configuration files, for editors. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  made ??= { ...z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' }), title: 'Assay configuration' };
  return made;
}

/** Names of the keys that may stand at a path of a configuration; empty where any name may. */
export function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  if (!isObject(schema)) return [];
  for (const alternatives of [schema['anyOf'], schema['allOf'], schema['oneOf']]) {
    if (Array.isArray(alternatives)) {
      const found = alternatives.map((each) => keysAt(each, path)).find((keys) => keys.length > 0);
      if (found !== undefined) return found;
    }
  }
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const [head, ...rest] = path;
  if (head === undefined) return Object.keys(properties).filter((key) => key !== '$schema');
  if (typeof head === 'number') return keysAt(schema['items'], rest);
  return keysAt(properties[String(head)] ?? schema['additionalProperties'], rest);
}
