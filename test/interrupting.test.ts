import { describe, expect, it } from 'vitest';
import { eventually, Folder, type RunDocument } from './support/folder.ts';
import { startOpenAiServer, type OpenAiServer } from './support/openai-server.ts';

const CUSTOM = ['probes.custom', '--prompts', 'prompts.txt', '--detector', 'contains:number'];

/** A server that answers one request in a hundred milliseconds, or holds all back until it is told to go on. */
interface Held extends AsyncDisposable {
  readonly server: OpenAiServer;
  hold: boolean;
  readonly waiting: number;
  release(): void;
}

async function startHeldServer(): Promise<Held> {
  let waiting: (() => void)[] = [];
  const held = {
    hold: true,
    get waiting() {
      return waiting.length;
    },
    release: (): void => {
      held.hold = false;
      for (const go of waiting) go();
      waiting = [];
    },
  };
  const server = await startOpenAiServer(async () => {
    if (held.hold) await new Promise<void>((resolve) => waiting.push(resolve));
    return { text: 'a number' };
  });
  return Object.assign(held, { server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() });
}

describe('Ctrl-C', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('once (%s) finishes what is in flight and leaves the rest for the resume', { timeout: 30_000 }, async (signal) => {
    await using held = await startHeldServer();
    await using folder = await Folder.make();
    await folder.prompts(20);
    const { child, result } = folder.start('run', ...CUSTOM, '--target', `compat:${held.server.url}#m`, '--parallel', '4', '--concurrency', '4', '--json');
    await eventually(() => held.waiting === 4);
    child.kill(signal);
    let stderr = '';
    child.stderr!.on('data', (text: string) => (stderr += text));
    await eventually(() => stderr.includes('stopping: 4 calls in flight will finish; Ctrl-C again aborts them'));
    held.release();
    const ended = await result;
    expect(ended.code).toBe(3);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'cancelled', goals: { planned: 20, verdicts: 4, errors: 0 }, attempts: { finished: 4, errors: 0 } });
    const done = await folder.json<RunDocument>(0, 'resume', 'last');
    expect(done).toMatchObject({ status: 'completed', goals: { planned: 20, verdicts: 20 }, attempts: { planned: 20, finished: 20 } });
    expect(held.server.requests).toBe(20);
  });

  it('turns away calls that wait for a place, and lets those that have left finish', { timeout: 30_000 }, async () => {
    await using held = await startHeldServer();
    await using folder = await Folder.make();
    await folder.prompts(20);
    const { child, result } = folder.start('run', ...CUSTOM, '--target', `compat:${held.server.url}#m`, '--parallel', '20', '--concurrency', '2', '--json');
    let stderr = '';
    child.stderr!.on('data', (text: string) => (stderr += text));
    await eventually(() => held.waiting === 2);
    child.kill('SIGINT');
    await eventually(() => stderr.includes('stopping: 2 calls in flight'));
    held.release();
    expect((await result).code).toBe(3);
    expect(held.server.requests).toBe(2);
    expect(await folder.json<RunDocument>(0, 'resume', 'last')).toMatchObject({ status: 'completed', goals: { verdicts: 20 } });
    expect(held.server.requests).toBe(20);
  });

  it('twice aborts what is in flight, which the resume asks again', { timeout: 30_000 }, async () => {
    await using held = await startHeldServer();
    await using folder = await Folder.make();
    await folder.prompts(10);
    const { child, result } = folder.start('run', ...CUSTOM, '--target', `compat:${held.server.url}#m`, '--parallel', '4', '--concurrency', '4', '--json');
    let stderr = '';
    child.stderr!.on('data', (text: string) => (stderr += text));
    await eventually(() => held.waiting === 4);
    child.kill('SIGINT');
    await eventually(() => stderr.includes('stopping: 4 calls in flight'));
    // One press may arrive twice, so the second counts only a while after the first.
    await eventually(() => {
      child.kill('SIGINT');
      return stderr.includes('aborting what is in flight');
    });
    const ended = await result;
    expect(ended.code).toBe(3);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'cancelled', goals: { planned: 10, verdicts: 0, errors: 0 }, attempts: { finished: 0, errors: 0 } });
    {
      await using store = await folder.store();
      const [run] = await store.listRuns();
      expect((await store.countGoals(run!.id)).byOutcome).toMatchObject({ cancelled: 4, open: 6 });
      expect((await store.sumCalls({ runId: run!.id }, 'all')).get('all')!.calls).toMatchObject({ total: 4, aborted: 4 });
    }
    held.release();
    expect(await folder.json<RunDocument>(0, 'resume', 'last')).toMatchObject({ status: 'completed', goals: { verdicts: 10 }, attempts: { planned: 10, finished: 10 } });
    expect(held.server.requests).toBe(14);
  });

  it('while goals are still being planned leaves a run that resumes to its whole', { timeout: 60_000 }, async () => {
    await using held = await startHeldServer();
    await using folder = await Folder.make();
    await folder.prompts(30_000);
    const { child, result } = folder.start('run', ...CUSTOM, '--target', `compat:${held.server.url}#m`, '--parallel', '2', '--json', '--max-calls', '2');
    await eventually(() => held.waiting === 2);
    child.kill('SIGINT');
    let stderr = '';
    child.stderr!.on('data', (text: string) => (stderr += text));
    await eventually(() => stderr.includes('stopping'));
    held.release();
    const ended = await result;
    expect(ended.code, ended.stderr).toBe(3);
    const document = JSON.parse(ended.stdout) as RunDocument;
    expect(document).toMatchObject({ status: 'cancelled', goals: { planned: null, verdicts: 2 } });
    // The budget still holds; by now planning has come to its end.
    const resumed = await folder.json<RunDocument>(3, 'resume', 'last');
    expect(resumed).toMatchObject({ status: 'stopped', goals: { verdicts: 2 } });
  });
});

describe('a run that another process has', () => {
  it('is not resumed beside it, which leaves it as it is', { timeout: 30_000 }, async () => {
    await using held = await startHeldServer();
    await using folder = await Folder.make();
    await folder.prompts(4);
    const { child, result } = folder.start('run', ...CUSTOM, '--target', `compat:${held.server.url}#m`, '--json');
    await eventually(() => held.waiting === 4);
    const refused = await folder.cli('resume', 'last');
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain(`is being executed by process ${child.pid}`);
    expect(refused.stderr).not.toContain('goes on from there');
    held.release();
    const ended = await result;
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout)).toMatchObject({ status: 'completed', goals: { verdicts: 4 } });
    expect(held.server.requests).toBe(4);
  });
});

describe('runs beside each other', () => {
  it('on one store both complete, each with just its own', { timeout: 30_000 }, async () => {
    await using folder = await Folder.make();
    await folder.prompts(60);
    const both = await Promise.all(['one', 'two'].map((name) => folder.json<RunDocument>(0, 'run', ...CUSTOM, '--target', 'sim:echo', '--name', name, '--parallel', '8')));
    expect(new Set(both.map(({ run }) => run)).size).toBe(2);
    await using store = await folder.store();
    for (const { run, status, goals } of both) {
      expect({ status, goals }).toMatchObject({ status: 'completed', goals: { planned: 60, verdicts: 60, errors: 0 } });
      expect((await store.sumCalls({ runId: run }, 'all')).get('all')!.calls).toMatchObject({ total: 60, ok: 60 });
    }
  });
});
