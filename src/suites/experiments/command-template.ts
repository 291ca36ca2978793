import { UsageError } from '../../core/index.ts';

/** `{field}`, and the same with its braces doubled, which stands for itself. */
const PLACEHOLDER = /\{\{([A-Za-z_][\w.-]*)\}\}|\{([A-Za-z_][\w.-]*)\}/g;

/** Names of the fields that a command's arguments ask for. */
export function placeholdersOf(command: readonly string[]): string[] {
  const names = command.flatMap((argument) => [...argument.matchAll(PLACEHOLDER)].flatMap(([, , name]) => name ?? []));
  return [...new Set(names)];
}

/**
 * A command with its `{field}` placeholders filled in; `{{field}}` is the text `{field}`, and braces around anything that is no name
 * (JSON, shell) stay as they are.
 *
 * @param where what lacks a field, for the message, e.g. `trials.jsonl:3`
 * @throws UsageError `input` naming a field that is not there
 */
export function fillIn(command: readonly string[], fields: Readonly<Record<string, string>>, where: string): string[] {
  return command.map((argument) =>
    argument.replaceAll(PLACEHOLDER, (_match, literal: string | undefined, name: string | undefined) => {
      if (literal !== undefined) return `{${literal}}`;
      const value = Object.hasOwn(fields, name!) ? fields[name!] : undefined;
      if (value !== undefined) return value;
      throw new UsageError({
        code: 'input',
        message: `${where} has no field ${name}, which the command asks for as {${name}}`,
        hint: `it has ${Object.keys(fields).join(', ')}; write {{${name}}} where the text itself is meant`,
      });
    }),
  );
}

/** A command line as a person would type it. */
export function shown(command: readonly string[]): string {
  return command.map((argument) => (/^[\w@%+=:,./~-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", String.raw`'\''`)}'`)).join(' ');
}
