import { expect, it } from 'vitest';
import { readKeyValueList } from './key-value-list.ts';

it('reads pairs, decodes them and passes over what is no pair', () => {
  expect(readKeyValueList('Authorization=Basic%20YTpi, x-scope = a=b ,,=lost,alone,broken=%zz')).toEqual({ Authorization: 'Basic YTpi', 'x-scope': 'a=b', broken: '%zz' });
});

it('reads nothing from nothing', () => {
  expect(readKeyValueList(undefined)).toEqual({});
  expect(readKeyValueList('')).toEqual({});
});
