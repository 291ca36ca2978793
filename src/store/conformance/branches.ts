import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CallRecord } from '../../core/index.ts';
import type { ForkRecord, Store } from '../contract.ts';
import { sampleFork, sampleIntent, sampleSettlement } from './samples.ts';
import type { MakeStore } from './store-under-test.ts';
import { sumOf } from './sums.ts';

/** Ids in the order in which they are drawn. */
const idOf = (n: number): string => `id-${String(n).padStart(4, '0')}`;

/** What happens in a trial, in order: a call in a branch (`''` is the trunk), or a fork into one. */
type Happening = readonly ['call' | 'fork', branch: string];

async function play(store: Store, place: { readonly runId: string | null; readonly goalIndex?: number; readonly trial?: string }, happenings: readonly Happening[], prefix = ''): Promise<void> {
  const { runId, ...rest } = place;
  for (const [n, [what, branch]] of happenings.entries()) {
    const id = `${prefix}${idOf(n)}`;
    if (what === 'fork') await store.write({ op: 'fork.add', fork: sampleFork(runId, branch, id, rest) });
    else {
      const scope = { ...rest, ...(runId === null ? {} : { runId }), ...(branch === '' ? {} : { branch }) };
      await store.write({ op: 'call.open', intent: sampleIntent(id, { scope }) }, { op: 'call.settle', settlement: sampleSettlement(id) });
    }
  }
}

const totalsOf = async (store: Store, filter: Parameters<Store['sumBranches']>[0]): Promise<unknown[]> =>
  (await store.sumBranches(filter)).map(({ branch, own, inclusive, preFork }) => [branch, own.calls.total, inclusive.calls.total, preFork?.calls.total ?? null]);

const branchName = fc.constantFrom('', 'a', 'a/b', 'a/b/c', 'a/d', 'e', 'e/b');
const happening = fc.record({
  what: fc.constantFrom('call' as const, 'call' as const, 'fork' as const, 'replayed' as const, 'flight' as const),
  branch: branchName,
  goalIndex: fc.option(fc.nat(1), { nil: undefined }),
  trial: fc.option(fc.constantFrom('t', 'u'), { nil: undefined }),
});

/** Both ways of charging what came before a fork, exact for branches within branches. */
export function branchesConformance(make: MakeStore): void {
  describe('branches', () => {
    it('have what is their own, what is inside them, and what came before they forked', async () => {
      await using database = await make();
      const store = await database.open();
      await play(store, { runId: 'r1', goalIndex: 0, trial: 't' }, [
        ['call', ''],
        ['call', ''],
        ['fork', 'a'],
        ['call', 'a'],
        ['call', ''],
        ['fork', 'a/b'],
        ['call', 'a'],
        ['call', 'a/b'],
        ['fork', 'c'],
        ['call', 'c'],
        ['call', ''],
      ]);
      // branch, own, inclusive, pre-fork: a/b has the trunk's two from before `a` and the one of `a` from before `a/b`.
      expect(await totalsOf(store, { runId: 'r1' })).toEqual([
        [null, 4, 8, 0],
        ['a', 2, 3, 2],
        ['a/b', 1, 1, 3],
        ['c', 1, 1, 3],
      ]);
    });

    it('are told apart by goal and by trial, also where there is no run, no goal and no trial', async () => {
      await using database = await make();
      const store = await database.open();
      const happenings: readonly Happening[] = [['call', ''], ['fork', 'a'], ['call', 'a'], ['call', '']];
      const places = [{ runId: null }, { runId: null, trial: 't' }, { runId: 'r1' }, { runId: 'r1', trial: 't' }, { runId: 'r1', trial: 'u' }, { runId: 'r1', goalIndex: 0, trial: 't' }, { runId: 'r1', goalIndex: 1 }];
      for (const [n, place] of places.entries()) await play(store, place, happenings, String(n));
      const both = [[null, 2, 3, 0], ['a', 1, 1, 1]];
      expect(await totalsOf(store, {})).toEqual(places.flatMap(() => both));
      expect(await totalsOf(store, { runId: null })).toEqual([...both, ...both]);
      expect(await totalsOf(store, { runId: 'r1', goalIndex: 1 })).toEqual(both);
      expect((await store.sumBranches({ runId: 'r1', trial: 't' })).map(({ runId, goalIndex, trial, branch }) => [runId, goalIndex, trial, branch])).toEqual([
        ['r1', null, 't', null],
        ['r1', null, 't', 'a'],
        ['r1', 0, 't', null],
        ['r1', 0, 't', 'a'],
      ]);
    });

    it('keep the earliest fork whichever process tells first, where a part of its place is absent too', async () => {
      await using database = await make();
      const stores = [await database.open(), await database.open()];
      await play(stores[0]!, { runId: null }, [['call', ''], ['call', ''], ['call', ''], ['call', 'a']]);
      const add = (through: number, at: number): Promise<void> => stores[through]!.write({ op: 'fork.add', fork: sampleFork(null, 'a', `${idOf(at)}-fork`) });
      for (const [through, at, before] of [[0, 2, 3], [1, 0, 1], [0, 1, 1]] as const) {
        await add(through, at);
        expect(await totalsOf(stores[1 - through]!, { runId: null })).toEqual([[null, 3, 4, 0], ['a', 1, 1, before]]);
      }
    });

    it('that were entered at once with those around them have all that led to them', async () => {
      await using database = await make();
      const store = await database.open();
      await play(store, { runId: 'r1' }, [['call', ''], ['fork', 'a/b'], ['call', 'a/b'], ['call', '']]);
      expect(await totalsOf(store, { runId: 'r1' })).toEqual([[null, 2, 3, 0], ['a', 0, 1, 1], ['a/b', 1, 1, 1]]);
    });

    it('do not claim that nothing came before a fork that was never entered', async () => {
      await using database = await make();
      const store = await database.open();
      await play(store, { runId: 'r1' }, [['call', ''], ['call', 'a'], ['fork', 'c'], ['call', 'a/b'], ['call', 'c']]);
      expect(await totalsOf(store, { runId: 'r1' })).toEqual([[null, 1, 4, 0], ['a', 1, 2, null], ['a/b', 1, 1, null], ['c', 1, 1, 1]]);
    });

    it('equal what the rows say one by one, whatever happens in whatever order', async () => {
      await using database = await make();
      const store = await database.open();
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (happenings) => {
          const runId = `r${round++}`;
          const forks: ForkRecord[] = [];
          for (const [n, { what, branch, goalIndex, trial }] of happenings.entries()) {
            const id = `${runId}-${idOf(n)}`;
            const place = { ...(goalIndex === undefined ? {} : { goalIndex }), ...(trial === undefined ? {} : { trial }) };
            if (what === 'fork') {
              if (branch === '') continue;
              const fork = sampleFork(runId, branch, id, place);
              forks.push(fork);
              await store.write({ op: 'fork.add', fork });
            } else {
              await store.write({ op: 'call.open', intent: sampleIntent(id, { scope: { runId, ...place, ...(branch === '' ? {} : { branch }) } }) });
              if (what !== 'flight') await store.write({ op: 'call.settle', settlement: sampleSettlement(id, { status: what === 'call' ? 'ok' : 'replayed', costUsd: 0.25 }) });
            }
          }
          const rows = await store.calls({ runId });
          const sums = await store.sumBranches({ runId });
          expect(sums).toEqual(
            sums.map(({ goalIndex, trial, branch }) => {
              const here = rows.filter(({ intent: { scope } }) => (scope.goalIndex ?? null) === goalIndex && (scope.trial ?? null) === trial);
              const forksHere = forks.filter((fork) => fork.goalIndex === goalIndex && fork.trial === trial);
              return { runId, goalIndex, trial, branch, ...naive(here, forksHere, branch ?? '') };
            }),
          );
          const own = sums.reduce((sum, one) => sum + one.own.calls.total + one.own.calls.replayed, 0);
          expect(own).toBe(rows.length);
          expect(sums.filter((one) => one.branch === null).reduce((sum, one) => sum + one.inclusive.calls.total + one.inclusive.calls.replayed, 0)).toBe(rows.length);
        }),
        { numRuns: 80 },
      );
    });
  });
}

/** The definitions, word for word. */
function naive(rows: readonly CallRecord[], forks: readonly ForkRecord[], branch: string): Readonly<Record<'own' | 'inclusive' | 'preFork', unknown>> {
  const branchOf = (row: CallRecord): string => row.intent.scope.branch ?? '';
  const before: CallRecord[] = [];
  let known = true;
  const parts = branch === '' ? [] : branch.split('/');
  for (const [n] of parts.entries()) {
    const path = parts.slice(0, n + 1).join('/');
    const trunk = parts.slice(0, n).join('/');
    const fork = forks.filter((one) => one.branch === path || one.branch.startsWith(`${path}/`)).map((one) => one.id).toSorted()[0];
    known &&= fork !== undefined;
    if (fork !== undefined) before.push(...rows.filter((row) => branchOf(row) === trunk && row.intent.id < fork));
  }
  return {
    own: sumOf(rows.filter((row) => branchOf(row) === branch)),
    inclusive: sumOf(rows.filter((row) => branch === '' || branchOf(row) === branch || branchOf(row).startsWith(`${branch}/`))),
    preFork: known ? sumOf(before) : null,
  };
}
