import { monotonicFactory } from 'ulid';

// Random bytes are drawn many at a time: one by one, as the library does it, they take longer than all the rest of a call's books.
const drawn = new Uint8Array(4_096);
let used = drawn.length;

function randomByte(): number {
  if (used === drawn.length) {
    crypto.getRandomValues(drawn);
    used = 0;
  }
  return drawn[used++]! / 256;
}

const nextUlid = monotonicFactory(randomByte);

/** A unique id that sorts by time, for rows made in great number (ULID). */
export function newId(): string {
  return nextUlid();
}

const RUN_ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';

/** A run's id: readable, sorts by time, easy to type a prefix of. E.g. `20261121-084233-k3f9`. */
export function newRunId(nowMs: number, random: () => number = Math.random): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const tail = Array.from({ length: 4 }, () => RUN_ALPHABET[Math.floor(random() * RUN_ALPHABET.length)]).join('');
  return `${stamp}-${tail}`;
}
