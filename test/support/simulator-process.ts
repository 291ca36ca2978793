import { startSimulator, type SimulatorOptions } from '../../src/simulator/index.ts';
import { probesPlaybook } from '../../src/suites/index.ts';

/** Runs a simulator as a process of its own: options as JSON in the first argument, its URL as one JSON line on stdout. */
const options = JSON.parse(process.argv[2] ?? '{}') as Partial<SimulatorOptions>;
const simulator = await startSimulator({ playbooks: [probesPlaybook()], ...options });
process.stdout.write(`${JSON.stringify({ url: simulator.url })}\n`);
// Ends with whoever started it, however that ended.
process.stdin.resume();
process.stdin.on('end', () => void simulator.close().then(() => process.exit(0)));
