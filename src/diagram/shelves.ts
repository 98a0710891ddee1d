import type { Point } from './layout.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Shelves extends Size {
  /** Top left corners, in the order of the sizes given. */
  readonly places: readonly Point[];
}

const gap = 32;
/** Width over height that is aimed at. */
const shape = 1.7;

/** Puts rectangles side by side in rows, highest first, so that the whole is about as wide as a screen. */
export function inShelves(sizes: readonly Size[]): Shelves {
  const area = sizes.reduce((sum, { width, height }) => sum + (width + gap) * (height + gap), 0);
  const room = Math.max(Math.sqrt(area * shape), ...sizes.map(({ width }) => width));
  const order = sizes.map((_, index) => index);
  order.sort((a, b) => (sizes[b]?.height ?? 0) - (sizes[a]?.height ?? 0) || a - b);
  const places: Point[] = sizes.map(() => ({ x: 0, y: 0 }));
  let [x, top, rowHeight, width] = [0, 0, 0, 0];
  for (const index of order) {
    const size = sizes[index] ?? { width: 0, height: 0 };
    if (x > 0 && x + size.width > room) {
      top += rowHeight + gap;
      [x, rowHeight] = [0, 0];
    }
    places[index] = { x, y: top };
    width = Math.max(width, x + size.width);
    rowHeight = Math.max(rowHeight, size.height);
    x += size.width + gap;
  }
  return { width, height: top + rowHeight, places };
}
