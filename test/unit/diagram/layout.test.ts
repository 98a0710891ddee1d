import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeInColumns, type Box, type Link, type Placement, type Point } from '../../../src/diagram/layout.js';
import { inShelves } from '../../../src/diagram/shelves.js';

interface Drawing {
  readonly boxes: readonly Box[];
  readonly links: readonly Link[];
}

/** Graphs without cycles: links lead from a box to a later one. */
const drawings: fc.Arbitrary<Drawing> = fc
  .array(fc.record({ width: fc.integer({ min: 72, max: 232 }), height: fc.integer({ min: 34, max: 140 }) }), {
    minLength: 1,
    maxLength: 24,
  })
  .chain((sizes) => {
    const boxes = sizes.map((size, index) => ({ id: `b${index}`, ...size }));
    const pair = fc.tuple(fc.nat(boxes.length - 1), fc.nat(boxes.length - 1));
    return fc.array(pair, { maxLength: 40 }).map((pairs) => {
      const links = new Map(
        pairs
          .filter(([a, b]) => a !== b)
          .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
          .map(([a, b]) => [`${a} ${b}`, { from: `b${a}`, to: `b${b}` }] as const),
      );
      return { boxes, links: [...links.values()] };
    });
  });

describe('columns', () => {
  test('no box lies on another', () => {
    fc.assert(
      fc.property(drawings, ({ boxes, links }) => {
        const areas = areasOf(boxes, placeInColumns(boxes, links));
        for (const [index, area] of areas.entries()) {
          for (const other of areas.slice(index + 1)) expect(apart(area, other)).toBe(true);
        }
      }),
    );
  });

  test('no line runs under a box', () => {
    fc.assert(
      fc.property(drawings, ({ boxes, links }) => {
        const placement = placeInColumns(boxes, links);
        const areas = areasOf(boxes, placement);
        for (const line of placement.lines) {
          for (const point of along(line)) for (const area of areas) expect(holds(area, point)).toBe(false);
        }
      }),
    );
  });

  test('lines lead from the right of a box to the left of the one it needs', () => {
    const boxes = [
      { id: 'web', width: 100, height: 40 },
      { id: 'db', width: 80, height: 40 },
    ];
    const { boxes: places, lines } = placeInColumns(boxes, [{ from: 'web', to: 'db' }]);
    expect(lines[0]?.[0]).toEqual({ x: 100, y: 20 });
    expect(lines[0]?.at(-1)).toEqual({ x: places.get('db')?.x, y: 20 });
  });
});

test('shelves keep rectangles apart and inside', () => {
  const size = fc.record({ width: fc.integer({ min: 10, max: 900 }), height: fc.integer({ min: 10, max: 500 }) });
  fc.assert(
    fc.property(fc.array(size, { maxLength: 20 }), (sizes) => {
      const { width, height, places } = inShelves(sizes);
      const areas = sizes.map((own, index) => ({ ...own, ...(places[index] ?? { x: 0, y: 0 }) }));
      for (const [index, area] of areas.entries()) {
        expect(area.x + area.width).toBeLessThanOrEqual(width);
        expect(area.y + area.height).toBeLessThanOrEqual(height);
        for (const other of areas.slice(index + 1)) expect(apart(area, other)).toBe(true);
      }
    }),
  );
});

interface Area extends Point {
  readonly width: number;
  readonly height: number;
}

function areasOf(boxes: readonly Box[], placement: Placement): Area[] {
  return boxes.map(({ id, width, height }) => ({ ...(placement.boxes.get(id) ?? { x: 0, y: 0 }), width, height }));
}

function apart(a: Area, b: Area): boolean {
  return a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
}

function holds({ x, y, width, height }: Area, point: Point): boolean {
  return point.x > x + 0.5 && point.x < x + width - 0.5 && point.y > y + 0.5 && point.y < y + height - 0.5;
}

/** Points of the curve as it is drawn: between two points of a line the bend stays between their heights. */
function along(line: readonly Point[]): Point[] {
  return line.slice(1).flatMap((end, index) => {
    const start = line[index] ?? end;
    return Array.from({ length: 21 }, (_, step) => {
      const t = step / 20;
      const eased = 3 * t * t * (1 - t) + t * t * t;
      const middle = (start.x + end.x) / 2;
      const x = start.x * (1 - t) ** 3 + 3 * middle * t * (1 - t) ** 2 + 3 * middle * t * t * (1 - t) + end.x * t ** 3;
      return { x, y: start.y + (end.y - start.y) * eased };
    });
  });
}
