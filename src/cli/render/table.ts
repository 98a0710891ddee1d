import { padTo, textWidth, truncateMiddle } from './text-width.js';

/** Cells between columns, and the least a column takes: docker's, and what a narrow terminal gets when that does not fit. */
const roomy = { gap: 3, narrowest: 8 };
const tight = { gap: 1, narrowest: 7 };
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
  const titles = header.map(textWidth);
  const { widths, gap } = fitTo === undefined ? { widths: natural, gap: roomy.gap } : fitted(natural, titles, fitTo);
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

interface Columns {
  readonly widths: readonly number[];
  readonly gap: number;
}

function fitted(natural: readonly number[], titles: readonly number[], limit: number): Columns {
  const wide = shrink(natural, titles, limit, roomy);
  return total(wide.widths, wide.gap) <= limit ? wide : shrink(natural, titles, limit, tight);
}

/** Takes from the widest column, cell by cell; no column gets narrower than its title. */
function shrink(
  natural: readonly number[],
  titles: readonly number[],
  limit: number,
  { gap, narrowest }: typeof roomy,
): Columns {
  const widths = [...natural];
  const least = titles.map((title) => Math.max(title, narrowest));
  while (total(widths, gap) > limit) {
    const spare = widths.map((width, column) => (width > (least[column] ?? 0) ? width : 0));
    const widest = spare.indexOf(Math.max(...spare));
    if (spare[widest] === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return { widths, gap };
}

function total(widths: readonly number[], gap: number): number {
  return widths.reduce((sum, width) => sum + width, gap * (widths.length - 1));
}
