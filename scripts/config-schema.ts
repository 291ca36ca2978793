import { configJsonSchema } from '../src/config/index.ts';

/** The text of schema/assay.schema.json. */
export function configSchemaText(): string {
  return `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`;
}
