import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { configSchemaText } from './config-schema.ts';

it('the published schema is in step with the one that is enforced (npm run build writes it)', () => {
  expect(readFileSync(new URL('../schema/assay.schema.json', import.meta.url), 'utf8')).toBe(configSchemaText());
});
