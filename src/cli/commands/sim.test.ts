import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultConfig } from '../../config/index.ts';
import { EXIT } from '../exit-code.ts';
import { main } from '../main.ts';
import { RecordingIo } from '../testing/recording-io.ts';
import { simulatorOptions } from './sim.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Waits until the command listens for Ctrl-C and has said where it serves. */
async function serving(io: RecordingIo): Promise<string> {
  while (io.listening === 0 || io.stdout.text === '') await new Promise((resolve) => setImmediate(resolve));
  const { url } = JSON.parse(io.stdout.text) as { url: string };
  return url;
}

describe('assay sim', () => {
  it('serves until Ctrl-C and ends with its own count', async () => {
    const io = new RecordingIo(folder);
    const ended = main(['sim', '--json', '--seed', '3'], io);
    const url = await serving(io);
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'echo', messages: [{ role: 'user', content: 'hello there' }] }),
    });
    expect(await answer.json()).toMatchObject({ choices: [{ message: { content: 'hello there' } }] });
    io.signal();
    expect(await ended).toBe(EXIT.done);
    expect(io.stderr.text).toMatch(/served 1 of 1 requests \(0 rate limited\), \d+ prompt and \d+ completion tokens, all simulated\n/);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('enforces the limits it is given', async () => {
    const io = new RecordingIo(folder);
    const ended = main(['sim', '--json', '--rpm', '1', '--limit-kind', 'fixed-window'], io);
    const url = await serving(io);
    const ask = async (): Promise<number> =>
      (await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'echo', messages: [{ role: 'user', content: 'x' }] }) })).status;
    const statuses = [await ask(), await ask(), await ask()];
    io.signal('SIGTERM');
    await ended;
    expect(statuses).toContain(429);
  });

  it('says what to type in words', async () => {
    const io = new RecordingIo(folder);
    const ended = main(['sim'], io);
    while (io.listening === 0 || io.stdout.text === '') await new Promise((resolve) => setImmediate(resolve));
    io.signal();
    await ended;
    expect(io.stdout.text).toMatch(/simulated provider at http:\/\/127\.0\.0\.1:\d+/);
    expect(io.stdout.text).toContain('OPENAI_BASE_URL=');
  });

  it.each([
    [['--port', '99999'], 'It must be a port'],
    [['--fault-rate', '2'], 'It must be a number from 0 to 1'],
    [['--limit-kind', 'leaky'], 'Allowed choices are token-bucket, fixed-window, sliding-window, sub-windows'],
    [['--other-tenant', '1', '--rpm', '5'], 'otherTenant'],
  ])('refuses %j', async (argv, said) => {
    const io = new RecordingIo(folder);
    expect(await main(['sim', ...argv], io)).toBe(EXIT.usage);
    expect(io.stderr.text).toContain(said);
  });

  it('puts flags over the configuration', () => {
    const config = { ...defaultConfig().simulator, seed: 4, limits: { kind: 'sliding-window' as const, rpm: 100, tpm: 5_000 }, latencyMs: 20 };
    const options = simulatorOptions(config, { rpm: 7, count: 'actual', faultRate: 0.5 });
    expect(options.seed).toBe(4);
    expect(options.limits).toEqual({ kind: 'sliding-window', rpm: 7, tpm: 5_000, countAtAdmission: 'actual' });
    expect(options.profiles?.['weak']?.latency).toEqual({ minMs: 20, maxMs: 20 });
    expect(Object.values(options.faults ?? {}).reduce((sum, each) => sum + each, 0)).toBeCloseTo(0.5);
    expect(simulatorOptions(defaultConfig().simulator, {}).limits).toBeUndefined();
  });
});
