import { expect, it } from 'vitest';
import { headersOf, withContentLength } from './undici-headers.ts';

it('reads headers in every form that undici takes', () => {
  const expected = { 'content-type': 'a/b', 'x-many': '1, 2', 'x-number': '7' };
  const forms: readonly unknown[] = [
    { 'Content-Type': 'a/b', 'x-many': ['1', '2'], 'X-Number': 7, gone: undefined, empty: null },
    ['Content-Type', 'a/b', 'x-many', '1', 'X-Many', '2', 'X-Number', '7'],
    [Buffer.from('Content-Type'), Buffer.from('a/b'), Buffer.from('x-many'), [Buffer.from('1'), Buffer.from('2')], 'x-number', '7'],
    new Headers([['content-type', 'a/b'], ['x-many', '1'], ['x-many', '2'], ['x-number', '7']]),
    new Map<string, unknown>([['content-type', 'a/b'], ['x-many', ['1', '2']], ['X-Number', '7']]),
  ];
  for (const form of forms) expect(headersOf(form)).toEqual(expected);
  for (const none of [undefined, null, 'text', []]) expect(headersOf(none)).toEqual({});
});

it('does not take inherited names for headers', () => {
  expect(headersOf(Object.create({ inherited: '1' }, { own: { value: '2', enumerable: true } }) as object)).toEqual({ own: '2' });
});

it('changes the content length where there is one, and leaves the rest as it was', () => {
  expect(withContentLength({ 'Content-Length': '3', a: ['1', '2'] }, 12)).toEqual(['Content-Length', '12', 'a', ['1', '2']]);
  expect(withContentLength(['a', '1'], 12)).toEqual(['a', '1']);
  expect(withContentLength(undefined, 12)).toEqual([]);
});
