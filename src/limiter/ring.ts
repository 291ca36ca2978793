/**
 * How much went through within a moving window, in slots of equal length. Plain numbers, so that one value serves memory,
 * SQLite and any other place that can hold JSON.
 *
 * An amount counts until `spanMs` after the end of its slot, never less than `spanMs` after it was added: the count is
 * strict, too high by at most one slot.
 */
export interface Ring {
  readonly slotMs: number;
  /** Window length plus the pad for network jitter. */
  readonly spanMs: number;
  /** Index (time / slotMs) of the oldest slot that still counts, and of the newest. */
  oldest: number;
  newest: number;
  sum: number;
  /** Slot `k` lives at `k % slots.length`. */
  readonly slots: number[];
}

const SLOTS_PER_WINDOW = 200;

/** A ring over `windowMs`, which forgets an amount between `windowMs + padMs` and one slot later. */
export function createRing(windowMs: number, padMs: number): Ring {
  const slotMs = windowMs / SLOTS_PER_WINDOW;
  const spanMs = windowMs + padMs;
  return { slotMs, spanMs, oldest: 0, newest: -1, sum: 0, slots: Array.from({ length: Math.ceil(spanMs / slotMs) + 3 }, () => 0) };
}

function drop(ring: Ring, slot: number): void {
  const place = slot % ring.slots.length;
  ring.sum -= ring.slots[place]!;
  ring.slots[place] = 0;
}

/** Forgets what has left the window at `now`. */
export function advance(ring: Ring, now: number): void {
  const oldest = Math.floor((now - ring.spanMs) / ring.slotMs);
  if (oldest <= ring.oldest) return;
  if (oldest > ring.newest) {
    ring.slots.fill(0);
    ring.sum = 0;
  } else {
    for (let slot = ring.oldest; slot < oldest; slot++) drop(ring, slot);
  }
  ring.oldest = oldest;
  ring.newest = Math.max(ring.newest, oldest);
}

/**
 * Adds to the slot of `at`; a negative amount takes back.
 *
 * @returns false when that slot has left the window already, and nothing was added
 */
export function add(ring: Ring, at: number, amount: number): boolean {
  advance(ring, at);
  const slot = Math.floor(at / ring.slotMs);
  if (slot < ring.oldest) return false;
  ring.newest = Math.max(ring.newest, slot);
  const place = slot % ring.slots.length;
  // A slot never goes below zero, whatever is taken back.
  const change = Math.max(amount, -ring.slots[place]!);
  ring.slots[place]! += change;
  ring.sum += change;
  return true;
}

/** The earliest time, `now` or later, at which `need` more fits under `limit`. More than the limit fits an empty window. */
export function fitsAt(ring: Ring, now: number, need: number, limit: number): number {
  advance(ring, now);
  const room = Math.max(limit, need) - need;
  if (ring.sum <= room) return now;
  let left = ring.sum;
  for (let slot = ring.oldest; slot <= ring.newest; slot++) {
    left -= ring.slots[slot % ring.slots.length]!;
    if (left <= room) return Math.max(now, (slot + 1) * ring.slotMs + ring.spanMs);
  }
  return Math.max(now, (ring.newest + 1) * ring.slotMs + ring.spanMs);
}

/** What was added at `since` or later, counted from the start of its slot. */
export function sumSince(ring: Ring, since: number): number {
  let sum = 0;
  for (let slot = Math.max(ring.oldest, Math.floor(since / ring.slotMs)); slot <= ring.newest; slot++) sum += ring.slots[slot % ring.slots.length]!;
  return sum;
}
