import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../config/index.ts';
import { EXIT } from '../exit-code.ts';
import { main } from '../main.ts';
import { RecordingIo } from '../testing/recording-io.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('assay init', () => {
  it('writes a configuration that loads', async () => {
    const io = new RecordingIo(folder);
    expect(await main(['init'], io)).toBe(EXIT.done);
    expect((await loadConfig({ cwd: folder })).config.targets).toEqual(['sim:weak']);
  });

  it('replaces one that is there only when told to', async () => {
    const file = join(folder, 'assay.yaml');
    writeFileSync(file, 'seed: 5\n');
    const io = new RecordingIo(folder);
    expect(await main(['init'], io)).toBe(EXIT.usage);
    expect(io.stderr.text).toBe('error: assay.yaml is there already\nhint: say --force to replace it\n');
    expect(readFileSync(file, 'utf8')).toBe('seed: 5\n');
    expect(await main(['init', '--force', '--json'], new RecordingIo(folder))).toBe(EXIT.done);
    expect(readFileSync(file, 'utf8')).toContain('sim:weak');
  });
});

describe('assay plugins', () => {
  it('lists every probe, and those that match', async () => {
    const io = new RecordingIo(folder);
    expect(await main(['plugins', '--json'], io)).toBe(EXIT.done);
    const all = JSON.parse(io.stdout.text) as { id: string; detectors: string[] }[];
    expect(all.length).toBeGreaterThan(5);
    expect(all.every(({ detectors }) => detectors.length > 0)).toBe(true);
    const some = new RecordingIo(folder);
    await main(['plugins', 'encoding.base64'], some);
    expect(some.stdout.text).toContain('probes.encoding.base64');
    expect(some.stdout.text.split('\n').length).toBeLessThan(all.length);
  });
});
