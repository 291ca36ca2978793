import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../../../test/support/processes.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'assay-run-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

interface Plan {
  readonly goals: number;
}

describe('assay run', () => {
  it('takes a suite out again that stands behind a minus sign', async () => {
    const whole = JSON.parse((await cli(['run', 'probes.encoding', '-t', 'sim:weak', '--dry-run', '--json'], { cwd })).stdout) as Plan;
    const less = JSON.parse((await cli(['run', 'probes.encoding', '-probes.encoding.braille', '-t', 'sim:weak', '--dry-run', '--json'], { cwd })).stdout) as Plan;
    expect(whole.goals - less.goals).toBe(10);
  });
});
