import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { count, dollars, duration, oneLine, percent, printable, shortCount } from './format.ts';
import { renderTable } from './table.ts';
import { cutToWidth, visibleLength } from './terminal-width.ts';

describe('figures', () => {
  it.each([
    [0, '0'],
    [9_999, '9,999'],
    [10_000, '10.0k'],
    [99_949, '99.9k'],
    [99_950, '100k'],
    [999_499, '999k'],
    [999_500, '1.00M'],
    [12_345_678, '12.35M'],
  ])('%d in short is %s', (value, text) => {
    expect(shortCount(value)).toBe(text);
  });

  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1.0 s'],
    [59_949, '59.9 s'],
    [59_951, '1m 00s'],
    [3_599_400, '59m 59s'],
    [3_599_900, '1h 00m'],
    [7_380_000, '2h 03m'],
  ])('%d ms is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it('tells no cost, a small cost, an unknown cost and part of a cost apart', () => {
    expect([dollars(0), dollars(0.00012), dollars(0.0345), dollars(12.345), dollars(null), dollars(2, 1)]).toEqual(['$0.00', '$0.00012', '$0.035', '$12.35', 'unknown', '≥ $2.00']);
  });

  it('tells almost all from all', () => {
    expect([percent(0.999), percent(1), percent(0)]).toEqual(['99.9 %', '100.0 %', '0.0 %']);
    expect(count(1_234_567)).toBe('1,234,567');
  });
});

describe('text that others wrote', () => {
  it('cannot steer the terminal', () => {
    expect(printable('a\u001B[2Jb\u0007\r\n\tc\u009B\u202E')).toBe('a␛[2Jb␇␍\n\tc\\u009b\\u202e');
  });

  it('is cut by characters, not by halves of them', () => {
    expect(oneLine('😀😀😀😀', 3)).toBe('😀😀…');
    expect(oneLine('  two\n lines ', 20)).toBe('two lines');
  });
});

describe('a table', () => {
  const columns = [{ title: 'name', flexible: true }, { title: 'n', align: 'right' as const }];

  it('is as wide as its content', () => {
    expect(renderTable(columns, [['alpha', '1'], ['b', '1,000']], { width: 80 })).toBe('name       n\nalpha      1\nb      1,000');
  });

  it('cuts its flexible column to the terminal', () => {
    const table = renderTable(columns, [['a name that is much too long for this', '12']], { width: 30 });
    expect(Math.max(...table.split('\n').map((line) => line.length))).toBe(30);
    expect(table).toContain('…');
    expect(table).toContain('  12');
  });

  it('measures coloured cells by what is seen', () => {
    const plain = renderTable(columns, [['red', '1']], { width: 40 });
    const colored = renderTable(columns, [['\u001B[31mred\u001B[39m', '1']], { width: 40 });
    expect(stripVTControlCharacters(colored)).toBe(plain);
  });

  it('is its header alone without rows', () => {
    expect(renderTable(columns, [], { width: 40 })).toBe('name  n');
  });
});

describe('cutting a line', () => {
  it('leaves what fits, and closes colours where it cuts', () => {
    expect(cutToWidth('short', 10)).toBe('short');
    expect(cutToWidth('\u001B[31mred text\u001B[39m', 4)).toBe('\u001B[31mred…\u001B[0m');
    expect(visibleLength(cutToWidth('x'.repeat(50), 10))).toBe(10);
  });
});
