import { humanSize } from './byte-size.js';

const barCells = 10;

/** All parts of a download as one bar: `[====>     ] 3.2MB/8MB`. Sizes become known part by part. */
export function renderTransfer(parts: readonly { readonly current: number; readonly total: number }[]): string {
  const total = parts.reduce((sum, part) => sum + part.total, 0);
  const current = parts.reduce((sum, part) => sum + Math.min(part.current, part.total), 0);
  if (total === 0) return '';
  const filled = Math.round((barCells * current) / total);
  const bar = filled === barCells ? '='.repeat(barCells) : `${'='.repeat(filled)}>`.padEnd(barCells);
  return `[${bar.slice(0, barCells)}] ${humanSize(current)}/${humanSize(total)}`;
}
