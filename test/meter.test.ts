import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { recoverOrphans } from '../src/store/index.ts';
import { answer, completion, serve, type Handler } from '../src/transport/testing/server.ts';
import { openWorkshop, packageFile, REGISTER, REGISTER_URL } from './support/metered-program.ts';

const hi: Handler = answer(200, completion('hi'));
const never: Handler = () => undefined;
const ask = (url: string, more = ''): string => `fetch(${JSON.stringify(`${url}/v1/chat/completions`)}, { method: 'POST', body: JSON.stringify({ model: 'any-model', messages: [{ role: 'user', content: 'hello' }] })${more} })`;

for (const [way, program, node] of [
  ['node --import', (call: string) => `const r = await ${call}; console.log((await r.json()).usage.total_tokens);`, ['--import', REGISTER_URL]],
  ['node --require', (call: string) => `${call}.then((r) => r.json()).then((b) => console.log(b.usage.total_tokens));`, ['--require', REGISTER]],
  ['require in a program', (call: string) => `const before = fetch;\nrequire(${JSON.stringify(REGISTER)});\n${call.replace('fetch', 'before')}.then((r) => r.json()).then((b) => console.log(b.usage.total_tokens));`, []],
  ['import in a program, last', (call: string) => `await import(${JSON.stringify(REGISTER_URL)});\nconst r = await ${call}; console.log((await r.json()).usage.total_tokens);`, []],
] as const) {
  it(`counts the calls of a program, in a run of its own (${way})`, async () => {
    await using server = await serve(hi);
    await using shop = await openWorkshop();
    const name = way.includes('equire') ? 'program.cjs' : 'program.mjs';
    const ended = await shop.run(name, program(ask(server.url)), { node });
    expect(ended).toMatchObject({ code: 0, stdout: '16\n', stderr: '' });
    const { calls, runs } = await shop.books();
    expect(runs).toMatchObject([{ status: 'completed', reason: null, name, suites: ['experiments'], planned: 0 }]);
    expect(calls).toMatchObject([{ intent: { via: 'undici', scope: { runId: runs[0]!.id } }, settlement: { status: 'ok', usage: { inputFresh: 11, outputText: 5 } } }]);
    expect(server.received).toHaveLength(1);
  });
}

it('opens nothing for a program that calls no model', async () => {
  await using server = await serve(answer(200, {}));
  await using shop = await openWorkshop();
  const ended = await shop.run('quiet.mjs', `await (await fetch(${JSON.stringify(server.url)})).text(); console.log('done');`, { node: ['--import', REGISTER_URL] });
  expect(ended).toMatchObject({ code: 0, stdout: 'done\n', stderr: '' });
  expect(existsSync(join(shop.folder, '.assay'))).toBe(false);
});

it('charges calls to trials, branches and roles, and those outside any to the run alone', async () => {
  await using server = await serve(hi);
  await using shop = await openWorkshop();
  const call = `(await (await ${ask(server.url)}).text())`;
  await shop.run(
    'trials.mjs',
    `import { trial, branch, role, currentUsage } from ${JSON.stringify(REGISTER_URL)};
     await Promise.all(['a', 'b'].map((name) => trial(name, async () => { ${call}; await branch('left', () => role('judge', async () => { ${call}; })); })));
     ${call};
     console.log(currentUsage().total_calls);`,
  );
  const { calls } = await shop.books();
  const told = calls.map(({ intent: { scope } }) => `${scope.trial ?? '-'} ${scope.branch ?? '-'} ${scope.role ?? '-'}`).toSorted();
  expect(told).toEqual(['- - -', 'a - -', 'a left judge', 'b - -', 'b left judge']);
});

it('enters calls into the run that the environment names, and makes none of its own', async () => {
  await using server = await serve(hi);
  await using shop = await openWorkshop();
  const scope = { runId: '20260101-000000-abcd', goalIndex: 3, trial: 'trial-7' };
  const db = `sqlite:${join(shop.folder, 'other.db')}`;
  await shop.run('under.mjs', `await (await ${ask(server.url)}).text();`, { node: ['--import', REGISTER_URL], env: { ASSAY_SCOPE: JSON.stringify(scope), ASSAY_DB: db } });
  expect(existsSync(join(shop.folder, '.assay'))).toBe(false);
  const { openStore } = await import('../src/store/index.ts');
  const store = await openStore(db);
  expect(await store.listRuns()).toEqual([]);
  expect(await store.calls({})).toMatchObject([{ intent: { scope }, settlement: { status: 'ok' } }]);
  await store.close();
});

it('enters calls under way when the program exits as aborted, and keeps its exit code', async () => {
  await using server = await serve(hi, never);
  await using shop = await openWorkshop();
  const ended = await shop.run('exits.mjs', `await (await ${ask(server.url)}).text(); ${ask(server.url)}.catch(() => {}); setTimeout(() => process.exit(3), 100);`, { node: ['--import', REGISTER_URL] });
  expect(ended).toMatchObject({ code: 3, stderr: '' });
  const { calls, runs } = await shop.books();
  expect(calls.map(({ settlement }) => settlement?.status)).toEqual(['ok', 'aborted']);
  expect(runs).toMatchObject([{ status: 'failed', reason: 'the program ended with exit code 3' }]);
});

it('leaves a run that is found as an orphan where the program is killed', async () => {
  await using server = await serve(hi, never);
  await using shop = await openWorkshop();
  const program = await shop.start('killed.mjs', `await (await ${ask(server.url)}).text(); setTimeout(() => console.log('sent'), 100); await ${ask(server.url)};`, { node: ['--import', REGISTER_URL] });
  await program.said('sent');
  program.process.kill('SIGKILL');
  expect(await program.ended).toMatchObject({ signal: 'SIGKILL' });
  const store = await shop.open();
  expect(await store.listRuns()).toMatchObject([{ status: 'running' }]);
  await recoverOrphans(store, Date.now());
  expect(await store.listRuns()).toMatchObject([{ status: 'interrupted' }]);
  expect((await store.calls({})).map(({ settlement }) => settlement?.status)).toEqual(['ok', 'lost']);
  await store.close();
});

it('does not break a program whose calls cannot be recorded, and says so once', async () => {
  await using server = await serve(hi);
  await using shop = await openWorkshop();
  const program = `for (let i = 0; i < 3; i++) console.log((await (await ${ask(server.url)}).json()).model);`;
  const env = { ASSAY_DB: 'sqlite:/proc/nowhere/assay.db' };
  const ended = await shop.run('broken.mjs', program, { node: ['--import', REGISTER_URL], env });
  expect(ended).toMatchObject({ code: 0, stdout: 'any-model-2026\n'.repeat(3) });
  expect(ended.stderr.split('\n').filter((line) => line.startsWith('assay: calls of this program are not counted'))).toHaveLength(1);
  const strict = await shop.run('strict.mjs', program, { node: ['--import', REGISTER_URL], env: { ...env, ASSAY_STRICT: '1' } });
  expect(strict.code).toBe(1);
  expect(strict.stderr).toContain('fetch failed');
  // Not even the first, by which Node loads its undici.
  expect(server.received).toHaveLength(3);
});

it('can be taken off where its store never opened', async () => {
  await using server = await serve(hi);
  await using shop = await openWorkshop();
  const program = `import { installMeter } from ${JSON.stringify(REGISTER_URL)};
    await (await ${ask(server.url)}).text();
    await installMeter().close();
    await installMeter({ db: 'sqlite:other.db' }).runId;
    console.log('went on');`;
  const ended = await shop.run('taken-off.mjs', program, { env: { ASSAY_DB: 'sqlite:/proc/nowhere/assay.db' } });
  expect(ended).toMatchObject({ code: 0, stdout: 'went on\n' });
  expect(existsSync(join(shop.folder, 'other.db'))).toBe(true);
});

it('keeps the limits, budgets and prices of the configuration in the working folder', async () => {
  await using server = await serve(hi);
  await using shop = await openWorkshop();
  await shop.write('assay.yaml', 'budgets: { calls: 2 }\nprices: { any-model: { input: 1, output: 2 } }\n');
  const ended = await shop.run('capped.mjs', `process.chdir('/');\nfor (let i = 0; i < 3; i++) await ${ask(server.url)}.then((r) => r.text(), (e) => console.log(e.cause.code));`, { node: ['--import', REGISTER_URL] });
  expect(ended.stdout).toBe('budget_exhausted\n');
  const { calls } = await shop.books();
  expect(calls.map(({ settlement }) => settlement?.costUsd)).toEqual([21e-6, 21e-6]);
});

it('is one meter however often it is installed, and can be asked, waited for and taken off', async () => {
  await using server = await serve(hi);
  await using shop = await openWorkshop();
  const ended = await shop.run(
    'by-hand.mjs',
    `import { installMeter } from ${JSON.stringify(join(packageFile('..'), 'src', 'assembly', 'index.ts'))};
     const meter = installMeter({ name: 'by hand', db: ${JSON.stringify(shop.db)} });
     console.log(installMeter() === meter);
     await (await ${ask(server.url)}).text();
     await meter.settled();
     console.log(meter.usage().total_tokens, (await meter.runId).length);
     await meter.close();
     await (await ${ask(server.url)}).text();
     console.log(installMeter() === meter);`,
  );
  expect(ended).toMatchObject({ code: 0, stdout: 'true\n16 20\nfalse\n', stderr: '' });
  const { calls, runs } = await shop.books();
  expect(calls).toHaveLength(1);
  expect(runs).toMatchObject([{ name: 'by hand', status: 'completed' }]);
});

it('leaves global dispatchers as the program set them, before or after', async () => {
  await using server = await serve(hi);
  await using shop = await openWorkshop();
  const undici = JSON.stringify(packageFile('undici/index.js'));
  const older = JSON.stringify(packageFile('@ai-sdk/azure/node_modules/undici/index.js'));
  const ended = await shop.run(
    'dispatchers.mjs',
    `import { Agent, getGlobalDispatcher, request, setGlobalDispatcher } from ${older};
     const own = new Agent();
     setGlobalDispatcher(own);
     await import(${JSON.stringify(REGISTER_URL)});
     await (await ${ask(server.url)}).text();
     console.log(getGlobalDispatcher() === own);
     const newer = await import(${undici});
     const next = new newer.Agent();
     newer.setGlobalDispatcher(next);
     await (await newer.request(${JSON.stringify(`${server.url}/v1/chat/completions`)}, { method: 'POST', body: '{"model":"any-model","messages":[]}' })).body.text();
     await (await ${ask(server.url)}).text();
     console.log(newer.getGlobalDispatcher() === next);`,
  );
  expect(ended).toMatchObject({ code: 0, stdout: 'true\ntrue\n', stderr: '' });
  expect((await shop.books()).calls.map(({ settlement }) => settlement?.status)).toEqual(['ok', 'ok', 'ok']);
});

it('lets a program use the same copy of undici that the meter uses itself', async () => {
  await using server = await serve(hi);
  await using shop = await openWorkshop();
  const program = `const { request } = require(${JSON.stringify(packageFile('undici'))});
    request(${JSON.stringify(`${server.url}/v1/chat/completions`)}, { method: 'POST', body: '{"model":"any-model","messages":[]}' }).then(async (r) => console.log((await r.body.json()).model));`;
  expect(await shop.run('same.cjs', program, { node: ['--require', REGISTER] })).toMatchObject({ code: 0, stdout: 'any-model-2026\n', stderr: '' });
  expect((await shop.books()).calls).toHaveLength(1);
});

it('counts the calls of worker threads, charged to the scope they were made in', async () => {
  await using server = await serve(hi);
  await using shop = await openWorkshop();
  const ended = await shop.run(
    'threads.mjs',
    `import { Worker } from 'node:worker_threads';
     import { trial, currentUsage } from ${JSON.stringify(REGISTER_URL)};
     const code = ${JSON.stringify(`${ask(server.url)}.then((r) => r.text())`)};
     await trial('threaded', () => new Promise((resolve) => new Worker(code, { eval: true }).on('exit', resolve)));
     console.log(currentUsage().total_calls);`,
  );
  expect(ended).toMatchObject({ code: 0, stdout: '1\n', stderr: '' });
  const { calls, runs } = await shop.books();
  expect(runs).toMatchObject([{ status: 'completed' }]);
  expect(calls).toMatchObject([{ intent: { scope: { runId: runs[0]!.id, trial: 'threaded' } }, settlement: { status: 'ok' } }]);
});

it('names once what it cannot count', async () => {
  await using server = await serve(answer(200, {}));
  await using shop = await openWorkshop();
  const program = `import { Agent, request } from ${JSON.stringify(packageFile('undici/index.js'))};
    const dispatcher = new Agent({ connect: { lookup: (host, options, found) => found(null, [{ address: '127.0.0.1', family: 4 }]) } });
    for (let i = 0; i < 2; i++) await (await request('http://api.cohere.com:${server.port}/v1/rerank', { method: 'POST', body: '{}', dispatcher })).body.text();
    await dispatcher.close();`;
  const { code, stderr } = await shop.run('uncounted.mjs', program, { node: ['--import', REGISTER_URL] });
  expect(code).toBe(0);
  expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/^assay: .*uncounted\.mjs calls api\.cohere\.com:\d+\/v1\/rerank, which is not counted: /)]);
});
