import type { CompiledQuery } from 'kysely';

/** Stands for a value that is bound each time the statement runs. */
class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A statement compiled once and run many times with other values. */
export interface HotQuery {
  readonly sql: string;
  /** The statement's parameters in order, taken from `row` by name; an absent or `undefined` one is null. */
  bind(row: Readonly<Record<string, unknown>>): unknown[];
}

/** A named place in a query that is built to be compiled once. */
export function slot<T>(name: string): T {
  return new Slot(name) as unknown as T;
}

/** A row of slots named like their columns. */
export function slots<Row>(columns: readonly (keyof Row & string)[]): Row {
  return Object.fromEntries(columns.map((column) => [column, new Slot(column)])) as Row;
}

/** Compiles a query whose parameters are slots or constants. */
export function compileHot(query: { compile(): CompiledQuery }): HotQuery {
  const { sql, parameters } = query.compile();
  const bind = (row: Readonly<Record<string, unknown>>): unknown[] =>
    parameters.map((parameter) => (parameter instanceof Slot ? (row[parameter.name] ?? null) : parameter));
  return { sql, bind };
}
