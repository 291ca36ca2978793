import { describe, expect, it } from 'vitest';
import { BoundedCache } from './bounded-cache.ts';

describe('BoundedCache', () => {
  it('gives back what was set', () => {
    const cache = new BoundedCache<number>({ maxEntries: 10, maxChars: 1000 });
    cache.set('a', 1);
    cache.set('a', 2);
    expect(cache.get('a')).toBe(2);
    expect(cache.get('b')).toBeUndefined();
  });

  it('stays within its number of entries', () => {
    const cache = new BoundedCache<number>({ maxEntries: 10, maxChars: 10_000 });
    for (let i = 0; i < 1000; i++) {
      cache.set(`key ${i}`, i);
      expect(cache.size).toBeLessThanOrEqual(10);
    }
    expect(cache.get('key 999')).toBe(999);
    expect(cache.get('key 0')).toBeUndefined();
  });

  it('keeps what is asked for while it forgets the rest', () => {
    const cache = new BoundedCache<number>({ maxEntries: 10, maxChars: 10_000 });
    cache.set('kept', 1);
    for (let i = 0; i < 1000; i++) {
      cache.set(`key ${i}`, i);
      expect(cache.get('kept')).toBe(1);
    }
  });

  it('stays within its number of characters, and does not keep a huge key', () => {
    const cache = new BoundedCache<number>({ maxEntries: 1_000_000, maxChars: 1000 });
    for (let i = 100; i < 1000; i++) cache.set(`number ${i}`, i);
    expect(cache.size).toBeLessThanOrEqual(100);
    cache.set('x'.repeat(11), 1);
    expect(cache.get('x'.repeat(11))).toBeUndefined();
  });
});
