import { createRequire } from 'node:module';
import type undici from 'undici';
import { Agent, getGlobalDispatcher, Pool, setGlobalDispatcher } from 'undici';
import { expect, it } from 'vitest';
import { UndiciClasses } from './undici-classes.ts';

const older = createRequire(createRequire(import.meta.url).resolve('@ai-sdk/azure'))('undici') as typeof undici;

it('wraps the dispatch of every loaded copy of undici once, and puts it back', () => {
  const sending = (dispatcher: object): unknown => {
    for (let at: object | null = dispatcher; at !== null; at = Object.getPrototypeOf(at) as object | null) if (Object.hasOwn(at, 'dispatch')) return Object.getOwnPropertyDescriptor(at, 'dispatch')?.value;
    return undefined;
  };
  const before = [sending(Agent.prototype), sending(older.Agent.prototype)];
  const originals: unknown[] = [];
  const classes = new UndiciClasses((original) => {
    originals.push(original);
    return function dispatch(options, handler) {
      return original.call(this, options, handler);
    };
  });
  classes.look();
  classes.add(new Pool('http://127.0.0.1:1'));
  expect(new Set(originals).size).toBe(originals.length);
  expect(originals).toEqual(expect.arrayContaining(before));
  expect(sending(Agent.prototype)).not.toBe(before[0]);
  expect(sending(Pool.prototype)).toBe(sending(Agent.prototype));
  classes.remove();
  expect([sending(Agent.prototype), sending(older.Agent.prototype)]).toEqual(before);
});

it('passes over what is no dispatcher', () => {
  const classes = new UndiciClasses((original) => original);
  for (const other of [undefined, null, 42, 'text', {}, { dispatch: () => true }, Object.create(null) as object]) expect(() => classes.add(other)).not.toThrow();
  classes.remove();
});

it('leaves the global dispatcher as it is', async () => {
  const before = getGlobalDispatcher();
  const classes = new UndiciClasses((original) => original);
  expect(getGlobalDispatcher()).toBe(before);
  const own = new Agent();
  setGlobalDispatcher(own);
  expect(getGlobalDispatcher()).toBe(own);
  classes.remove();
  expect(getGlobalDispatcher()).toBe(own);
  setGlobalDispatcher(before);
  await own.destroy();
});
