import { Command } from 'commander';
import { simulatorSettings } from '../../assembly/index.ts';
import type { AssayConfig } from '../../config/index.ts';
import { FAULTY_RATES, LIMIT_KINDS, PROFILES, startSimulator, type FaultRates, type LimitKind, type LimitOptions, type SimulatorOptions } from '../../simulator/index.ts';
import type { Cli } from '../cli.ts';
import type { CommandHost } from '../command-host.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { count } from '../format.ts';
import { choice } from '../option-choice.ts';
import { integer, nonNegativeNumber, port, positiveInteger, positiveNumber, share } from '../option-values.ts';

export interface SimFlags {
  readonly port?: number;
  readonly host?: string;
  readonly seed?: number;
  readonly rps?: number;
  readonly rpm?: number;
  readonly tpm?: number;
  readonly itpm?: number;
  readonly otpm?: number;
  readonly concurrency?: number;
  readonly limitKind?: LimitKind;
  readonly count?: 'reserved' | 'actual';
  readonly otherTenant?: number;
  readonly latency?: number;
  readonly faultRate?: number;
  readonly log?: string;
}

export function simCommand(host: CommandHost): Command {
  return new Command('sim')
    .option('--port <port>', 'port to listen on; a free one by default', port)
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--seed <n>', 'decides every choice: the same seed gives the same answers', integer)
    .option('--rps <n>', 'requests a second', positiveNumber)
    .option('--rpm <n>', 'requests a minute', positiveNumber)
    .option('--tpm <n>', 'tokens a minute, prompt and output together', positiveNumber)
    .option('--itpm <n>', 'input tokens a minute', positiveNumber)
    .option('--otpm <n>', 'output tokens a minute', positiveNumber)
    .option('--concurrency <n>', 'requests in flight at once', positiveInteger)
    .addOption(choice('--limit-kind <kind>', 'how limits are counted (default: token-bucket)', LIMIT_KINDS))
    .addOption(choice('--count <what>', 'what is counted at admission: prompt + max output, or what is used', ['reserved', 'actual']))
    .option('--other-tenant <share>', 'share of the limits that somebody else takes, unseen, 0 to 1', share)
    .option('--latency <ms>', 'milliseconds until an answer starts', nonNegativeNumber)
    .option('--fault-rate <share>', 'share of requests that meet a fault, 0 to 1', share)
    .option('--log <file>', 'append one JSON line a request to this file')
    .addHelpText('after', `\nModels: ${Object.keys(PROFILES).join(', ')}. Its own count of what it served: GET /__sim/stats.`)
    .action(
      host.action<SimFlags>(async (cli, flags) => {
        const { config } = await cli.loadConfig();
        return serve(cli, simulatorOptions(config.simulator, flags));
      }),
    );
}

/** The simulator's options: what the configuration says, with the command line's word over it. */
export function simulatorOptions(config: AssayConfig['simulator'], flags: SimFlags): SimulatorOptions {
  const limits = limitOptions(config.limits, flags);
  const latency = flags.latency ?? config.latencyMs;
  const faults = flags.faultRate === undefined ? config.faults : scaledFaults(flags.faultRate);
  const seed = flags.seed ?? config.seed;
  return {
    ...simulatorSettings({
      ...(seed === undefined ? {} : { seed }),
      ...(limits === undefined ? {} : { limits }),
      ...(faults === undefined ? {} : { faults }),
      ...(latency === undefined ? {} : { latencyMs: latency }),
    }),
    ...(flags.port === undefined ? {} : { port: flags.port }),
    ...(flags.host === undefined ? {} : { host: flags.host }),
    ...(flags.log === undefined ? {} : { log: flags.log }),
  };
}

function limitOptions(config: AssayConfig['simulator']['limits'], flags: SimFlags): LimitOptions | undefined {
  const { rps, rpm, tpm, itpm, otpm, concurrency, limitKind, count: counted, otherTenant } = flags;
  const given = Object.fromEntries(Object.entries({ rps, rpm, tpm, itpm, otpm, concurrency, otherTenant }).filter(([, value]) => value !== undefined));
  if (config === undefined && Object.keys(given).length === 0) return undefined;
  return {
    kind: 'token-bucket',
    ...config,
    ...given,
    ...(limitKind === undefined ? {} : { kind: limitKind }),
    ...(counted === undefined ? {} : { countAtAdmission: counted }),
  };
}

/** The faults of the `faulty` profile in their proportions, so that together they come to the rate asked for. */
function scaledFaults(rate: number): FaultRates {
  const total = Object.values(FAULTY_RATES).reduce((sum, each) => sum + each, 0);
  return Object.fromEntries(Object.entries(FAULTY_RATES).map(([kind, each]) => [kind, (each / total) * rate]));
}

async function serve(cli: Cli, options: SimulatorOptions): Promise<ExitCode> {
  const simulator = await startSimulator(options);
  const stopped = new Promise<void>((resolve) => {
    cli.io.onSignal(() => resolve());
  });
  if (cli.json) await cli.printJson({ simulated: true, url: simulator.url, port: simulator.port, models: Object.keys(PROFILES) });
  else await cli.print(greeting(simulator.url));
  await stopped;
  const { requests, tokens } = simulator.stats();
  await simulator.close();
  await cli.note(
    `served ${count(requests.ok)} of ${count(requests.received)} requests (${count(requests.rate_limited)} rate limited), ` +
      `${count(tokens.prompt_tokens)} prompt and ${count(tokens.completion_tokens)} completion tokens, all simulated`,
  );
  return EXIT.done;
}

function greeting(url: string): string {
  return [
    `simulated provider at ${url}`,
    '',
    `  assay run probes.encoding --target 'compat:${url}/v1#weak'`,
    `  OPENAI_BASE_URL=${url}/v1 OPENAI_API_KEY=any   for OpenAI clients`,
    `  ANTHROPIC_BASE_URL=${url} ANTHROPIC_API_KEY=any   for Anthropic clients`,
    `  curl ${url}/__sim/stats   for its own count of requests and tokens`,
    `  models: ${Object.keys(PROFILES).join(', ')}`,
    '',
    'Ctrl-C ends it.',
  ].join('\n');
}
