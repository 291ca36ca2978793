import { beforeAll, describe, expect, it } from 'vitest';
import { completionTokens, promptTokens, type CallRecord } from '../src/core/index.ts';
import { Queue, runProgram, WAYS, type MeteredWay, type ProgramRun, type Way } from './support/clients/meter-run.ts';
import { TABLE } from './support/clients/table.ts';

const METERED = (Object.keys(WAYS) as Way[]).filter((way): way is MeteredWay => 'sees' in WAYS[way]);

/** Programs are processes of their own, with pauses in them. */
const queue = new Queue(3);
const runs = new Map<string, Promise<ProgramRun>>();
const runOf = (library: string, way: Way): Promise<ProgramRun> => runs.get(`${library} ${way}`)!;

function start(library: string): void {
  for (const way of Object.keys(WAYS) as Way[]) {
    const key = `${library} ${way}`;
    if (runs.has(key)) continue;
    const run = queue.run(() => runProgram(library, way));
    run.catch(() => {});
    runs.set(key, run);
  }
}

describe.for(Object.entries(TABLE))('%s', ([library, cases]) => {
  beforeAll(() => {
    // The next ones are under way while these are looked at.
    const libraries = Object.keys(TABLE);
    for (const next of libraries.slice(libraries.indexOf(library)).slice(0, 3)) start(next);
  });

  describe.for(METERED)('with the meter by %s', (way) => {
    let plain: ProgramRun;
    let metered: ProgramRun;
    beforeAll(async () => {
      [plain, metered] = await Promise.all([runOf(library, WAYS[way].sees), runOf(library, way)]);
    }, 300_000);

    it('ends as it does without, and has no more to say', () => {
      expect({ code: metered.code, stderr: metered.stderr }).toEqual({ code: plain.code, stderr: plain.stderr });
      expect(plain.code, plain.stderr).toBe(0);
      expect([...metered.seen.keys()]).toEqual([...plain.seen.keys()]);
    });

    it('is one run, which has all of its calls and no others', () => {
      expect(metered.runs).toHaveLength(1);
      expect(metered.runs[0]).toMatchObject({ status: 'completed', suites: ['experiments'] });
      const named = Object.entries(cases).filter(([, { calls }]) => calls.length > 0);
      expect([...metered.rows.keys()].toSorted()).toEqual(named.map(([name]) => name).toSorted());
      expect([...metered.served.keys()].toSorted()).toEqual(named.filter(([, { neverArrived }]) => neverArrived !== true).map(([name]) => name).toSorted());
      expect([...metered.rows.values()].flat().every(({ intent }) => intent.scope.runId === metered.runs[0]!.id)).toBe(true);
    });

    it.for(Object.entries(cases))('%s', ([name, expected]) => {
      const { via = 'undici', protocol = 'openai-chat', neverArrived = false, estimated = false } = expected;
      const rows = metered.rows.get(name) ?? [];
      const served = metered.served.get(name) ?? { answers: [], promptTokens: 0, completionTokens: 0 };
      const calls = expected.repeated === true ? served.answers.flatMap(() => expected.calls) : expected.calls;

      expect(metered.seen.get(name)).toEqual(plain.seen.get(name));
      expect(rows.map(fateOf)).toEqual(calls);
      expect(rows.every(({ intent }) => intent.via === via && intent.protocol === protocol)).toBe(true);
      expect(new Set(rows.map(({ intent }) => intent.logicalId)).size).toBe(rows.filter(({ intent }) => intent.retry === 0).length);

      const arrived = neverArrived ? [] : rows;
      expect(sorted(arrived.map(({ settlement }) => settlement?.httpStatus))).toEqual(sorted(served.answers.map((answer) => (typeof answer === 'number' ? answer : BROKEN[answer]))));

      const whole = rows.filter(({ settlement }) => settlement?.status === 'ok');
      expect(whole.map(({ settlement }) => settlement?.usage.source)).toEqual(whole.map(() => (estimated ? 'estimated' : 'reported')));
      const told = { prompt: served.promptTokens + (expected.prompt ?? 0), completion: served.completionTokens + (expected.completion ?? 0) };
      const entered = { prompt: sum(rows, promptTokens), completion: sum(rows, completionTokens) };
      expect(estimated && entered.prompt > 0 ? told : entered).toEqual(told);
    });
  });
});

function fateOf({ intent, settlement }: CallRecord): string {
  const fate = settlement?.status ?? 'in flight';
  return intent.retry === 0 ? fate : `${fate} ${intent.retry}`;
}

/** What a client has for a status of an answer that was spoiled. */
const BROKEN = { cut: 200, rubbish: 200, 'hung up': null } as const;

function sorted(statuses: readonly (number | null | undefined)[]): string[] {
  return statuses.map(String).toSorted((a, b) => (a < b ? -1 : 1));
}

function sum(rows: readonly CallRecord[], tokens: typeof promptTokens): number {
  return rows.reduce((all, { settlement }) => all + (tokens(settlement!.usage) ?? 0), 0);
}
