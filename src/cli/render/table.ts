import { padTo, textWidth, truncateMiddle } from './text-width.js';

const gap = 3;
const narrowestCells = 8;
/** docker's columns are ten cells wide at least, the gap among them. */
const leastCells = 7;

/**
 * Columns as docker's tables: three spaces between them, the last one not padded. Ends with a line feed.
 * @param fitTo - cells of the terminal: the widest columns are shortened until lines fit, where they can;
 *   undefined where a program reads
 */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[], fitTo?: number): string {
  const all = [header, ...rows];
  const natural = header.map((_, column) => Math.max(leastCells, ...all.map((row) => textWidth(row[column] ?? ''))));
  const widths = fitTo === undefined ? natural : shrink(natural, header.map(textWidth), fitTo);
  const line = (row: readonly string[]): string =>
    header
      .map((_, column) => {
        const width = widths[column] ?? 0;
        const cell = truncateMiddle(row[column] ?? '', width);
        return column === header.length - 1 ? cell : padTo(cell, width + gap);
      })
      .join('');
  return `${all.map(line).join('\n')}\n`;
}

/** Takes from the widest column, cell by cell; no column gets narrower than its title. */
function shrink(natural: readonly number[], titles: readonly number[], limit: number): readonly number[] {
  const widths = [...natural];
  const least = titles.map((title) => Math.max(title, narrowestCells));
  const total = (): number => widths.reduce((sum, width) => sum + width, gap * (widths.length - 1));
  while (total() > limit) {
    const spare = widths.map((width, column) => (width > (least[column] ?? 0) ? width : 0));
    const widest = spare.indexOf(Math.max(...spare));
    if (spare[widest] === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}
