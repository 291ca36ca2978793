import { describe, expect, it } from 'vitest';
import type { RunListItem } from '../src/report/index.ts';
import { Folder, type RunDocument } from './support/folder.ts';

/** An address that is reserved for documentation: nobody is there, and a call to it would hang until it times out. */
const BEYOND = 'compat:http://192.0.2.1/v1#m';
const SHORT = ['--tries', '1', '--timeout', '0.3', '--prompts-per-probe', '1'];

interface ErrorDocument {
  readonly error: { readonly code: string; readonly message: string; readonly hint: string };
}

describe('probing beyond this machine', () => {
  it.each([[[]], [['--dry-run']]])('is refused without an engagement, before anything is recorded or sent: %j', async (flags) => {
    await using folder = await Folder.make();
    const { error } = await folder.json<ErrorDocument>(2, 'run', 'probes.encoding', '--target', BEYOND, ...flags);
    expect(error).toMatchObject({ code: 'engagement_required', message: expect.stringContaining('192.0.2.1') as unknown, hint: expect.stringContaining('--engagement') as unknown });
    await using store = await folder.store();
    expect(await store.listRuns()).toEqual([]);
    expect(await store.calls({ runId: null })).toEqual([]);
  });

  it('is refused where one of several targets is beyond', async () => {
    await using folder = await Folder.make();
    const { error } = await folder.json<ErrorDocument>(2, 'run', 'probes.encoding', '--target', 'sim:weak', '--target', BEYOND);
    expect(error.code).toBe('engagement_required');
  });

  it('is refused once the engagement has ended', async () => {
    await using folder = await Folder.make();
    await folder.write('assay.yaml', 'engagement: { by: Jo Doe, scope: probing of our own endpoint, until: "2020-01-31" }\n');
    const { error } = await folder.json<ErrorDocument>(2, 'run', 'probes.encoding', '--target', BEYOND);
    expect(error).toMatchObject({ code: 'engagement_required', message: 'the engagement ended on 2020-01-31' });
  });

  it('is allowed with one, which is stored with the run and shown wherever the run is', { timeout: 30_000 }, async () => {
    await using folder = await Folder.make();
    const words = 'Jo Doe allows probing of 192.0.2.1 until 2099-01-31';
    const { run } = await folder.json<RunDocument>(3, 'run', 'probes.encoding.base64', '--target', BEYOND, ...SHORT, '--engagement', words);
    expect(await folder.json<RunListItem[]>(0, 'runs')).toMatchObject([{ run, engagement: words }]);
    expect((await folder.cli('show', run)).stdout).toContain(`engagement: ${words}`);
    const [first] = (await folder.cli('report', run)).stdout.split('\n');
    expect(JSON.parse(first!)).toMatchObject({ type: 'run', engagement: words });
  });
});

describe('a file of prompts', () => {
  it('that changed is refused on resume, which names it; put back, the run goes on', { timeout: 30_000 }, async () => {
    await using folder = await Folder.make();
    const file = await folder.prompts(8);
    await folder.json<RunDocument>(3, 'run', 'probes.custom', '--prompts', 'prompts.txt', '--target', 'sim:echo', '--max-calls', '3');
    await folder.prompts(9);
    const { error } = await folder.json<ErrorDocument>(2, 'resume', 'last', '--max-calls', '100');
    expect(error).toMatchObject({ code: 'input', message: `${file} has changed since the run was planned` });
    await folder.prompts(8);
    expect(await folder.json<RunDocument>(0, 'resume', 'last', '--max-calls', '100')).toMatchObject({ status: 'completed', goals: { planned: 8, verdicts: 8 } });
  });

  it('with a bad row is refused, naming file and line, and nothing is sent', async () => {
    await using folder = await Folder.make();
    const file = await folder.write('rows.jsonl', '{"prompt": "one"}\n{"prompt": "two"}\n{"promt": "three"}\n');
    const { error } = await folder.json<ErrorDocument>(2, 'run', 'probes.custom', '--prompts', 'rows.jsonl', '--target', 'sim:echo');
    expect(error).toMatchObject({ code: 'input', message: expect.stringContaining(`${file}:3: prompt`) as unknown });
    await using store = await folder.store();
    expect(await store.listRuns()).toEqual([]);
  });
});
