import { createHash } from 'node:crypto';
import { stableStringify } from './json.ts';

/** Hex SHA-256 of text or bytes. */
export function sha256(input: string | Uint8Array): string {
  return createHash('sha256').update(input).digest('hex');
}

/** A short stable key (16 hex digits) of any JSON value; equal values give equal keys whatever their key order. */
export function stableKey(value: unknown): string {
  return sha256(stableStringify(value)).slice(0, 16);
}
