import { describe, expect, it } from 'vitest';
import { UsageError } from '../core/index.ts';
import { currentForks, currentTallies } from '../ledger/index.ts';
import { bind, branch, currentScope, exportScope, phase, role, runInScope, trial } from './index.ts';

const names = { trial, branch, role, phase };

describe.each(Object.entries(names))('%s', (part, scoped) => {
  it('charges what runs inside, and returns what it returns', () => {
    expect(scoped('x', () => currentScope())).toEqual({ [part]: 'x' });
    expect(currentScope()).toEqual({});
  });

  it('holds across awaits, and ends with the promise', async () => {
    const seen = scoped('x', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return currentScope();
    });
    expect(currentScope()).toEqual({});
    expect(await seen).toEqual({ [part]: 'x' });
  });

  it('passes errors on as they are, thrown and rejected', async () => {
    const error = new Error('mine');
    expect(() => scoped('x', () => { throw error; })).toThrow(error);
    await expect(scoped('x', () => Promise.reject(error))).rejects.toBe(error);
  });

  it.each([
    ['nothing', undefined, 'must be text'],
    ['a number', 7, 'must be text'],
    ['an empty name', '', 'is empty'],
    ['blanks', '  ', 'is empty'],
    ['a line break', 'a\nb', 'cannot be shown'],
    ['half a character', 'a\uD800', 'cannot be shown'],
    ['a text', 'x'.repeat(201), 'has 201 characters'],
  ])('refuses %s for a name, and runs nothing', (_what, name, message) => {
    expect(() => scoped(name as string, () => expect.unreachable())).toThrow(expect.objectContaining({ code: 'usage', message: expect.stringContaining(message), hint: expect.any(String) }));
  });

  it('says so when there is nothing to run', () => {
    expect(() => scoped('x', undefined as unknown as () => void)).toThrow(UsageError);
    expect(() => scoped('x', Promise.resolve() as unknown as () => void)).toThrow('was given nothing to run');
  });
});

describe('nesting', () => {
  it('goes in any order and depth; the innermost name holds', () => {
    const scope = role('target', () => trial('t', () => phase('setup', () => branch('a', () => role('judge', () => branch('b', () => phase('turn', () => currentScope())))))));
    expect(scope).toEqual({ trial: 't', branch: 'a/b', role: 'judge', phase: 'turn' });
  });

  it('keeps parallel branches and trials apart', async () => {
    const seen = await Promise.all(
      Array.from({ length: 50 }, (_, t) =>
        trial(`t${t}`, () =>
          Promise.all(
            Array.from({ length: 4 }, (_unused, b) =>
              branch(`b${b}`, async () => {
                for (let turn = 0; turn < (t * 7 + b) % 5; turn++) await Promise.resolve();
                return `${currentScope().trial}:${currentScope().branch}`;
              }),
            ),
          ),
        ),
      ),
    );
    expect(seen).toEqual(Array.from({ length: 50 }, (_, t) => Array.from({ length: 4 }, (_unused, b) => `t${t}:b${b}`)));
  });

  it('starts a trial inside a branch on its own trunk', () => {
    trial('outer', () => branch('a', () => trial('inner', () => expect([currentScope(), currentForks()]).toEqual([{ trial: 'inner' }, []]))));
  });

  it.each([
    ['a "/" in a branch', () => branch('a/b', () => undefined), 'joins the names of nested branches'],
    ['the name of the trunk', () => branch('(trunk)', () => undefined), 'calls without a branch'],
    ['the name of what has no role', () => role('unattributed', () => undefined), 'calls without a role'],
  ])('refuses %s', (_what, run, message) => {
    expect(run).toThrow(message);
  });

  it('refuses branches that nest too deep, with the depth', () => {
    const nest = (level: number): number => branch(`level-${level}`, () => nest(level + 1));
    expect(() => nest(1)).toThrow('33 levels');
  });
});

describe('generators', () => {
  const turns = async function* (): AsyncGenerator<string> {
    for (let turn = 0; turn < 3; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      yield `${currentScope().trial}/${currentScope().role} ${turn}`;
    }
  };

  it('run in the trial whenever they are advanced, and leave the consumer in its own', async () => {
    const stream = trial('t', () => role('target', turns));
    const seen: unknown[] = [];
    await trial('consumer', async () => {
      for await (const value of stream) seen.push(value, currentScope());
    });
    expect(seen).toEqual([0, 1, 2].flatMap((turn) => [`t/target ${turn}`, { trial: 'consumer' }]));
  });

  it('run in the trial also where an async function hands them out', async () => {
    const stream = await trial('t', async () => {
      await Promise.resolve();
      return turns();
    });
    expect((await stream.next()).value).toBe('t/undefined 0');
  });

  it('finish in the trial when the consumer breaks off', async () => {
    let ended: unknown;
    const stream = trial('t', async function* () {
      try {
        yield 1;
        yield 2;
      } finally {
        await Promise.resolve();
        ended = currentScope();
      }
    });
    for await (const value of stream) if (value === 1) break;
    expect(ended).toEqual({ trial: 't' });
  });

  it('get what is thrown and returned into them in the trial', async () => {
    const stream = trial('t', async function* (): AsyncGenerator<unknown, unknown, string> {
      try {
        yield [yield currentScope(), currentScope()];
      } catch (error) {
        yield [error, currentScope()];
      }
      return currentScope();
    });
    await stream.next('');
    expect((await stream.next('sent')).value).toEqual(['sent', { trial: 't' }]);
    expect((await stream.throw('thrown')).value).toEqual(['thrown', { trial: 't' }]);
    expect(await stream.next('')).toEqual({ done: true, value: { trial: 't' } });
  });

  it('may be plain ones', () => {
    const values = branch('b', function* () {
      yield currentScope();
      yield* [1, 2];
    });
    expect([...values]).toEqual([{ branch: 'b' }, 1, 2]);
  });

  it('stay in the innermost scope that handed them out', async () => {
    const stream = trial('outer', () => trial('inner', turns));
    expect((await stream.next()).value).toBe('inner/undefined 0');
  });

  it('keep concurrent consumers of many trials apart', async () => {
    const streams = Array.from({ length: 100 }, (_, index) => trial(`t${index}`, turns));
    const seen = await Promise.all(streams.map((stream) => Array.fromAsync(stream)));
    expect(seen).toEqual(streams.map((_stream, index) => [0, 1, 2].map((turn) => `t${index}/undefined ${turn}`)));
  });
});

describe('streams that work as they are read', () => {
  const lazily = (seen: unknown[], chunks = 3): ReadableStream<number> =>
    new ReadableStream(
      {
        pull(controller) {
          seen.push(currentScope().trial);
          controller.enqueue(seen.length);
          if (seen.length === chunks) controller.close();
        },
      },
      { highWaterMark: 0 },
    );

  it('do so in the trial: iterated, read, piped', async () => {
    const seen: [unknown[], unknown[], unknown[]] = [[], [], []];
    const [iterated, read, piped] = trial('t', () => seen.map((list) => ({ stream: lazily(list) }))).map(({ stream }) => trial('t', () => stream)) as [ReadableStream<number>, ReadableStream<number>, ReadableStream<number>];
    for await (const _value of iterated);
    const reader = read.getReader();
    while (!(await reader.read()).done);
    await piped.pipeTo(new WritableStream());
    expect(seen).toEqual([0, 1, 2].map(() => ['t', 't', 't']));
  });

  it('do so in the trial where the iterator is one of the user', async () => {
    const asked: unknown[] = [];
    const stream = await trial('t', async () => ({
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          asked.push(currentScope().trial);
          return { done: asked.length === 2, value: 1 };
        },
      }),
    }));
    for await (const _value of stream);
    expect(asked).toEqual(['t', 't']);
  });

  it('are left alone where they cannot be changed, and so are arrays, maps and an SDK’s promises', async () => {
    class ApiPromise<T> extends Promise<T> {}
    const [frozen, list, map, promise] = [Object.freeze({ async *[Symbol.asyncIterator]() {} }), [1], new Map([[1, 2]]), ApiPromise.resolve(1)];
    for (const value of [frozen, list, map, promise]) {
      const keys = Reflect.ownKeys(value);
      expect(trial('t', () => value)).toBe(value);
      expect(Reflect.ownKeys(value)).toEqual(keys);
    }
    expect(await promise).toBe(1);
  });
});

describe('bind', () => {
  it('takes a function into the scope and the trial’s count, from wherever it is called', () => {
    const queue: (() => unknown)[] = [];
    const tallies = trial('t', () => {
      queue.push(bind(() => [currentScope(), currentTallies()]));
      return currentTallies();
    });
    expect(trial('worker', () => queue[0]!())).toEqual([{ trial: 't' }, tallies]);
  });

  it('keeps this and arguments, and holds for generators', async () => {
    const model = { name: 'm', ask: trial('t', () => bind(async function* (this: { readonly name: string }, turn: number) { yield [this.name, turn, currentScope()]; })) };
    expect((await model.ask(3).next()).value).toEqual(['m', 3, { trial: 't' }]);
  });

  it('says so when there is nothing to call', () => {
    expect(() => bind(undefined as unknown as () => void)).toThrow(UsageError);
  });
});

describe('exportScope and runInScope', () => {
  it('carry a scope to where it goes on, with its forks', () => {
    const [text, forks] = trial('t', () => branch('a', () => [exportScope(), currentForks()] as const));
    const there = trial('elsewhere', () => runInScope(text, () => role('judge', () => [currentScope(), currentForks()])));
    expect(there).toEqual([{ trial: 't', branch: 'a', role: 'judge' }, forks]);
  });
});
