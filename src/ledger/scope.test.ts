import { EventEmitter } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { newId, type Scope } from '../core/index.ts';
import type { CallCounter, Fork } from './call-counter.ts';
import { bind, carryScope, continueScope, countProcess, currentForks, currentScope, currentTallies, replaceScope, setProcessScope, withScope } from './scope.ts';
import { Tally } from './tally.ts';

const here = (): Scope => currentScope();
const forkIds = (): string[] => currentForks().map(({ id }) => id);

describe('withScope', () => {
  it('is empty outside any scope', () => {
    expect(currentScope()).toEqual({});
  });

  it('adds to what surrounds it and ends with its function', async () => {
    await withScope({ runId: 'r', role: 'target' }, async () => {
      await withScope({ goalIndex: 3, role: 'judge' }, async () => {
        await Promise.resolve();
        expect(currentScope()).toEqual({ runId: 'r', goalIndex: 3, role: 'judge' });
      });
      expect(currentScope()).toEqual({ runId: 'r', role: 'target' });
    });
    expect(currentScope()).toEqual({});
  });

  it('ends with a function that throws', () => {
    expect(() => withScope({ trial: 't' }, () => { throw new Error('no'); })).toThrow('no');
    expect(currentScope()).toEqual({});
  });

  it('joins nested branches into a path', () => {
    withScope({ branch: 'a' }, () => withScope({ branch: 'b' }, () => expect(currentScope().branch).toBe('a/b')));
  });

  it('keeps concurrent scopes apart', async () => {
    const seen = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        withScope({ goalIndex: i }, async () => {
          for (let turn = 0; turn < i % 7; turn++) await Promise.resolve();
          return currentScope().goalIndex;
        }),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it.each([{ trial: 'other' }, { goalIndex: 2 }, { runId: 'other' }])('starts %o on a trunk of its own', (part) => {
    withScope({ trial: 't', branch: 'a' }, () =>
      withScope(part, () => {
        expect(currentScope().branch).toBeUndefined();
        expect(currentForks()).toEqual([]);
        withScope({ branch: 'b' }, () => expect(currentForks().map(({ branch }) => branch)).toEqual(['b']));
      }),
    );
  });

  it('leaves what belongs to another run or goal behind', () => {
    const around: Scope = { runId: 'r', goalIndex: 1, attemptKey: 'k', trial: 't', branch: 'a', role: 'judge', phase: 'p' };
    withScope(around, () => {
      expect(withScope({ runId: 'other' }, here)).toEqual({ runId: 'other', role: 'judge', phase: 'p' });
      expect(withScope({ goalIndex: 2 }, here)).toEqual({ runId: 'r', goalIndex: 2, role: 'judge', phase: 'p' });
      expect(withScope({ runId: 'r', trial: 'u' }, here)).toEqual({ runId: 'r', goalIndex: 1, attemptKey: 'k', trial: 'u', role: 'judge', phase: 'p' });
    });
  });
});

describe('forks', () => {
  it('are drawn where the branch is opened: ids made before sort before, ids made after sort after', () => {
    withScope({ trial: 't' }, () => {
      const before = newId();
      const fork = withScope({ branch: 'a' }, () => currentForks()[0]!);
      expect(before < fork.id).toBe(true);
      expect(fork.id < newId()).toBe(true);
    });
  });

  it('are one for each level, outermost first, and a path stands for all its levels', () => {
    const [nested, path] = [withScope({ trial: 't' }, () => withScope({ branch: 'a' }, () => withScope({ branch: 'b' }, currentForks))), withScope({ trial: 't', branch: 'a/b' }, currentForks)];
    for (const forks of [nested, path]) {
      expect(forks.map(({ branch }) => branch)).toEqual(['a', 'a/b']);
      expect(forks[0]!.id < forks[1]!.id).toBe(true);
    }
  });

  it('stay those of the first opening when a branch is opened again in its trial, also side by side', async () => {
    await withScope({ trial: 't' }, async () => {
      const first = withScope({ branch: 'a' }, forkIds);
      const others = await Promise.all([1, 2].map((turn) => withScope({ branch: 'a' }, async () => (await Promise.resolve(turn), forkIds()))));
      expect(others).toEqual([first, first]);
      expect(withScope({ role: 'judge' }, () => withScope({ branch: 'a' }, forkIds))).toEqual(first);
      expect(withScope({ branch: 'a' }, () => withScope({ branch: 'b' }, forkIds))[0]).toBe(first[0]);
    });
  });

  it('are drawn anew for the same name elsewhere', () => {
    const once = (): string[] => withScope({ trial: 't' }, () => withScope({ branch: 'a' }, forkIds));
    expect(once()).not.toEqual(once());
    withScope({ trial: 't' }, () => {
      const [ofTrunk] = withScope({ branch: 'b' }, forkIds);
      const [, ofBranch] = withScope({ branch: 'a' }, () => withScope({ branch: 'b' }, forkIds));
      expect(ofTrunk).not.toBe(ofBranch);
    });
  });

  it('are told to what counts the surrounding scope, once each', () => {
    const told: [Scope, Fork][] = [];
    const counter: CallCounter = { add: () => {}, forked: (scope, fork) => void told.push([scope, fork]) };
    withScope({ trial: 't' }, () => {
      for (let turn = 0; turn < 2; turn++) withScope({ branch: 'a' }, () => withScope({ branch: 'b' }, () => undefined));
    }, counter);
    expect(told.map(([{ trial }, { branch }]) => [trial, branch])).toEqual([['t', 'a'], ['t', 'a/b']]);
  });
});

describe('continueScope', () => {
  it('keeps the forks that a branch was given elsewhere, and draws those that are missing', () => {
    const id = newId();
    const { scope, forks } = continueScope({ scope: { trial: 't', branch: 'a/b' }, forks: [{ branch: 'a', id }] }, carryScope);
    expect(scope).toEqual({ trial: 't', branch: 'a/b' });
    expect(forks[0]).toEqual({ branch: 'a', id });
    expect(forks[1]!.branch).toBe('a/b');
    expect(forks[1]!.id > id).toBe(true);
  });

  it('goes on from there: what was carried is the same scope again', () => {
    const carried = withScope({ runId: 'r', trial: 't' }, () => withScope({ branch: 'a', role: 'x' }, carryScope));
    expect(withScope({ runId: 'mine', branch: 'z' }, () => continueScope(carried, carryScope))).toEqual(carried);
  });

  it('nests under the surrounding branch where it brings no trial of its own', () => {
    withScope({ trial: 't' }, () =>
      withScope({ branch: 'outer' }, () => {
        const id = newId();
        const { scope, forks } = continueScope({ scope: { branch: 'a' }, forks: [{ branch: 'a', id }] }, carryScope);
        expect(scope.branch).toBe('outer/a');
        expect(forks[1]).toEqual({ branch: 'outer/a', id });
      }),
    );
  });
});

describe('replaceScope', () => {
  it('takes the place of the surrounding scope, whose tallies still count', () => {
    const tally = new Tally();
    withScope({ trial: 't', branch: 'a', role: 'r' }, () => {
      expect(replaceScope({ scope: { role: 'x' }, forks: [] }, () => [currentScope(), currentForks(), currentTallies()])).toEqual([{ role: 'x' }, [], [tally]]);
    }, tally);
  });

  it('stands on the scope of the process, without its branch', () => {
    onTestFinished(setProcessScope({ runId: 'r', trial: 'exec', branch: 'b' }));
    expect(replaceScope({ scope: { branch: 'c' }, forks: [] }, here)).toEqual({ runId: 'r', trial: 'exec', branch: 'c' });
  });
});

describe('tallies', () => {
  it('are handed to a call by every surrounding scope, outermost first', () => {
    const outer = new Tally();
    const inner = new Tally();
    withScope({}, () => withScope({}, () => expect(currentTallies()).toEqual([outer, inner]), inner), outer);
  });

  it('count a call once, however often they surround it', () => {
    const tally = new Tally();
    onTestFinished(countProcess(tally));
    countProcess(tally);
    withScope({}, () => withScope({}, () => expect(currentTallies()).toEqual([tally]), tally), tally);
  });

  it('of the process count in scopes that were entered before, and until they are stopped', () => {
    const [own, whole] = [new Tally(), new Tally()];
    withScope({ trial: 't' }, () => {
      const stop = countProcess(whole);
      expect(currentTallies()).toEqual([whole, own]);
      stop();
      expect(currentTallies()).toEqual([own]);
    }, own);
  });
});

describe('setProcessScope', () => {
  it('charges what is outside any scope, is built upon inside, and puts back what was there', () => {
    const tally = new Tally();
    const undo = setProcessScope({ runId: 'r' }, tally);
    expect([currentScope(), currentTallies()]).toEqual([{ runId: 'r' }, [tally]]);
    expect(withScope({ trial: 't' }, here)).toEqual({ runId: 'r', trial: 't' });
    undo();
    expect([currentScope(), currentTallies()]).toEqual([{}, []]);
  });

  it('gives its run to scopes that were entered before it was set', () => {
    withScope({ trial: 't', role: 'x' }, () => {
      onTestFinished(setProcessScope({ runId: 'late' }));
      expect(currentScope()).toEqual({ runId: 'late', trial: 't', role: 'x' });
      expect(withScope({ branch: 'b' }, here)).toEqual({ trial: 't', role: 'x', branch: 'b', runId: 'late' });
    });
    expect(withScope({ runId: 'own' }, here)).toEqual({ runId: 'own' });
  });

  it('keeps the forks of the branch that the process was started in', () => {
    const id = newId();
    onTestFinished(setProcessScope({ runId: 'r', branch: 'a' }, undefined, [{ branch: 'a', id }]));
    expect(forkIds()).toEqual([id]);
    expect(withScope({ branch: 'b' }, currentForks).map(({ branch }) => branch)).toEqual(['a', 'a/b']);
    expect(withScope({ trial: 't' }, carryScope)).toEqual({ scope: { runId: 'r', trial: 't' }, forks: [] });
  });
});

describe('bind', () => {
  it('runs in the scope it was made in, with its own this and arguments', () => {
    const tally = new Tally();
    const bound = withScope({ trial: 't' }, () => bind(function (this: { readonly word: string }, ...rest: number[]) { return [this.word, rest, currentScope(), currentTallies()]; }), tally);
    expect(withScope({ trial: 'other' }, () => bound.call({ word: 'w' }, 1, 2))).toEqual(['w', [1, 2], { trial: 't' }, [tally]]);
  });

  it('outside any scope ties to none, though the process may get its run later', () => {
    const bound = bind(here);
    onTestFinished(setProcessScope({ runId: 'later' }));
    expect(withScope({ trial: 't' }, bound)).toEqual({ runId: 'later' });
  });

  it('holds for listeners that are called from elsewhere', () => {
    const emitter = new EventEmitter();
    const seen: Scope[] = [];
    withScope({ role: 'memory' }, () => emitter.on('turn', bind(() => void seen.push(currentScope()))));
    withScope({ role: 'target' }, () => emitter.emit('turn'));
    expect(seen).toEqual([{ role: 'memory' }]);
  });
});
