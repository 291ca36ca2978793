import Table from 'cli-table3';
import { visibleLength } from './terminal-width.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Takes what width is left and is cut where it does not fit; one column of a table at most. */
  readonly flexible?: boolean;
  /** Cut at the front: for names that differ at their end. */
  readonly keepEnd?: boolean;
}

const GAP = 2;
const NARROWEST = 12;

/**
 * A table without frames, as wide as its content and no wider than the terminal: the flexible column gives way.
 * Cells may hold colours; an empty table is its header alone.
 */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[], options: { readonly width: number; readonly heading?: (text: string) => string }): string {
  const heading = options.heading ?? ((text) => text);
  const widths = columns.map((column, i) => Math.max(visibleWidth(column.title), ...rows.map((row) => visibleWidth(row[i] ?? ''))));
  const flexible = columns.findIndex((column) => column.flexible === true);
  const total = widths.reduce((sum, width) => sum + width, 0) + GAP * (columns.length - 1);
  if (flexible >= 0 && total > options.width) widths[flexible] = Math.max(NARROWEST, widths[flexible]! - (total - options.width));
  const table = new Table({
    chars: NO_FRAME,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colWidths: widths.map((width) => Math.max(1, width)),
    colAligns: columns.map((column) => column.align ?? 'left'),
    truncate: '…',
  });
  table.push(
    columns.map((column) => heading(column.title)),
    ...rows.map((row) => row.map((cell, i) => (columns[i]?.keepEnd === true ? endOf(cell, widths[i] ?? cell.length) : cell))),
  );
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** The last characters of a plain text that fit, behind an ellipsis. */
function endOf(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `…${characters.slice(characters.length - width + 1).join('')}`;
}

const NO_FRAME = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(GAP),
};

function visibleWidth(text: string): number {
  return Math.max(...text.split('\n').map(visibleLength));
}
