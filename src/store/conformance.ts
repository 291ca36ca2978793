import { describe } from 'vitest';
import { lawsConformance } from './conformance/laws.ts';
import { leasesConformance } from './conformance/leases.ts';
import { processesConformance } from './conformance/processes.ts';
import { rowsConformance } from './conformance/rows.ts';
import type { MakeStore } from './conformance/store-under-test.ts';
import { sumsConformance } from './conformance/sums.ts';

/** All that a backend must do to stand behind the Store contract. Each calls it from a test file of its own. */
export function storeConformance(name: string, make: MakeStore): void {
  describe(`${name} as a store`, () => {
    rowsConformance(make);
    sumsConformance(make);
    lawsConformance(make);
    leasesConformance(make);
    processesConformance(make);
  });
}
