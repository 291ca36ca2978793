import type { Exchange, ProbeNotes } from './contract.ts';

/** Next turns from the note `follow_ups`, in order, until one hits. */
export function scriptedFollowUp(history: readonly Exchange[], notes: ProbeNotes): string | undefined {
  if (history.at(-1)?.hit === true) return undefined;
  const script = notes['follow_ups'];
  const line: unknown = Array.isArray(script) ? script[history.length - 1] : undefined;
  return typeof line === 'string' ? line : undefined;
}
