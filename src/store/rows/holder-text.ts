import type { LeaseHolder } from '../../core/index.ts';
import { fromJson } from './text.ts';

/** A process as the rows of its calls name it. Short: it is written with every call. */
export function encodeHolder({ host, pid, pidStartedAt }: LeaseHolder): string {
  return JSON.stringify([host, pid, pidStartedAt]);
}

/** The process by its text, which stands in for an id: it holds no lease. */
export function decodeHolder(text: string): LeaseHolder {
  const [host, pid, pidStartedAt] = fromJson<[string, number, string]>(text);
  return { id: text, host, pid, pidStartedAt };
}
