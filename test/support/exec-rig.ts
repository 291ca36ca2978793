import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { CallRecord, Run } from '../../src/core/index.ts';
import { Folder } from './folder.ts';
import { startSimulatorProcess, type CliResult, type RunningCli, type SimulatorProcess } from './processes.ts';

const require = createRequire(import.meta.url);
const OPENAI = require.resolve('openai');

/** A user's folder, and a provider in a process of its own whose count is the truth. */
export class ExecRig implements AsyncDisposable {
  readonly folder: Folder;
  readonly provider: SimulatorProcess;

  private constructor(folder: Folder, provider: SimulatorProcess) {
    this.folder = folder;
    this.provider = provider;
  }

  /** @param env what every `assay` of this rig finds in its environment */
  static async open({ simulator = {}, env = {} }: { readonly simulator?: Readonly<Record<string, unknown>>; readonly env?: Readonly<Record<string, string>> } = {}): Promise<ExecRig> {
    const provider = await startSimulatorProcess({ seed: 1, ...simulator });
    // Base URLs of the developer's own shell must not decide where calls go.
    return new ExecRig(await Folder.make({ OPENAI_BASE_URL: '', ANTHROPIC_BASE_URL: '', NO_COLOR: '', FORCE_COLOR: '0', OPENAI_API_KEY: 'a-key-of-the-child', ANTHROPIC_API_KEY: 'a-key-of-the-child', ...env }), provider);
  }

  /** `assay exec` with the provider behind it. */
  exec(options: readonly string[], command: readonly string[]): Promise<CliResult> {
    return this.start(options, command).result;
  }

  start(options: readonly string[], command: readonly string[]): RunningCli {
    const upstreams = [`openai=${this.provider.url}/v1`, `anthropic=${this.provider.url}`].flatMap((upstream) => ['--upstream', upstream]);
    return this.folder.start('exec', ...upstreams, ...options, ...(command.length === 0 ? [] : ['--', ...command]));
  }

  /** Resumes the last run, whose upstreams it knows. */
  resume(...options: readonly string[]): Promise<CliResult> {
    return this.folder.cli('exec', '--resume', 'last', ...options);
  }

  /** Writes a Node program that asks, and returns the command that runs it. `ask(text)` resolves to the answer. */
  async program(name: string, body: string): Promise<string[]> {
    const cjs = name.endsWith('.cjs');
    const load = cjs ? `const OpenAI = require(${JSON.stringify(OPENAI)});` : `import OpenAI from ${JSON.stringify(pathToFileURL(OPENAI).href)};`;
    const source = `${load}
const client = new (OpenAI.default ?? OpenAI)({ maxRetries: 0 });
const ask = async (text, model = 'echo') => {
  const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content: text }] });
  return answer.choices[0].message.content;
};
const askStreamed = async (text, model = 'echo') => {
  let whole = '';
  for await (const chunk of await client.chat.completions.create({ model, stream: true, messages: [{ role: 'user', content: text }] })) whole += chunk.choices[0]?.delta?.content ?? '';
  return whole;
};
(async () => {
${body}
})().catch((error) => {
  console.error(error.status, error.message);
  process.exitCode = 9;
});
`;
    return [process.execPath, await this.folder.write(name, source)];
  }

  /** The last run with its ledger rows, as they are committed. */
  async books(): Promise<{ readonly run: Run; readonly calls: readonly CallRecord[] }> {
    await using store = await this.folder.store();
    const run = await store.findRun('last');
    return { run, calls: await store.calls({ runId: run.id }, { limit: 10_000 }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.folder[Symbol.asyncDispose]();
    await this.provider[Symbol.asyncDispose]();
  }
}

/** What the provider says it did. */
export interface ProviderCount {
  readonly requests: { readonly received: number; readonly ok: number };
  readonly tokens: { readonly total_tokens: number; readonly prompt_tokens: number; readonly completion_tokens: number };
}

export async function providerCount(provider: SimulatorProcess): Promise<ProviderCount> {
  return (await provider.stats()) as unknown as ProviderCount;
}

/** Tokens of ledger rows whose calls were answered. */
export function tokensOf(calls: readonly CallRecord[]): number {
  return calls.reduce((sum, { settlement }) => {
    const { inputFresh, cacheRead, cacheWrite, outputText, reasoning } = settlement?.usage ?? {};
    return sum + [inputFresh, cacheRead, cacheWrite, outputText, reasoning].reduce<number>((total, part) => total + (part ?? 0), 0);
  }, 0);
}
