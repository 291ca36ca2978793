import type { IntentRow, SettlementRow } from '../rows/call-row.ts';
import type { ForksTable } from '../schema.ts';

/** What the op of a call writes, secrets taken out. */
export type CallRow =
  | { readonly is: 'open'; readonly row: IntentRow }
  | { readonly is: 'settle'; readonly row: SettlementRow }
  | { readonly is: 'fork'; readonly row: ForksTable };

/** What is to be entered in the tables. A call that was opened and settled meanwhile is one entry. */
export type CallEntry = { readonly is: 'open'; readonly row: IntentRow; settlement?: SettlementRow } | Exclude<CallRow, { readonly is: 'open' }>;

/**
 * What rows come to, calls before their settlements: where some had to be done again, they may come out of order. Otherwise their order does
 * not matter.
 */
export function entriesOf(rows: readonly CallRow[]): CallEntry[] {
  const entries: CallEntry[] = [];
  const open = new Map<string, { settlement?: SettlementRow }>();
  for (const one of rows) {
    if (one.is === 'settle') continue;
    if (one.is === 'fork') entries.push(one);
    else {
      const entry: CallEntry & { readonly is: 'open' } = { is: 'open', row: one.row };
      entries.push(entry);
      open.set(one.row.id, entry);
    }
  }
  for (const one of rows) {
    if (one.is !== 'settle') continue;
    const call = open.get(one.row.id);
    if (call === undefined) entries.push(one);
    // The first settlement counts.
    else call.settlement ??= one.row;
  }
  return entries;
}
