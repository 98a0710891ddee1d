import { padTo, textWidth } from './text-width.js';

const gap = 3;

/** Columns as docker's tables: three spaces between them, the last one not padded. Ends with a line feed. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...all.map((row) => textWidth(row[column] ?? ''))));
  const line = (row: readonly string[]): string =>
    header
      .map((_, column) => {
        const cell = row[column] ?? '';
        return column === header.length - 1 ? cell : padTo(cell, (widths[column] ?? 0) + gap);
      })
      .join('');
  return `${all.map(line).join('\n')}\n`;
}
