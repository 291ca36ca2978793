/** Figures as people read them. */

const THOUSANDS = new Intl.NumberFormat('en-US');

/** Whole numbers with separators: `1,234,567`. */
export function count(value: number): string {
  return THOUSANDS.format(Math.round(value));
}

/** Short form for live views: `1.2k`, `3.45M`. Below 10,000 the number itself. */
export function shortCount(value: number): string {
  if (value < 10_000) return count(value);
  if (value < 999_500) return `${(value / 1_000).toFixed(value < 99_950 ? 1 : 0)}k`;
  return `${(value / 1_000_000).toFixed(2)}M`;
}

/** US dollars with as many digits as the amount needs; `unknown` where the price is not known. */
export function dollars(value: number | null, unpricedCalls = 0): string {
  if (value === null) return 'unknown';
  const digits = value === 0 || value >= 1 ? 2 : value >= 0.01 ? 3 : 5;
  return `${unpricedCalls > 0 ? '≥ ' : ''}$${value.toFixed(digits)}`;
}

/** A length of time: `340 ms`, `12.3 s`, `4m 05s`, `2h 03m`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)}h ${String(minutes % 60).padStart(2, '0')}m`;
}

/** A share as a percentage: `12.5 %`; one decimal tells 99.9 from 100. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** A time of this machine's day: `2026-11-21 08:58:12`. */
export function localTime(ms: number): string {
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/**
 * Text that a model or a file wrote, made safe for a terminal: control characters (escape sequences could rewrite the screen)
 * become visible, line ends and tabs stay.
 */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Text on one line, cut to `width` with an ellipsis. */
export function oneLine(text: string, width: number): string {
  const flat = printable(text.replaceAll(/\s+/g, ' ').trim());
  const characters = Array.from(flat);
  return characters.length <= width ? flat : `${characters.slice(0, Math.max(1, width - 1)).join('')}…`;
}
