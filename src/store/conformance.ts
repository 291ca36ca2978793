import { describe } from 'vitest';
import { branchesConformance } from './conformance/branches.ts';
import { lawsConformance } from './conformance/laws.ts';
import { leasesConformance } from './conformance/leases.ts';
import { processesConformance } from './conformance/processes.ts';
import { purgeConformance } from './conformance/purge.ts';
import { replayConformance } from './conformance/replay.ts';
import { rowsConformance } from './conformance/rows.ts';
import type { MakeStore } from './conformance/store-under-test.ts';
import { soonConformance } from './conformance/soon.ts';
import { sumsConformance } from './conformance/sums.ts';

/** All that a backend must do to stand behind the Store contract. Each calls it from a test file of its own. */
export function storeConformance(name: string, make: MakeStore): void {
  describe(`${name} as a store`, () => {
    rowsConformance(make);
    sumsConformance(make);
    branchesConformance(make);
    replayConformance(make);
    purgeConformance(make);
    lawsConformance(make);
    leasesConformance(make);
    processesConformance(make);
    soonConformance(make);
  });
}
