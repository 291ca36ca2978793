import { asString, isObject, type Json, type Random } from '../core/index.ts';

const WORDS = ['alpha', 'harbour', 'lantern', 'meadow', 'orchid', 'pebble', 'quartz', 'willow'];
const DEEPEST = 5;

/** Arguments that satisfy a tool's JSON Schema in its common parts (types, enums, required and nested properties). */
export function argumentsFor(schema: unknown, random: Random): Json {
  const value = valueFor(schema, random, 0);
  return isObject(value) ? value : {};
}

function valueFor(schema: unknown, random: Random, depth: number): Json {
  if (!isObject(schema) || depth > DEEPEST) return null;
  if ('const' in schema) return schema['const'] as Json;
  if ('default' in schema) return schema['default'] as Json;
  if (Array.isArray(schema['enum']) && schema['enum'].length > 0) return random.pick(schema['enum'] as Json[]);
  const alternatives = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(alternatives) && alternatives.length > 0) return valueFor(alternatives[0], random, depth + 1);
  const type: unknown = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  const implied = isObject(schema['properties']) ? 'object' : 'string';
  switch (asString(type) ?? implied) {
    case 'object': {
      const properties = isObject(schema['properties']) ? schema['properties'] : {};
      const required = Array.isArray(schema['required']) ? schema['required'] : Object.keys(properties);
      const named = Object.entries(properties).filter(([name]) => required.includes(name));
      return Object.fromEntries(named.map(([name, property]) => [name, valueFor(property, random, depth + 1)]));
    }
    case 'array':
      return [valueFor(schema['items'], random, depth + 1)];
    case 'integer':
    case 'number': {
      const lowest = typeof schema['minimum'] === 'number' ? schema['minimum'] : 1;
      const highest = typeof schema['maximum'] === 'number' ? schema['maximum'] : lowest + 9;
      return Math.ceil(lowest) + random.integer(Math.max(1, Math.floor(highest) - Math.ceil(lowest) + 1));
    }
    case 'boolean':
      return random.next() < 0.5;
    case 'null':
      return null;
    default:
      return random.pick(WORDS);
  }
}
