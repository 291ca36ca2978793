import { describe, expect, it } from 'vitest';
import { eventually, Folder, type RunDocument } from './support/folder.ts';
import { startOpenAiServer, type Answered } from './support/openai-server.ts';
import type { CliResult } from './support/processes.ts';

const KEY = 'corp-9f3b7c21d0ab44e7';
/** Leaked by the model itself: it looks like a key, and nobody gave it to Assay. */
const LEAKED = 'sk-live0123456789abcdef0123';
const FORMS = [KEY, Buffer.from(KEY).toString('base64').replace(/=+$/, ''), encodeURIComponent(KEY)];

describe('a key', () => {
  it('that the provider repeats in its errors and answers is in no file, no output and no export', { timeout: 40_000 }, async () => {
    await using server = await startOpenAiServer(({ number, headers, prompt }): Answered => {
      const key = String(headers.authorization);
      if (prompt.includes('number 0 ')) return { status: 429, headers: { 'retry-after-ms': '1500' }, text: `slow down, ${key} (${Buffer.from(KEY).toString('base64')})` };
      if (prompt.includes('number 1 ')) return { status: 400, text: `what is this: ${key} (${Buffer.from(KEY).toString('base64')})` };
      if (number % 3 === 0) return { status: 500, headers: { 'x-request-id': `id-${KEY}` }, text: `broken for ${key}` };
      return { text: `my key is ${key}, and here is another number: ${LEAKED}` };
    });
    await using folder = await Folder.make({ MY_SECRET_VARIABLE: KEY });
    await folder.prompts(12);
    const target = `compat:${server.url}#m`;
    const custom = ['run', 'probes.custom', '--prompts', 'prompts.txt', '--detector', 'contains:number', '--target', target, '--api-key-env', 'MY_SECRET_VARIABLE', '--deadline', '1'];
    const said: CliResult[] = [];
    const run = await folder.cli(...custom, '--json');
    said.push(run);
    expect(run.code, run.stderr).toBe(0);
    const { run: id } = JSON.parse(run.stdout) as RunDocument;
    // The reason of a run and what is announced come straight from the provider's error.
    expect(run.stderr).toContain('rate limited at goal 0');
    said.push(await folder.cli(...custom, '--verbose', '--on-rate-limit', 'stop', '--parallel', '1'));
    expect(said[1]!.code).toBe(3);
    expect(said[1]!.stdout).toContain('rate limited: ');
    const commands = [['show', id], ['show', id, '0'], ['show', id, '1'], ['show', id, '5', '--json'], ['usage', id], ['report', id], ['runs', '--json']];
    said.push(...(await Promise.all(commands.map((args) => folder.cli(...args)))));

    const files = await folder.allFiles();
    expect(files.some(({ name }) => name.endsWith('assay.db'))).toBe(true);
    for (const form of FORMS) {
      for (const { name, bytes } of files) expect(bytes.includes(form), `${form} in ${name}`).toBe(false);
      for (const { stdout, stderr } of said) expect(stdout + stderr).not.toContain(form);
    }
    // What was there instead says so.
    expect(said[0]!.stderr).toContain('[redacted:');
    // A key that the model gave away is a finding: evidence in the store, taken out on export.
    expect(files.some(({ bytes }) => bytes.includes(LEAKED))).toBe(true);
    const report = said.find(({ stdout }) => stdout.startsWith('{"type":"run"'))!;
    expect(report.stdout).not.toContain(LEAKED);
    expect(report.stdout).toContain('[redacted:api-key]');
  });

  it('is in no file while the run goes on either', { timeout: 20_000 }, async () => {
    let go = (): void => {};
    const held = new Promise<void>((resolve) => (go = resolve));
    await using server = await startOpenAiServer(async ({ number, headers }) => {
      if (number >= 8) await held;
      return { text: `number ${String(headers.authorization)}` };
    });
    await using folder = await Folder.make({ MY_SECRET_VARIABLE: KEY });
    await folder.prompts(12);
    const { result } = folder.start('run', 'probes.custom', '--prompts', 'prompts.txt', '--detector', 'contains:number', '--target', `compat:${server.url}#m`, '--api-key-env', 'MY_SECRET_VARIABLE', '--concurrency', '2');
    await eventually(() => server.requests >= 10);
    const files = await folder.allFiles();
    expect(files.map(({ name }) => name.slice(folder.path.length)).filter((name) => name.startsWith('/.assay')).length).toBeGreaterThanOrEqual(3);
    for (const { name, bytes } of files) for (const form of FORMS) expect(bytes.includes(form), `${form} in ${name}`).toBe(false);
    go();
    expect((await result).code).toBe(0);
  });
});
