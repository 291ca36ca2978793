import { Command } from 'commander';
import type { GatewayRun } from '../../assembly/index.ts';
import type { AssayConfig, ConfigFlags } from '../../config/index.ts';
import { UsageError, type CancelTimer } from '../../core/index.ts';
import type { GatewayFigures } from '../../gateway/index.ts';
import type { Cli } from '../cli.ts';
import type { CommandHost } from '../command-host.ts';
import { execSummary } from '../exec-summary.ts';
import { EXIT } from '../exit-code.ts';
import { count, dollars, shortCount } from '../format.ts';
import { onInterrupts } from '../interrupts.ts';
import { collect } from '../option-values.ts';
import { withAssembly } from '../run-in-front.ts';
import { capOptions, telemetryOptions } from '../run-options.ts';

interface GatewayFlags extends Pick<ConfigFlags, 'rps' | 'rpm' | 'tpm' | 'itpm' | 'otpm' | 'concurrency' | 'maxCalls' | 'maxTokens' | 'maxUsd' | 'listen' | 'otlp'> {
  readonly tokenEnv?: readonly string[];
  readonly upstream?: readonly string[];
  readonly name?: string;
}

/** Milliseconds that calls under way have once the gateway is to end. */
const GRACE_MS = 30_000;
const FIGURES_EVERY_MS = 60_000;

export function gatewayCommand(host: CommandHost): Command {
  const command = new Command('gateway')
    .description('serve an OpenAI-, Anthropic-, Azure-, Gemini- and Ollama-compatible gateway: every call that passes is counted, limited and kept')
    .option('--listen <address>', 'where to listen, as HOST:PORT; port 0 takes a free one (default: 127.0.0.1:4100)')
    .option('--token-env <variable>', 'environment variable with a token that requests must bring; may be given several times; needed beyond this machine', collect)
    .option('--upstream <name=url>', 'where calls of a provider go, e.g. openai=http://127.0.0.1:8000/v1, or openai=sim; may be given several times', collect)
    .option('--name <name>', 'a name for the run that calls are charged to (default: gateway)');
  return telemetryOptions(capOptions(command, 'every deployment that is called')).action(
    host.action<GatewayFlags>(async (cli, { tokenEnv, upstream, name, ...flags }) => {
      const [{ Assembly, readUpstreamFlag, startGatewayRun, withUpstreamFlags }, { mergeFlags, resolveEnv }, { recoverOrphans }] = await Promise.all([
        import('../../assembly/index.ts'),
        import('../../config/index.ts'),
        import('../../store/index.ts'),
      ]);
      const upstreams = (upstream ?? []).map(readUpstreamFlag);
      const merged = mergeFlags((await cli.loadConfig()).config, flags);
      const tokens = (tokenEnv ?? []).map((variable) => `\${${variable}}`);
      // As references, so that they are known as secrets and never stored.
      const config: AssayConfig = withUpstreamFlags({ ...merged, gateway: { ...merged.gateway, tokens: [...merged.gateway.tokens, ...tokens] } }, upstreams);
      const accessTokens = resolveEnv(config.gateway.tokens, cli.io.env, 'gateway.tokens');
      const address = readListen(config.gateway.listen);
      const location = await cli.storeLocation(config);
      return withAssembly(
        cli,
        () => Assembly.open({ config, location, env: cli.io.env, cwd: cli.io.cwd, clock: cli.io.clock, limitsEverywhere: true }),
        async (assembly) => {
          for (const orphan of await recoverOrphans(assembly.store, cli.io.clock.now())) await cli.note(`run ${orphan} was interrupted`);
          const say = (line: string): void => void cli.note(`assay: ${line}`);
          const running = await startGatewayRun(assembly, {
            ...address,
            accessTokens,
            said: new Set(upstreams.map((each) => each.name)),
            name: name ?? config.name ?? 'gateway',
            warn: say,
            announce: say,
          });
          await serve(cli, running, { tokens: accessTokens.length > 0 });
          const sums = (await assembly.store.sumCalls({ runId: running.run.id }, 'all')).get('all');
          await cli.note(`assay: ${execSummary(sums, { run: running.run.id, simulated: running.run.simulated })}`);
          return EXIT.done;
        },
      );
    }),
  );
}

/** Serves until it is told to end. */
async function serve(cli: Cli, running: GatewayRun, { tokens }: { readonly tokens: boolean }): Promise<void> {
  const { gateway, run } = running;
  const cut = new AbortController();
  let stop = (): void => {};
  const told = new Promise<void>((resolve) => {
    stop = onInterrupts(cli.io, { first: () => resolve(), second: () => cut.abort() });
  });
  const stopFigures = tellFigures(cli, () => gateway.figures());
  try {
    if (cli.json) await cli.printJson({ url: gateway.url, port: gateway.port, run: run.id, simulated: run.simulated, base_urls: baseUrls(running) });
    else await cli.print(greeting(running, tokens));
    await Promise.race([told, running.failed]);
    const { inFlight, waiting } = gateway.figures();
    const open = inFlight + waiting;
    if (open > 0) await cli.note(`assay: ending; ${open === 1 ? '1 call has' : `${count(open)} calls have`} up to ${GRACE_MS / 1_000} s, Ctrl-C again cuts ${open === 1 ? 'it' : 'them'}`);
    await running.close({ graceMs: GRACE_MS, cut: cut.signal });
  } finally {
    stopFigures();
    stop();
  }
}

/** A line a minute, where something happened. */
function tellFigures(cli: Cli, figures: () => GatewayFigures): () => void {
  let told = JSON.stringify(countsOf(figures()));
  let cancel: CancelTimer = () => {};
  const tick = (): void => {
    cancel = cli.io.clock.after(FIGURES_EVERY_MS, () => {
      const now = figures();
      const text = JSON.stringify(countsOf(now));
      if (text !== told || now.inFlight + now.waiting > 0) void cli.note(`assay: ${figuresText(now)}`);
      told = text;
      tick();
    });
  };
  tick();
  return () => cancel();
}

function countsOf({ inFlight: _inFlight, waiting: _waiting, ...counts }: GatewayFigures): object {
  return counts;
}

function figuresText({ calls, failed, replayed, refused, uncounted, inFlight, waiting, promptTokens, completionTokens, costUsd }: GatewayFigures): string {
  const parts = [
    `${count(calls)} calls${failed > 0 ? ` (${count(failed)} failed)` : ''}`,
    `${shortCount(promptTokens)} tokens in, ${shortCount(completionTokens)} out`,
    `at least ${dollars(costUsd)}`,
    inFlight > 0 ? `${count(inFlight)} in flight` : '',
    waiting > 0 ? `${count(waiting)} waiting` : '',
    replayed > 0 ? `${count(replayed)} replayed` : '',
    refused > 0 ? `${count(refused)} refused` : '',
    uncounted > 0 ? `${count(uncounted)} passed uncounted` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function baseUrls({ gateway, upstreams }: GatewayRun): Record<string, string> {
  return Object.fromEntries(upstreams.map(({ name }) => [name, gateway.baseUrl(name)]));
}

/** Variables that the usual clients read, for those upstreams that have one. */
const SHOWN: Readonly<Record<string, string>> = {
  openai: 'OPENAI_BASE_URL',
  anthropic: 'ANTHROPIC_BASE_URL',
  azure: 'AZURE_OPENAI_ENDPOINT',
  gemini: 'GOOGLE_GEMINI_BASE_URL',
  ollama: 'OLLAMA_HOST',
  openrouter: 'OPENROUTER_BASE_URL',
};

function greeting(running: GatewayRun, tokens: boolean): string {
  const { gateway, upstreams, run } = running;
  const width = Math.max(...upstreams.map(({ name }) => (SHOWN[name] ?? `(${name})`).length));
  return [
    `gateway at ${gateway.url}${run.simulated ? ' (some upstreams are simulated)' : ''}, run ${run.id}`,
    '',
    ...upstreams.map(({ name, url, simulated }) => `  ${(SHOWN[name] ?? `(${name})`).padEnd(width)}  ${gateway.baseUrl(name)}  → ${simulated === true ? 'the simulated provider' : url}`),
    '',
    ...(tokens ? ['Requests need one of the tokens: in x-assay-token, or as the key where the gateway holds the provider\'s.'] : []),
    `x-assay-trial, x-assay-branch, x-assay-role and x-assay-phase headers say whom a call is charged to; ${gateway.url}/health and /metrics tell how it is.`,
    `Ctrl-C ends it; \`assay usage ${run.id}\` shows what was used.`,
  ].join('\n');
}

/** @throws UsageError for what is no address */
export function readListen(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, name, digits] = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]*)):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) throw new UsageError({ code: 'config', message: `${text} is no address to listen on`, hint: 'write HOST:PORT, e.g. 127.0.0.1:4100' });
  // A port alone means this machine alone: who wants more must say so.
  const host = bracketed ?? (name === undefined || name === '' ? '127.0.0.1' : name);
  return { host, port };
}
