/**
 * How much of the known limits may be used when others, unseen, use the same limits. Pure arithmetic on plain numbers.
 *
 * At each 429 episode the flow that was really accepted is known: what passed between two refusals, when the provider's
 * window was exhausted, is what the provider had left for us. The share is cut to just below it, then climbs slowly
 * until the next refusal tells more.
 */
export interface Throttle {
  /** Share of the known limits in use, 0 … 1. */
  share: number;
  /** The share that last was too much, as measured; 1 while none was. */
  ceiling: number;
  /** The ceiling before the last cut. */
  before: number;
  /** When the last cut was, and when the share was last raised. */
  cutAt: number;
  raisedAt: number;
  /** Use accepted so far: calls, and minutes' worth of each limit by the limit's key. */
  readonly used: Use;
  /** Snapshots of `used` at the last episodes, and at intervals of the last minute, oldest first. */
  marks: Mark[];
  samples: Mark[];
}

export interface Mark {
  readonly at: number;
  readonly used: Readonly<Use>;
}

export interface Use {
  calls: number;
  readonly minutes: Record<string, number>;
}

/** A cut goes this far below the measured flow. */
const CUT_SHARE = 0.97;
/** A cut where the measure says nothing: it may be a burst the provider had saved up, or a refusal out of the blue. */
const BLIND_CUT = 0.9;
const LARGEST_STEP = 0.9;
/** A window that stays shut may be an outage, which says nothing about what others take. */
const LARGEST_FALL = 0.5;
/** Below this the share never goes: a trickle has to find out when room is back. */
const LEAST_SHARE = 0.01;
/** A measure needs at least this long and so many calls, and is stale after that long. */
const SHORTEST_MEASURE_MS = 5_000;
const FEWEST_MEASURED = 20;
const MINUTE_MS = 60_000;
const SAMPLE_MS = 5_000;
const LONGEST_MEASURE_MS = 180_000;
const MARKS_KEPT = 8;
/** From a blind cut back to just below the ceiling. */
const RETURN_MS = 10_000;
/** From there to the ceiling: at least this long, and at least so many calls, so that refusals stay rare. */
const PROBE_MS = 20_000;
const PROBE_CALLS = 100;
const FASTEST = 4;
/** A pause between looks counts for no more than this. */
const LONGEST_STEP_MS = 5_000;

export function createThrottle(now: number): Throttle {
  const mark = { at: now, used: { calls: 0, minutes: {} } };
  return { share: 1, ceiling: 1, before: 1, cutAt: 0, raisedAt: now, used: { calls: 0, minutes: {} }, marks: [mark], samples: [mark] };
}

/** Counts use of one limit, in minutes' worth of it; negative where less was used than thought. */
export function countUse(throttle: Throttle, key: string, minutes: number): void {
  throttle.used.minutes[key] = (throttle.used.minutes[key] ?? 0) + minutes;
}

/** The use so far less one call of average size: the refused one, which was counted when it left. */
function acceptedUse(throttle: Throttle, since: Readonly<Use>): Use {
  const calls = Math.max(1, throttle.used.calls - since.calls);
  const minutes: Record<string, number> = {};
  for (const [key, used] of Object.entries(throttle.used.minutes)) minutes[key] = used - (used - (since.minutes[key] ?? 0)) / calls;
  return { calls: throttle.used.calls - 1, minutes };
}

/** The flow accepted between two times, as a share of the limit used most; `undefined` where they are too near or too far apart. */
function flow(from: Mark, to: Mark): number | undefined {
  const elapsed = to.at - from.at;
  if (elapsed < 1_000 || elapsed > LONGEST_MEASURE_MS) return undefined;
  const spent = Object.entries(to.used.minutes).map(([key, used]) => used - (from.used.minutes[key] ?? 0));
  return (Math.max(0, ...spent) * 60_000) / elapsed;
}

/**
 * Cuts the share after a refusal, once per episode: a call that left before the last cut tells nothing new.
 *
 * @returns whether it cut
 */
export function cut(throttle: Throttle, sentAt: number, now: number): boolean {
  if (sentAt <= throttle.cutAt) return false;
  const mark = { at: now, used: acceptedUse(throttle, throttle.samples[0]!.used) };
  const lower = (from: Mark | undefined): number | undefined => {
    const seen = from === undefined ? undefined : flow(from, mark);
    return seen !== undefined && seen < throttle.share ? seen : undefined;
  };
  // Over a whole minute the measure holds for every kind of window. Between two refusals it holds for a bucket, which
  // was empty at both, but a window may have been shut in between: then it may be far too low, so it moves the ceiling
  // by a step at most.
  const minute = lower(throttle.samples.findLast(({ at }) => now - at >= MINUTE_MS));
  const episode = lower(
    throttle.marks.findLast(({ at, used }) => at > throttle.samples[0]!.at && now - at >= SHORTEST_MEASURE_MS && mark.used.calls - used.calls >= FEWEST_MEASURED),
  );
  // A share that climbed all minute without a refusal was fine until just now: the truth lies between.
  const calm = minute !== undefined && now - throttle.cutAt > MINUTE_MS && throttle.cutAt > 0 ? (minute + throttle.share) / 2 : minute;
  const measured = calm ?? (episode === undefined ? undefined : Math.max(episode, throttle.share * LARGEST_STEP));
  throttle.before = throttle.share;
  throttle.ceiling = Math.max(LEAST_SHARE, measured ?? throttle.share);
  throttle.share = Math.max(LEAST_SHARE, throttle.ceiling * (measured === undefined ? BLIND_CUT : CUT_SHARE));
  throttle.cutAt = now;
  throttle.raisedAt = now;
  throttle.marks = [...throttle.marks.slice(1 - MARKS_KEPT), mark];
  return true;
}

/**
 * Takes in that the window was still shut when a single call tried it after a pause. The longer it stays shut, the less
 * was left for us over the minute.
 */
export function stillShut(throttle: Throttle, now: number): void {
  const seen = flow(throttle.samples[0]!, { at: now, used: acceptedUse(throttle, throttle.samples[0]!.used) });
  if (seen === undefined || seen >= throttle.ceiling) return;
  throttle.ceiling = Math.max(LEAST_SHARE, seen, throttle.before * LARGEST_FALL);
  throttle.share = Math.min(throttle.share, throttle.ceiling * CUT_SHARE);
}

/**
 * Raises the share with time: slowly to the ceiling and past it, then faster the longer nothing was refused, since
 * whoever took the rest has gone.
 *
 * @param callsPerMs calls at the present share, so that slow deployments probe more slowly
 * @param wanted whether the share is what holds calls back; an idle deployment learns nothing
 */
export function raise(throttle: Throttle, now: number, callsPerMs: number, wanted: boolean): void {
  const last = throttle.samples.at(-1)!;
  if (now - last.at >= SAMPLE_MS) {
    const kept = throttle.samples.findLastIndex(({ at }) => now - at >= MINUTE_MS);
    throttle.samples = [...throttle.samples.slice(Math.max(0, kept)), { at: now, used: { calls: throttle.used.calls, minutes: { ...throttle.used.minutes } } }];
  }
  const elapsed = now - throttle.raisedAt;
  throttle.raisedAt = now;
  if (throttle.share >= 1 || elapsed <= 0 || !wanted) return;
  const low = throttle.ceiling * CUT_SHARE;
  const step = Math.min(elapsed, LONGEST_STEP_MS);
  if (throttle.share < low) {
    throttle.share = Math.min(low, throttle.share + ((CUT_SHARE - BLIND_CUT) * throttle.ceiling * step) / RETURN_MS);
    return;
  }
  const probeMs = Math.max(PROBE_MS, PROBE_CALLS / callsPerMs);
  const rounds = (now - throttle.cutAt) / probeMs;
  const speed = Math.min(FASTEST, Math.max(1, rounds - 1));
  throttle.share = Math.min(1, throttle.share + ((1 - CUT_SHARE) * throttle.ceiling * speed * step) / probeMs);
}
