import { readFileSync } from 'node:fs';
import { AssayError, describeError, parseJson } from '../core/index.ts';
import type { SimulatorOptions } from './options.ts';
import { startSimulator } from './server.ts';

/**
 * Runs a simulated provider as a process of its own: `node standalone.ts '{"port": 4010, "seed": 7}'`, or
 * `node standalone.ts @options.json`. Prints `{"url": …, "port": …}` on one line once it listens, and ends on SIGINT or SIGTERM.
 */
async function main(argument: string | undefined): Promise<void> {
  const given = argument?.startsWith('@') === true ? readFileSync(argument.slice(1), 'utf8') : (argument ?? '{}');
  const simulator = await startSimulator(parseJson(given) as SimulatorOptions);
  process.stdout.write(`${JSON.stringify({ url: simulator.url, port: simulator.port })}\n`);
  const stop = (): void => void simulator.close().then(() => process.exit(0));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

try {
  await main(process.argv[2]);
} catch (error) {
  const hint = AssayError.isInstance(error) && error.hint !== undefined ? `; ${error.hint}` : '';
  process.stderr.write(`${describeError(error)}${hint}\n`);
  process.exitCode = 2;
}
