import { padTo, textWidth } from '../../base/text-width.js';
import { fitColumns, type ColumnFit } from './fit-columns.js';

/** A title, and what may become of the column where a terminal is too narrow for all. */
export interface TableColumn extends ColumnFit {
  readonly title: string;
}

/** docker's columns are ten cells wide at least, the gap among them. */
const gap = 3;
const leastCells = 7;

/**
 * Columns as docker's tables: three spaces between them, the last one not padded. Ends with a line feed.
 * @param fitTo - cells of the terminal, which no line is wider than; undefined where a program reads
 */
export function renderTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  fitTo?: number,
): string {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, column) => Math.max(leastCells, ...all.map((row) => textWidth(row[column] ?? ''))));
  const whole = lines(all, widths, gap);
  if (fitTo === undefined || whole.every((line) => textWidth(line) <= fitTo)) return ended(whole);
  const fitted = fitColumns(columns, all, fitTo);
  return ended(lines(fitted.rows, fitted.widths, fitted.gap));
}

/** Titles alone: columns of which none gives way. */
export function titled(titles: readonly string[]): TableColumn[] {
  return titles.map((title) => ({ title }));
}

function lines(rows: readonly (readonly string[])[], widths: readonly number[], between: number): string[] {
  return rows.map((row) =>
    widths
      .map((width, column) => {
        const cell = row[column] ?? '';
        return column === widths.length - 1 ? cell : padTo(cell, width + between);
      })
      .join(''),
  );
}

function ended(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
