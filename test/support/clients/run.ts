import type { ClientProgram, Load, Surroundings } from './contract.ts';
import { programs } from './programs.ts';
import { seenError } from './seen.ts';

/**
 * Makes the clients of one library, lets `meter` be loaded, then does everything that there is to do with them, all at once. Prints what was
 * seen as one line of JSON, by case.
 */
export async function run(load: Load, loadMeter: () => Promise<unknown> = async () => {}): Promise<void> {
  const [library = '', given = '{}'] = process.argv.slice(2);
  const surroundings = JSON.parse(given) as Omit<Surroundings, 'load'>;
  const program = programs[library] as ClientProgram;
  const cases = await program({ load, ...surroundings });
  await loadMeter();
  const seen = await Promise.all(
    Object.entries(cases).map(async ([name, does]) => {
      try {
        return [name, { returned: await does() }] as const;
      } catch (error) {
        return [name, { threw: seenError(error) }] as const;
      }
    }),
  );
  process.stdout.write(`${JSON.stringify(Object.fromEntries(seen))}\n`);
}
