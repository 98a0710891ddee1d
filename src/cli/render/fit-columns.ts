import { textWidth, truncate, truncateMiddle } from '../../base/text-width.js';

/** How a column of a table gives way on a narrow terminal. */
export interface ColumnFit {
  /** A shorter way to say a cell. */
  readonly brief?: (cell: string) => string;
  /** Cells it may be cut down to; undefined: it is shown whole or not at all. */
  readonly least?: number;
  /** Cells that say enough: what it has beyond them goes before any other column gives way. */
  readonly ample?: number;
  /** What a cut leaves out: names differ at both ends, sentences say the most at their beginning. */
  readonly cut?: 'middle' | 'end';
  /** Columns with the lowest number are left out first; undefined: it stays. */
  readonly keep?: number;
}

/** A table that fits: titles first. */
export interface FittedTable {
  readonly rows: readonly (readonly string[])[];
  readonly widths: readonly number[];
  readonly gap: number;
}

const gap = 2;

/**
 * Brings a table down to the width of a terminal. What does not matter so much goes first: space between columns, then
 * words that can be said briefly, then what is beyond an ample width, then ends and middles of cells, then whole
 * columns; no line is wider in the end.
 * @param all - titles and rows
 */
export function fitColumns(
  columns: readonly ColumnFit[],
  all: readonly (readonly string[])[],
  limit: number,
): FittedTable {
  const order = columns
    .map((_, index) => index)
    .filter((index) => columns[index]?.keep !== undefined)
    .sort((a, b) => importance(columns, a) - importance(columns, b));
  const hidden = new Set<number>();
  const tried = (): FittedTable | undefined => fitShown(columns, all, hidden, limit);
  let fitted = tried();
  for (const index of order) {
    if (fitted !== undefined) break;
    hidden.add(index);
    fitted = tried();
  }
  if (fitted === undefined) return squeeze(columns, all, hidden, limit);
  // A wide column that had to go may have made room for a narrow one that went before it.
  for (const index of order.filter((one) => hidden.has(one)).reverse()) {
    hidden.delete(index);
    const more = tried();
    if (more === undefined) hidden.add(index);
    else fitted = more;
  }
  return fitted;
}

/** Undefined: cells can neither be said nor cut so that these columns fit. */
function fitShown(
  columns: readonly ColumnFit[],
  all: readonly (readonly string[])[],
  hidden: ReadonlySet<number>,
  limit: number,
): FittedTable | undefined {
  const shown = columns.map((_, index) => index).filter((index) => !hidden.has(index));
  const whole = all.map((row) => shown.map((index) => row[index] ?? ''));
  const widths = widthsOf(whole);
  if (total(widths, gap) <= limit) return { rows: whole, widths, gap };
  const fits = shown.map((index) => columns[index] ?? {});
  const brief = briefly(fits, whole);
  const narrow = widthsOf(brief);
  const yielding = shown
    .map((index, at) => ({ at, ...columns[index], rank: importance(columns, index) }))
    .sort((a, b) => a.rank - b.rank);
  const givings = [...yielding.map(({ at, ample }) => ({ at, least: ample })), ...yielding];
  for (const { at, least } of givings) {
    if (least === undefined) continue;
    const width = narrow[at] ?? 0;
    const floor = Math.max(least, textWidth(brief[0]?.[at] ?? ''));
    narrow[at] = Math.min(width, Math.max(floor, width - Math.max(0, total(narrow, gap) - limit)));
  }
  return total(narrow, gap) <= limit ? { rows: cutAll(fits, brief, narrow), widths: narrow, gap } : undefined;
}

/** The last resort: one cell between columns, and the widest one gives. */
function squeeze(
  columns: readonly ColumnFit[],
  all: readonly (readonly string[])[],
  hidden: ReadonlySet<number>,
  limit: number,
): FittedTable {
  const shown = columns.map((_, index) => index).filter((index) => !hidden.has(index));
  const fits = shown.map((index) => columns[index] ?? {});
  const rows = briefly(
    fits,
    all.map((row) => shown.map((index) => row[index] ?? '')),
  );
  const widths = widthsOf(rows);
  while (total(widths, 1) > limit && Math.max(...widths) > 1) {
    const widest = widths.indexOf(Math.max(...widths));
    widths[widest] = (widths[widest] ?? 1) - 1;
  }
  return { rows: cutAll(fits, rows, widths), widths, gap: 1 };
}

function briefly(fits: readonly ColumnFit[], [titles = [], ...rows]: readonly (readonly string[])[]): string[][] {
  return [[...titles], ...rows.map((row) => row.map((cell, at) => fits[at]?.brief?.(cell) ?? cell))];
}

function cutAll(
  fits: readonly ColumnFit[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
): string[][] {
  return rows.map((row) =>
    row.map((cell, at) => (fits[at]?.cut === 'end' ? truncate : truncateMiddle)(cell, widths[at] ?? 0)),
  );
}

function importance(columns: readonly ColumnFit[], index: number): number {
  return columns[index]?.keep ?? Infinity;
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  return (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => textWidth(row[at] ?? ''))));
}

function total(widths: readonly number[], between: number): number {
  return widths.reduce((sum, width) => sum + width, between * (widths.length - 1));
}
