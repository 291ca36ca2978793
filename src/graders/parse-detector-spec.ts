import { UsageError } from '../core/index.ts';
import type { Grader } from './contract.ts';
import type { DetectorDefinition, DetectorSpec } from './detectors/definition.ts';
import { detectors } from './registry.ts';

/**
 * Makes the detector that a spec asks for: `NAME`, `NAME:ARGUMENT` or `NAME/modifier:ARGUMENT`, e.g. `contains:PWNED`,
 * `contains/word/case:PWNED`, `contains-all:A|B`, `regex:/pwned\b/i`, `refusal`. The grader is named by the whole spec.
 *
 * @throws UsageError for an unknown name or modifier, and for an argument that is missing, superfluous or unusable
 */
export function parseDetectorSpec(text: string): Grader {
  const { definition, spec } = readSpec(text);
  return definition.create(spec);
}

/** Notes that the spec's detector cannot do without. @throws UsageError as `parseDetectorSpec` */
export function detectorNeeds(text: string): readonly string[] {
  return readSpec(text).definition.needs;
}

function readSpec(text: string): { readonly definition: DetectorDefinition; readonly spec: DetectorSpec } {
  const colon = text.indexOf(':');
  const [name = '', ...modifiers] = (colon === -1 ? text : text.slice(0, colon)).trim().split('/');
  const argument = colon === -1 ? undefined : text.slice(colon + 1);
  const definition = detectors.get(name);
  if (!definition) {
    throw new UsageError({
      message: `--detector ${text}: there is no detector ${JSON.stringify(name)}`,
      hint: `use one of ${[...detectors.values()].map((each) => each.usage).join(', ')}`,
    });
  }
  const unknown = modifiers.find((modifier) => !definition.modifiers.includes(modifier));
  if (unknown !== undefined) {
    throw new UsageError({
      message: `--detector ${text}: ${name} has no modifier ${JSON.stringify(unknown)}`,
      hint: definition.modifiers.length === 0 ? `write ${definition.usage}` : `it has ${definition.modifiers.join(' and ')}`,
    });
  }
  if (definition.argument === 'required' && (argument === undefined || argument.trim() === '')) {
    throw new UsageError({ message: `--detector ${text}: ${name} needs something to look for`, hint: `write ${definition.usage}` });
  }
  if (definition.argument === 'none' && argument !== undefined) {
    throw new UsageError({ message: `--detector ${text}: ${name} takes nothing after a colon`, hint: `write ${definition.usage}` });
  }
  return { definition, spec: { text, name, modifiers, argument } };
}
