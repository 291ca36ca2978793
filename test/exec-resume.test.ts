import { readFile, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExecRig, providerCount, tokensOf } from './support/exec-rig.ts';
import { eventually } from './support/folder.ts';

let rig: ExecRig;
beforeEach(async () => void (rig = await ExecRig.open()));
afterEach(() => rig[Symbol.asyncDispose]());

/** Asks ten questions, every third streamed, and stops short where a file says so. */
const TEN = `const { existsSync, appendFileSync } = await import('node:fs');
for (let i = 0; i < 10; i++) {
  const answer = i % 3 === 0 ? await askStreamed('question ' + i) : await ask('question ' + i);
  appendFileSync('answers.txt', answer + '\\n');
  if (i === 5 && existsSync('fall')) process.exit(4);
  if (i === 5 && existsSync('hang')) { console.log('half'); await new Promise(() => setInterval(() => {}, 1000)); }
}
console.log('all');`;

describe('a run that is gone on with', () => {
  it('after the command failed asks only what was not answered, streamed answers given as streams', async () => {
    const command = await rig.program('ten.mjs', TEN);
    await rig.folder.write('fall', '');
    expect((await rig.exec(['--name', 'ten'], command)).code).toBe(4);
    const before = await providerCount(rig.provider);
    expect(before.requests.ok).toBe(6);
    await rig.folder.write('answers.txt', '');
    await rm(rig.folder.file('fall'));
    // Without the command: it is known.
    const { code, stdout, stderr } = await rig.resume('--log', 'out.json');
    expect(stdout, stderr).toBe('all\n');
    expect(code).toBe(0);
    const after = await providerCount(rig.provider);
    expect(after.requests.ok).toBe(10);
    expect(await readFile(rig.folder.file('answers.txt'), 'utf8')).toBe(Array.from({ length: 10 }, (_, i) => `question ${i}\n`).join(''));
    const { run, calls } = await rig.books();
    expect(run).toMatchObject({ status: 'completed', resumes: 1 });
    expect(calls.filter(({ settlement }) => settlement?.status === 'replayed')).toHaveLength(6);
    expect(tokensOf(calls)).toBe(after.tokens.total_tokens);
    expect(stderr).toContain('10 calls (6 more replayed)');
    expect(JSON.parse(await readFile(rig.folder.file('out.json'), 'utf8'))).toMatchObject({ exit_code: 0, llm_usage: { total_calls: 10, total_tokens: after.tokens.total_tokens, replayed_calls: 6 } });
  });

  it('after `kill -9` leaves no command behind, and pays nothing twice', async () => {
    const command = await rig.program('ten.mjs', TEN);
    await rig.folder.write('hang', '');
    const running = rig.start(['--name', 'ten'], command);
    let printed = '';
    running.child.stdout!.on('data', (text: string) => (printed += text));
    await eventually(() => printed.includes('half'));
    running.child.kill('SIGKILL');
    // Its output ends only when the command, which holds it too, is gone.
    await running.result;
    await rm(rig.folder.file('hang'));
    const { code, stdout, stderr } = await rig.resume();
    expect(stdout, stderr).toBe('all\n');
    expect(code).toBe(0);
    expect((await providerCount(rig.provider)).requests.ok).toBe(10);
    const { run, calls } = await rig.books();
    expect(run).toMatchObject({ status: 'completed', resumes: 1 });
    expect(Map.groupBy(calls, ({ settlement }) => settlement?.status).get('ok')).toHaveLength(10);
    expect(calls.filter(({ settlement }) => settlement?.status === 'replayed')).toHaveLength(6);
    expect(calls).toHaveLength(16);
  });

  it('asks again where replay is not wanted', async () => {
    const command = await rig.program('fail.mjs', `console.log(await ask('once')); process.exit(1);`);
    await rig.exec([], command);
    await rig.resume('--no-replay');
    expect((await providerCount(rig.provider)).requests.ok).toBe(2);
    expect((await rig.books()).calls.map(({ settlement }) => settlement?.status)).toEqual(['ok', 'ok']);
  });

  it('asks again for the one request that says so', async () => {
    const command = await rig.program(
      'optout.mjs',
      `await ask('kept');
await client.chat.completions.create({ model: 'echo', messages: [{ role: 'user', content: 'fresh' }] }, { headers: { 'x-assay-no-replay': '1' } });
process.exit(1);`,
    );
    await rig.exec([], command);
    await rig.resume();
    expect((await providerCount(rig.provider)).requests.ok).toBe(3);
  });

  it('goes on by `assay resume` too', async () => {
    const command = await rig.program('fail.mjs', `console.log(await ask('once')); process.exit(6);`);
    await rig.exec([], command);
    const { code, stdout } = await rig.folder.cli('resume', 'last');
    expect(stdout).toBe('once\n');
    expect(code).toBe(6);
    expect((await providerCount(rig.provider)).requests.ok).toBe(1);
  });

  it('is not gone on with when another command is given, unless that is meant', async () => {
    await rig.exec([], ['sh', '-c', 'exit 3']);
    const refused = await rig.resume('--', 'echo', 'other');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("is of another command: sh -c 'exit 3'");
    const forced = await rig.resume('--force', '--', 'echo', 'other');
    expect(forced.stdout, forced.stderr).toBe('other\n');
    expect(forced.code).toBe(0);
  });

  it('wants the command again where a secret was left out of the store', async () => {
    const command = ['sh', '-c', 'exit 3', '--token=sk-proj-abcdefghijklmnopqrstuvwxyz0123456789'];
    await rig.exec([], command);
    const without = await rig.resume();
    expect(without.code).toBe(2);
    expect(without.stderr).toContain('was stored without its secrets');
    expect((await rig.resume('--', ...command)).code).toBe(3);
  });

  it('with nothing left says so, writes its log again and ends with 0', async () => {
    const command = await rig.program('one.mjs', `await ask('once');`);
    await rig.exec([], command);
    const { code, stderr } = await rig.resume('--log', 'again.json');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^assay: nothing is left to do\nassay: 1 call, /);
    expect(JSON.parse(await readFile(rig.folder.file('again.json'), 'utf8'))).toMatchObject({ trial: 'node', exit_code: 0, llm_usage: { total_calls: 1 } });
    expect((await providerCount(rig.provider)).requests.ok).toBe(1);
  });

  it('is refused where the run is none of a command, and where options would change what it is', async () => {
    await rig.folder.write('prompts.txt', 'hello\n');
    await rig.folder.cli('run', 'probes.custom', '--prompts', 'prompts.txt', '--detector', 'contains:x', '--target', 'sim:echo');
    expect((await rig.resume()).stderr).toContain('is none of `assay exec`');
    await rig.exec([], ['false']);
    expect((await rig.resume('--name', 'other')).stderr).toContain("--name is the run's own");
  });
});

/** Asks until it is refused, and says what it was told. */
const GREEDY = `let asked = 0;
try {
  for (; asked < 20; asked++) await ask('question ' + asked, process.env.MODEL ?? 'echo');
} catch (error) {
  console.log(asked, error.status, error.code, error.headers?.get('x-should-retry'));
  if (process.env.FALL) process.exit(8);
}`;

describe('a budget', () => {
  it('ends the run at the cap: calls are refused with 429, and a command that ends with 0 ends with 3', async () => {
    const command = await rig.program('greedy.mjs', GREEDY);
    const { code, stdout, stderr } = await rig.exec(['--max-calls', '4'], command);
    expect(stdout).toBe('4 429 budget_exhausted false\n');
    expect(code).toBe(3);
    expect(stderr).toContain("stopped: the run's budget of 4 calls is spent");
    expect((await providerCount(rig.provider)).requests.received).toBe(4);
    const { run } = await rig.books();
    expect(run.status).toBe('stopped');
    await using store = await rig.folder.store();
    expect((await store.goal(run.id, 0))?.outcome?.kind).toBe('interrupted');
    // What was paid for is given again, and the larger budget goes on from there.
    const resumed = await rig.resume('--max-calls', '30');
    expect(resumed.code, resumed.stderr).toBe(0);
    expect((await providerCount(rig.provider)).requests.received).toBe(20);
  });

  it("keeps the command's own exit code where that is not 0", async () => {
    await using own = await ExecRig.open({ env: { FALL: '1' } });
    const { code } = await own.exec(['--max-tokens', '40'], await own.program('greedy.mjs', GREEDY));
    expect(code).toBe(8);
    expect((await own.books()).run.status).toBe('stopped');
  });

  it('in dollars stops before the money is spent, all reservations counted', async () => {
    await rig.folder.write('assay.yaml', 'prices: { echo: { input: 1000, output: 1000 } }\n');
    const { code, stdout } = await rig.exec(['--max-usd', '0.05'], await rig.program('greedy.mjs', GREEDY.replace("'question '", "'q '")));
    expect(code).toBe(3);
    expect(stdout).toContain('429 budget_exhausted');
    const { calls } = await rig.books();
    const spent = calls.reduce((sum, { settlement }) => sum + (settlement?.costUsd ?? 0), 0);
    expect(spent).toBeLessThanOrEqual(0.05);
  });

  it('in dollars refuses a model whose price nobody knows, and says what to do', async () => {
    const command = await rig.program('one.mjs', `await ask('priceless');`);
    const { code, stderr } = await rig.exec(['--max-usd', '1'], command);
    expect(code).toBe(9);
    expect(stderr).toContain('400');
    expect(stderr).toContain('no price is known for echo');
    expect((await providerCount(rig.provider)).requests.received).toBe(0);
  });
});
