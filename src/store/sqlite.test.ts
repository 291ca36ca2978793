import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeConformance } from './conformance.ts';
import type { Store } from './contract.ts';
import { openStore } from './open-store.ts';

storeConformance('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'assay-store-'));
  const location = `sqlite:${join(folder, 'assay.db')}`;
  const opened: Store[] = [];
  return Promise.resolve({
    location,
    open: async (options) => {
      const store = await openStore(location, options);
      opened.push(store);
      return store;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map((store) => store.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  });
});
