const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+$/;
const PART = /(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g;

/**
 * Milliseconds of a duration as OpenAI and Groq write it (`20ms`, `6m0s`, `1h2m3.5s`), or of a bare number of seconds.
 * Rounded up, so that nobody comes back too early. `undefined` where it is neither.
 */
export function durationMs(text: string): number | undefined {
  if (NUMBER.test(text)) return wholeMs(Number(text) * 1000);
  if (!DURATION.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(PART)) ms += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  return wholeMs(ms);
}

/** A number without sign or exponent. */
export const NUMBER = /^\d+(?:\.\d+)?$/;

/** Rounds up, but not for what binary fractions add: 2.3 s is 2300 ms. */
export function wholeMs(ms: number): number | undefined {
  const whole = Math.ceil(Math.round(ms * 1000) / 1000);
  return Number.isSafeInteger(whole) ? whole : undefined;
}

const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** Milliseconds since the epoch of an RFC 3339 time. */
export function rfc3339(text: string): number | undefined {
  return RFC_3339.test(text) ? parseTime(text.replace(' ', 'T')) : undefined;
}

const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
const RFC_850 = /^[A-Z][a-z]+day, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

/**
 * Milliseconds since the epoch of an HTTP date, in any of the three forms that a recipient must accept.
 *
 * Source: RFC 9110, section 5.6.7.
 */
export function httpDate(text: string): number | undefined {
  if (IMF_FIXDATE.test(text) || RFC_850.test(text)) return parseTime(text);
  return ASCTIME.test(text) ? parseTime(`${text} GMT`) : undefined;
}

function parseTime(text: string): number | undefined {
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
