import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openStore, type Store } from '../store/index.ts';
import { checkLogPlace, checkLogTemplate, logPath, writeTrialLog, type TrialLog } from './exec-log.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exec-log-'));
  store = await openStore(`sqlite:${join(folder, 'assay.db')}`);
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const LOG: TrialLog = { run: 'r', goalIndex: 0, trial: 't', command: ['echo', 'x'], exitCode: 0, scores: [], startedAt: 0, endedAt: 1_500, simulated: false };

describe("a trial's log", () => {
  it('is written whole, in folders made for it, over what was there', async () => {
    const path = join(folder, 'logs', 'deep', 't.json');
    await writeTrialLog(path, { ...LOG, exitCode: 1 }, store);
    await writeTrialLog(path, LOG, store);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({
      run: 'r',
      trial: 't',
      command: ['echo', 'x'],
      exit_code: 0,
      started_at: '1970-01-01T00:00:00.000Z',
      ended_at: '1970-01-01T00:00:01.500Z',
      llm_usage: { total_calls: 0, failed_calls: 0, total_tokens: 0, reasoning_tokens: null, calls_by_model: {} },
    });
    expect(await readdir(join(folder, 'logs', 'deep'))).toEqual(['t.json']);
  });

  it('says where it cannot be written, and leaves nothing half done', async () => {
    await mkdir(join(folder, 'taken.json'));
    await expect(writeTrialLog(join(folder, 'taken.json'), LOG, store)).rejects.toThrow('cannot write the log');
    expect((await readdir(folder)).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  it("has the trial's name in its own, whatever that is, and never leads elsewhere", () => {
    expect(logPath('logs/{name}.json', 'a b#2', '/x')).toBe('/x/logs/a b#2.json');
    expect(logPath('logs/{name}.json', '../../etc/passwd', '/x')).toBe('/x/logs/%2E%2E%2F..%2Fetc%2Fpasswd.json');
    expect(logPath('{name}/out.json', '..', '/x')).toBe('/x/%2E%2E/out.json');
    // Names that differ give files that differ.
    expect(logPath('{name}', 'a/b', '/x')).not.toBe(logPath('{name}', 'a%2Fb', '/x'));
  });

  it('of several trials must have their names in it', () => {
    expect(() => checkLogTemplate('out/log.json', { several: true })).toThrow('--log names one file');
    expect(() => checkLogTemplate('out/{name}.json', { several: true })).not.toThrow();
    expect(() => checkLogTemplate('out/log.json', { several: false })).not.toThrow();
  });

  it('is known to have a place before anything runs, folders that are yet to be made included, and makes none for that', async () => {
    await checkLogPlace('logs/{name}/deep/out.json', folder);
    await checkLogPlace(join(folder, 'out-{name}.json'), '/');
    expect(await readdir(folder)).not.toContain('logs');
    await mkdir(join(folder, 'taken.json'));
    await writeFile(join(folder, 'file'), '');
    await expect(checkLogPlace('taken.json', folder)).rejects.toThrow('--log: taken.json is a folder');
    await expect(checkLogPlace('new/', folder)).rejects.toThrow('--log: new/ is a folder');
    await expect(checkLogPlace('file/out.json', folder)).rejects.toThrow('file is no folder');
  });

  it.skipIf(!existsSync('/proc/self'))('fails, and does not hang, where a file system cannot have folders', async () => {
    await expect(writeTrialLog('/proc/none/deep/t.json', LOG, store)).rejects.toThrow('cannot write the log');
  });

  it('may be written by several trials at once into a folder that is not there yet', async () => {
    const paths = ['a', 'b', 'c', 'd'].map((name) => join(folder, 'x', 'y', 'z', `${name}.json`));
    await Promise.all(paths.map((path) => writeTrialLog(path, LOG, store)));
    expect(await readdir(join(folder, 'x', 'y', 'z'))).toHaveLength(4);
  });
});
