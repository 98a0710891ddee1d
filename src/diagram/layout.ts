import { Graph, layout } from '@dagrejs/dagre';

export interface Box {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface Link {
  readonly from: string;
  readonly to: string;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where everything goes: top left corners of boxes, and for each link the points its line passes through. */
export interface Placement {
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, Point>;
  /** In the order of the links. */
  readonly lines: readonly (readonly Point[])[];
}

const gapBetweenColumns = 64;
const gapBetweenBoxes = 24;
/** From one end of a line to the next, on the side of a box. */
const lineGap = 12;

interface Column {
  readonly left: number;
  readonly width: number;
}

/**
 * Lays a connected graph out in columns, from left to right; boxes start at the left of theirs. Lines pass a column
 * between its boxes, straight, and bend only in the gaps, so that they never run under a box.
 */
export function placeInColumns(boxes: readonly Box[], links: readonly Link[]): Placement {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({
    rankdir: 'LR',
    nodesep: gapBetweenBoxes,
    edgesep: lineGap,
    ranksep: gapBetweenColumns,
    ranker: 'network-simplex',
  });
  // With one width for all, the centres of a column are the same: that is how columns are told apart below.
  const width = Math.max(0, ...boxes.map((box) => box.width));
  for (const { id, height } of boxes) graph.setNode(id, { width, height });
  for (const [index, { from, to }] of links.entries()) graph.setEdge(from, to, {}, String(index));
  layout(graph);

  const columns = columnsOf(boxes, graph);
  const placed = new Map<string, Point>();
  for (const { id, height } of boxes) {
    const { x = 0, y = 0 } = graph.node(id);
    placed.set(id, { x: columns.get(Math.round(x))?.left ?? 0, y: y - height / 2 });
  }
  const passes = links.map(({ from, to }, index) => {
    const { points = [] } = graph.edge(from, to, String(index));
    return points.slice(1, -1).flatMap(({ x, y }) => {
      const column = columns.get(Math.round(x));
      return column === undefined ? [] : [{ column, y }];
    });
  });
  const lines = drawLines(boxes, links, passes, placed, (id) => columns.get(Math.round(graph.node(id).x ?? 0)));
  return moveToOrigin(boxes, placed, lines);
}

/** Columns as narrow as their boxes allow, by the place of their centre in the layout. */
function columnsOf(boxes: readonly Box[], graph: Graph): Map<number, Column> {
  const widths = new Map<number, number>();
  for (const { id, width } of boxes) {
    const centre = Math.round(graph.node(id).x ?? 0);
    widths.set(centre, Math.max(width, widths.get(centre) ?? 0));
  }
  const columns = new Map<number, Column>();
  let left = 0;
  for (const [centre, width] of [...widths].sort(([a], [b]) => a - b)) {
    columns.set(centre, { left, width });
    left += width + gapBetweenColumns;
  }
  return columns;
}

interface Pass {
  readonly column: Column;
  readonly y: number;
}

/** Lines leave a box on its right and enter on its left, side by side in the order of where they come from or go to. */
function drawLines(
  boxes: readonly Box[],
  links: readonly Link[],
  passes: readonly (readonly Pass[])[],
  placed: ReadonlyMap<string, Point>,
  columnOf: (id: string) => Column | undefined,
): Point[][] {
  const sizes = new Map(boxes.map((box) => [box.id, box]));
  const middle = (id: string): number => (placed.get(id)?.y ?? 0) + (sizes.get(id)?.height ?? 0) / 2;
  const orderAt = (id: string, side: 'from' | 'to'): number[] => {
    const other = side === 'from' ? 'to' : 'from';
    const far = (index: number): number => {
      const pass = side === 'from' ? passes[index]?.[0] : passes[index]?.at(-1);
      return pass?.y ?? middle(links[index]?.[other] ?? '');
    };
    return links.flatMap((link, index) => (link[side] === id ? [index] : [])).sort((a, b) => far(a) - far(b));
  };
  const heightOfEnd = (id: string, side: 'from' | 'to', index: number): number => {
    const order = orderAt(id, side);
    const room = Math.max(0, (sizes.get(id)?.height ?? 0) - 20);
    const gap = order.length < 2 ? 0 : Math.min(lineGap, room / (order.length - 1));
    return middle(id) + (order.indexOf(index) - (order.length - 1) / 2) * gap;
  };
  return links.map(({ from, to }, index) => {
    const [left, y] = [placed.get(from)?.x ?? 0, heightOfEnd(from, 'from', index)];
    const columnWidth = columnOf(from)?.width ?? 0;
    return [
      { x: left + (sizes.get(from)?.width ?? 0), y },
      { x: left + columnWidth, y },
      ...(passes[index] ?? []).flatMap((pass) => [
        { x: pass.column.left, y: pass.y },
        { x: pass.column.left + pass.column.width, y: pass.y },
      ]),
      { x: placed.get(to)?.x ?? 0, y: heightOfEnd(to, 'to', index) },
    ];
  });
}

function moveToOrigin(
  boxes: readonly Box[],
  placed: ReadonlyMap<string, Point>,
  lines: readonly (readonly Point[])[],
): Placement {
  const corners = boxes.flatMap(({ id, width, height }) => {
    const { x, y } = placed.get(id) ?? { x: 0, y: 0 };
    return [
      { x, y },
      { x: x + width, y: y + height },
    ];
  });
  const all = [...corners, ...lines.flat()];
  const left = Math.min(...all.map(({ x }) => x));
  const top = Math.min(...all.map(({ y }) => y));
  const move = ({ x, y }: Point): Point => ({ x: x - left, y: y - top });
  return {
    width: Math.max(...all.map(({ x }) => x)) - left,
    height: Math.max(...all.map(({ y }) => y)) - top,
    boxes: new Map([...placed].map(([id, point]) => [id, move(point)])),
    lines: lines.map((line) => line.map(move)),
  };
}
