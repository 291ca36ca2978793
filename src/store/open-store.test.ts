import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore } from './open-store.ts';

it('says that Postgres is not there yet, without repeating the password', async () => {
  const error: unknown = await openStore('postgres://me:topsecret@db/assay').catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'config', message: expect.stringContaining('Postgres is not in this version yet') as unknown });
  expect(JSON.stringify(error) + String(error)).not.toContain('topsecret');
});

it.each(['assay.db', 'sqlite:', 'mysql://x', ''])('refuses the location %j with a hint', async (location) => {
  await expect(openStore(location)).rejects.toMatchObject({ code: 'config', hint: expect.stringContaining('sqlite:') as unknown });
});

it('refuses a folder as a database, and a file as a folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-store-'));
  await expect(openStore(`sqlite:${folder}`)).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('is a folder') as unknown });
  writeFileSync(join(folder, 'file'), '');
  await expect(openStore(`sqlite:${folder}/file/assay.db`)).rejects.toMatchObject({ code: 'config', message: expect.stringContaining('is a file') as unknown });
  rmSync(folder, { recursive: true });
});

it('keeps a store in memory for as long as it is open', async () => {
  const store = await openStore('sqlite::memory:');
  await store.updateValue('v', () => ({ a: 1 }));
  expect(await store.getValue('v')).toEqual({ a: 1 });
  await store.close();
  const other = await openStore('sqlite::memory:');
  expect(await other.getValue('v')).toBeUndefined();
  await other.close();
});
