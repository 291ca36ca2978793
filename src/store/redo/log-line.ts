import { isObject, parseJson } from '../../core/index.ts';
import { INTENT_COLUMNS, SETTLEMENT_COLUMNS } from '../rows/call-row.ts';
import { FORK_COLUMNS } from '../rows/fork-row.ts';
import type { CallRow } from './call-entry.ts';

/*
 * A log is lines of JSON. The first says which columns the values of the others stand in, so a version with more or fewer columns reads it
 * too; each other line is one write: [["open", value, …], ["settle", value, …], …].
 */

const FORMAT = 'assay-calls-1';

/** Who makes the call is the same for all of a log and stands in its name; what opens is in flight. */
const COLUMNS = {
  open: INTENT_COLUMNS.filter((column) => column !== 'holder'),
  settle: ['id', ...SETTLEMENT_COLUMNS],
  fork: [...FORK_COLUMNS],
} as const satisfies Record<CallRow['is'], readonly string[]>;

export const HEADER = `${JSON.stringify({ format: FORMAT, ...COLUMNS })}\n`;

export function logLine(rows: readonly CallRow[]): string {
  return `${JSON.stringify(rows.map(valuesOf))}\n`;
}

function valuesOf({ is, row }: CallRow): unknown[] {
  const columns: readonly string[] = COLUMNS[is];
  const values: unknown[] = [is];
  for (const column of columns) values.push((row as unknown as Readonly<Record<string, unknown>>)[column]);
  return values;
}

/**
 * The rows of a log. A line that was cut short or cannot be read is passed over: what it was to say was never acknowledged.
 *
 * @param holder the process that wrote it, as rows name it
 * @returns `undefined` for a log in a format that is not known
 */
export function readLog(text: string, holder: string): CallRow[] | undefined {
  const [first = '', ...lines] = text.split('\n');
  const header = parseJson(first);
  // A header that was cut short: nothing can be behind it.
  if (!isObject(header)) return [];
  if (header['format'] !== FORMAT) return undefined;
  const rows: CallRow[] = [];
  for (const line of lines) {
    const ops = parseJson(line);
    if (!Array.isArray(ops)) continue;
    for (const op of ops) {
      const row = rowOf(header, op, holder);
      if (row !== undefined) rows.push(row);
    }
  }
  return rows;
}

function rowOf(header: Record<string, unknown>, op: unknown, holder: string): CallRow | undefined {
  if (!Array.isArray(op)) return undefined;
  const [is, ...values] = op as unknown[];
  if (is !== 'open' && is !== 'settle' && is !== 'fork') return undefined;
  const columns = header[is];
  if (!Array.isArray(columns) || columns.length !== values.length || !values.every(isPlain)) return undefined;
  const row: Record<string, unknown> = Object.fromEntries(columns.map((column, at) => [String(column), values[at]]));
  if (typeof row['id'] !== 'string') return undefined;
  return { is, row: is === 'open' ? { ...row, holder } : row } as unknown as CallRow;
}

function isPlain(value: unknown): boolean {
  return value === null || typeof value === 'string' || typeof value === 'number';
}
