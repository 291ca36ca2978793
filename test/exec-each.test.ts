import { readdir, readFile, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExecRig, providerCount, tokensOf } from './support/exec-rig.ts';
import { eventually } from './support/folder.ts';

let rig: ExecRig;
beforeEach(async () => void (rig = await ExecRig.open({ simulator: { profiles: { late: { behaviour: 'echo', latency: { minMs: 20, maxMs: 120 } } } } })));
afterEach(() => rig[Symbol.asyncDispose]());

const trialsFile = (count: number): Promise<string> =>
  rig.folder.write('trials.jsonl', Array.from({ length: count }, (_, i) => `${JSON.stringify({ name: `t${i}`, seed: i })}\n`).join(''));

/** Two questions a trial; trial t7 fails where a file says so. */
const TRIAL = `const [name, seed] = process.argv.slice(2);
const { existsSync } = await import('node:fs');
console.log(await ask(name + ' first', 'late'));
if (name === 't7' && existsSync('fall')) process.exit(2);
console.log(await askStreamed(name + ' second ' + seed, 'late'));
console.error('done', process.env.ASSAY_TRIAL_SEED);`;

describe('assay exec --each', () => {
  it('runs a trial for each line, side by side, with its own books, log and lines', async () => {
    await trialsFile(20);
    const command = await rig.program('trial.mjs', TRIAL);
    const { code, stdout, stderr } = await rig.exec(['--each', 'trials.jsonl', '--parallel', '4', '--log', 'logs/{name}.json', '--name', 'twenty'], [...command, '{name}', '{seed}']);
    expect(code, stderr).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.toSorted()).toEqual(Array.from({ length: 20 }, (_, i) => [`t${i} | t${i} first`, `t${i} | t${i} second ${i}`]).flat().toSorted());
    for (let i = 0; i < 20; i++) expect(stderr).toContain(`t${i} | done ${i}\n`);
    expect(stderr).toContain('assay: 20 trials: 20 undetermined\n');
    const { run, calls } = await rig.books();
    expect(run).toMatchObject({ status: 'completed', planned: 20, name: 'twenty' });
    const byTrial = Map.groupBy(calls, ({ intent }) => intent.scope.trial);
    expect(new Set(byTrial.keys())).toEqual(new Set(Array.from({ length: 20 }, (_, i) => `t${i}`)));
    for (const own of byTrial.values()) expect(own).toHaveLength(2);
    expect(tokensOf(calls)).toBe((await providerCount(rig.provider)).tokens.total_tokens);
    const logs = await readdir(rig.folder.file('logs'));
    expect(logs).toHaveLength(20);
    const sums = await Promise.all(logs.map(async (name) => JSON.parse(await readFile(rig.folder.file(`logs/${name}`), 'utf8')) as { llm_usage: { total_tokens: number }; command: string[] }));
    expect(sums.reduce((sum, { llm_usage: { total_tokens } }) => sum + total_tokens, 0)).toBe((await providerCount(rig.provider)).tokens.total_tokens);
    expect(sums.every(({ command: [program] }) => program === process.execPath)).toBe(true);
  }, 120_000);

  it('goes on after `kill -9` with the trials that were not done, and asks nothing twice that was answered', async () => {
    await trialsFile(20);
    await rig.folder.write('fall', '');
    const command = await rig.program('trial.mjs', TRIAL);
    const running = rig.start(['--each', 'trials.jsonl', '--parallel', '4'], [...command, '{name}', '{seed}']);
    let printed = '';
    running.child.stdout!.on('data', (text: string) => (printed += text));
    await eventually(() => (printed.match(/second/g) ?? []).length >= 8);
    running.child.kill('SIGKILL');
    await running.result;
    await rm(rig.folder.file('fall'));
    const before = await rig.books();
    const answered = before.calls.filter(({ settlement }) => settlement?.status === 'ok').length;
    const { code, stdout, stderr } = await rig.resume('--parallel', '4');
    expect(code, stderr).toBe(0);
    const served = await providerCount(rig.provider);
    const { run, calls } = await rig.books();
    expect(run.status).toBe('completed');
    const counts = new Map<string | undefined, number>();
    for (const { settlement } of calls) counts.set(settlement?.status, (counts.get(settlement?.status) ?? 0) + 1);
    // What was in flight at the kill is lost and asked again; every other answer was paid for once.
    expect(counts.get('ok')).toBe(40);
    // A lost call may have been killed between its entry and its leaving.
    expect(served.requests.received).toBeGreaterThanOrEqual(40);
    expect(served.requests.received).toBeLessThanOrEqual(40 + (counts.get('lost') ?? 0) + (counts.get('aborted') ?? 0));
    expect(answered).toBeGreaterThanOrEqual(16);
    await using store = await rig.folder.store();
    expect((await store.countGoals(run.id)).byOutcome).toEqual({ undetermined: 20 });
    // Trials that were done are not done again.
    const again = new Set(stdout.split('\n').map((line) => line.split(' | ')[0]));
    for (const line of printed.split('\n').filter((each) => each.includes('second'))) {
      const name = line.split(' | ')[0]!;
      if (!again.has(name)) continue;
      // It had printed its last word and was killed before it was recorded.
      expect(before.calls.filter(({ intent }) => intent.scope.trial === name)).toHaveLength(2);
    }
  }, 120_000);

  it('ends with 3 where a trial failed, and a resume tries that one alone again', async () => {
    await trialsFile(9);
    await rig.folder.write('fall', '');
    const command = await rig.program('trial.mjs', TRIAL);
    const { code, stderr } = await rig.exec(['--each', 'trials.jsonl', '--parallel', '3'], [...command, '{name}', '{seed}']);
    expect(code).toBe(3);
    expect(stderr).toContain('assay: 9 trials: 8 undetermined, 1 ended in error\n');
    expect(stderr.match(/assay: \w+ ended with exit code \d+\n/g)).toEqual([expect.stringMatching(/^assay: t7 ended/)]);
    await rm(rig.folder.file('fall'));
    const resumed = await rig.resume();
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toBe('t7 | t7 first\nt7 | t7 second 7\n');
    expect((await providerCount(rig.provider)).requests.received).toBe(18);
  }, 120_000);

  it('at the first Ctrl-C starts no more and lets those finish that run; resumed, it does the rest', async () => {
    await trialsFile(6);
    const script = ['sh', '-c', 'echo begun; sleep 1; echo ended {name}'];
    const running = rig.start(['--each', 'trials.jsonl', '--parallel', '2'], script);
    let printed = '';
    running.child.stdout!.on('data', (text: string) => (printed += text));
    await eventually(() => (printed.match(/begun/g) ?? []).length === 2);
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.result;
    expect(code).toBe(3);
    expect(stderr).toContain('stopping: 2 commands that run finish');
    expect(stdout.match(/ended/g)).toHaveLength(2);
    const resumed = await rig.resume('--parallel', '4');
    expect(resumed.code).toBe(0);
    expect(resumed.stdout.match(/ended/g)).toHaveLength(4);
  });

  it('at the second Ctrl-C ends the commands with all that they started', async () => {
    await trialsFile(4);
    const running = rig.start(['--each', 'trials.jsonl', '--parallel', '2'], ['sh', '-c', 'sleep 300 & echo $!; wait']);
    let printed = '';
    running.child.stdout!.on('data', (text: string) => (printed += text));
    await eventually(() => printed.split('\n').length > 2);
    const pids = [...printed.matchAll(/\| (\d+)/g)].map(([, pid]) => Number(pid));
    running.child.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 500));
    running.child.kill('SIGINT');
    const { code, stderr } = await running.result;
    expect(code).toBe(3);
    expect(stderr).toContain('4 trials: 2 cancelled, 2 not run');
    await eventually(() =>
      pids.every((pid) => {
        try {
          process.kill(pid, 0);
          return false;
        } catch {
          return true;
        }
      }),
    );
  });

  it('stops the run at its budget, trials in flight and to come interrupted', async () => {
    await trialsFile(6);
    const command = await rig.program('trial.mjs', TRIAL);
    const { code, stderr } = await rig.exec(['--each', 'trials.jsonl', '--max-calls', '5'], [...command, '{name}', '{seed}']);
    expect(code).toBe(3);
    expect(stderr).toContain("stopped: the run's budget of 5 calls is spent");
    const { run } = await rig.books();
    await using store = await rig.folder.store();
    expect((await store.countGoals(run.id)).byOutcome).toMatchObject({ undetermined: 2, interrupted: 1, open: 3 });
    const resumed = await rig.resume('--max-calls', '100');
    expect(resumed.code, resumed.stderr).toBe(0);
    expect((await providerCount(rig.provider)).requests.received).toBe(12);
  }, 120_000);

  it.each([
    [['--each', 'none.jsonl'], 'cannot read none.jsonl'],
    [['--each', 'trials.jsonl', '--log', 'one.json'], '--log names one file for all trials'],
  ])('records nothing for what cannot be used: %j', async (options, said) => {
    await trialsFile(2);
    const { code, stderr } = await rig.exec(options, ['echo', '{name}']);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
  });

  it('refuses to go on once the file of trials has changed', async () => {
    await trialsFile(2);
    await rig.exec(['--each', 'trials.jsonl'], ['false']);
    await trialsFile(3);
    const { code, stderr } = await rig.resume();
    expect(code).toBe(2);
    expect(stderr).toContain('has changed since the run was planned');
  });
});
