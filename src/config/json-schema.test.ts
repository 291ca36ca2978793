import { describe, expect, it } from 'vitest';
import { configJsonSchema, keysAt } from './json-schema.ts';

type Node = { readonly description?: string; readonly properties?: Record<string, Node>; readonly additionalProperties?: Node | boolean; readonly anyOf?: readonly Node[]; readonly items?: Node };

/** Paths of keys that say nothing of themselves. */
function undescribed(node: Node, path: string): string[] {
  const own = Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
    ...(child.description === undefined ? [`${path}${key}`] : []),
    ...undescribed(child, `${path}${key}.`),
  ]);
  const others = [...(node.anyOf ?? []), node.items, node.additionalProperties].filter((each) => typeof each === 'object');
  return [...own, ...others.flatMap((each) => undescribed(each, `${path}*.`))];
}

describe('the schema for editors', () => {
  it('describes every key', () => {
    expect(undescribed(configJsonSchema() as Node, '')).toEqual([]);
  });

  it('refuses unknown keys, as the loader does', () => {
    expect(configJsonSchema()['additionalProperties']).toBe(false);
  });

  it('requires nothing of a file', () => {
    expect(configJsonSchema()['required']).toBeUndefined();
  });

  it('knows the keys of any place', () => {
    expect(keysAt(configJsonSchema(), ['retry'])).toEqual(['tries', 'deadlineSeconds']);
    expect(keysAt(configJsonSchema(), ['deployments', 'any/name', 'quota'])).toContain('onExhausted');
    expect(keysAt(configJsonSchema(), ['engagement'])).toEqual(['by', 'scope', 'until']);
    expect(keysAt(configJsonSchema(), ['prices'])).toEqual([]);
  });
});
