import { isLoopback, UsageError, type SuiteKind } from '../core/index.ts';
import type { AssayConfig } from '../config/index.ts';
import type { Target } from '../models/index.ts';

const ADVERSARIAL: readonly SuiteKind[] = ['probes', 'attacks'];

/**
 * Who allowed what, as one line to store with the run, or `null` where nothing needs allowing.
 *
 * @param now milliseconds since the epoch, to see whether the permission still holds
 * @throws UsageError `engagement_required` when probes or attacks would leave this machine without a word on who allows it, or after it ran out
 */
export function checkEngagement(config: Pick<AssayConfig, 'engagement'>, kinds: readonly SuiteKind[], targets: readonly Pick<Target, 'spec' | 'host'>[], now: number): string | null {
  const { engagement } = config;
  const text = engagement === undefined ? null : typeof engagement === 'string' ? engagement : `${engagement.by} allows ${engagement.scope} until ${engagement.until}`;
  const adversarial = kinds.some((kind) => ADVERSARIAL.includes(kind));
  const beyond = targets.find((target) => !isLoopback(target.host));
  if (!adversarial || beyond === undefined) return text;
  if (text === null || text.trim() === '') {
    throw new UsageError({
      code: 'engagement_required',
      message: `${beyond.spec} is at ${beyond.host}, beyond this machine: probes and attacks need to be allowed`,
      hint: 'say who allows what and until when: --engagement "NAME allows probing of SYSTEM until DATE", or an engagement: block in the config',
    });
  }
  if (typeof engagement === 'object' && Number.isNaN(Date.parse(engagement.until))) {
    throw new UsageError({ code: 'config', message: `engagement.until is not a date: ${engagement.until}`, hint: 'write it as YYYY-MM-DD' });
  }
  // In a sentence the last date is taken for its end.
  const until = typeof engagement === 'object' ? engagement.until : text.match(/\d{4}-\d{2}-\d{2}(?:T[\d:.]+(?:Z|[+-]\d{2}:\d{2})?)?/g)?.at(-1);
  if (until !== undefined && now >= endOf(until)) {
    throw new UsageError({ code: 'engagement_required', message: `the engagement ended on ${until}`, hint: 'ask for a new one, and say until when it holds' });
  }
  return text;
}

/** A bare date means to the end of that day. */
function endOf(until: string): number {
  return Date.parse(until) + (/^\d{4}-\d{2}-\d{2}$/.test(until) ? 86_400_000 : 0);
}
