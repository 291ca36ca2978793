import { monotonicFactory } from 'ulid';

const nextUlid = monotonicFactory();

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
