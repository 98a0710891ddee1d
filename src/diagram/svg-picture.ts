import { conditionText, namedNetworks, type Diagram, type DiagramDependency, type DiagramMount } from './diagram.js';
import { placeInColumns, type Link, type Point } from './layout.js';
import { inShelves } from './shelves.js';
import { serviceCard, text, volumeCard, type Card } from './svg-card.js';
import { drawLegend } from './svg-legend.js';
import { networkColours, pictureStyle } from './svg-style.js';
import { escapeXml, widthOf } from './svg-text.js';

const margin = 24;
const headingHeight = 36;

/** An edge of either sort, with its looks. */
interface Edge extends Link {
  readonly kind: string;
  /** Marker at its end. */
  readonly head?: string;
  readonly title: string;
}

/** The project as a picture of its own: no scripts, nothing loaded from elsewhere. */
export function renderSvg(diagram: Diagram): string {
  const networks = namedNetworks(diagram);
  const colours = new Map(networks.map(({ key }, index) => [key, index % networkColours] as const));
  const cards = new Map<string, Card>([
    ...diagram.services.map((service) => [`service ${service.name}`, serviceCard(service, colours)] as const),
    ...diagram.volumes.map((volume) => [`volume ${volume.key}`, volumeCard(volume)] as const),
  ]);
  const edges = [...diagram.dependencies.map(dependencyEdge), ...mountEdges(diagram.mounts)];
  const parts = components([...cards.keys()], edges).map((ids) => drawComponent(ids, edges, cards));
  const shelves = inShelves(parts);
  const legend = drawLegend(diagram, colours, Math.max(shelves.width, 420));
  const headingWidth = widthOf(diagram.name, { size: 16, family: 'sans', bold: true });
  const width = Math.ceil(Math.max(shelves.width, legend.width, headingWidth) + 2 * margin);
  const legendTop = margin + headingHeight + shelves.height + (legend.height === 0 ? 0 : 28);
  const height = Math.ceil(legendTop + legend.height + margin);
  const body = parts.map((part, index) => {
    const { x, y } = shelves.places[index] ?? { x: 0, y: 0 };
    return part.draw(round(margin + x), round(margin + headingHeight + y));
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">`,
    `<title id="title">${escapeXml(diagram.name)}</title>`,
    `<desc id="description">${escapeXml(describe(diagram))}</desc>`,
    `<style>${pictureStyle}</style>`,
    `<defs>${['started', 'healthy', 'completed'].map(marker).join('')}</defs>`,
    `<rect class="page" width="${width}" height="${height}" rx="10"/>`,
    text(margin, margin + 14, 'heading', diagram.name),
    ...body,
    legend.draw(margin, round(legendTop)),
    '</svg>\n',
  ].join('\n');
}

function drawComponent(ids: readonly string[], edges: readonly Edge[], cards: ReadonlyMap<string, Card>): Card {
  const own = edges.filter(({ from }) => ids.includes(from));
  const boxes = ids.flatMap((id) => {
    const card = cards.get(id);
    return card === undefined ? [] : [{ id, width: card.width, height: card.height, card }];
  });
  const { width, height, boxes: places, lines } = placeInColumns(boxes, own);
  const draw = (x: number, y: number): string =>
    [
      ...own.map((edge, index) => drawEdge(edge, lines[index] ?? [], { x, y })),
      ...boxes.map(({ id, card }) => {
        const place = places.get(id) ?? { x: 0, y: 0 };
        return card.draw(round(x + place.x), round(y + place.y));
      }),
    ].join('\n');
  return { width, height, draw };
}

/** Straight past boxes, in a soft curve across the gaps between columns. */
function drawEdge({ kind, head, title }: Edge, line: readonly Point[], origin: Point): string {
  const at = line.map(({ x, y }) => ({ x: round(origin.x + x), y: round(origin.y + y) }));
  const [start, ...rest] = at;
  if (start === undefined) return '';
  let path = `M${start.x} ${start.y}`;
  let last = start;
  for (const point of rest) {
    const middle = round((last.x + point.x) / 2);
    path += point.y === last.y ? `H${point.x}` : `C${middle} ${last.y} ${middle} ${point.y} ${point.x} ${point.y}`;
    last = point;
  }
  const end = head === undefined ? '' : ` marker-end="url(#${head})"`;
  return `<path class="line ${kind}" d="${path}"${end}><title>${escapeXml(title)}</title></path>`;
}

function dependencyEdge({ from, to, condition, required }: DiagramDependency): Edge {
  const state = conditionText(condition);
  return {
    from: `service ${from}`,
    to: `service ${to}`,
    kind: required ? state : `${state} optional`,
    head: state,
    title: `${from} starts once ${to} is ${state}${required ? '' : ', and without it too'}`,
  };
}

/** One line for each pair, however often the volume is mounted. */
function mountEdges(mounts: readonly DiagramMount[]): Edge[] {
  const pairs = new Map<string, DiagramMount[]>();
  for (const mount of mounts) {
    const key = JSON.stringify([mount.service, mount.volume]);
    pairs.set(key, [...(pairs.get(key) ?? []), mount]);
  }
  return [...pairs.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const places = group.map(({ target, read_only: readOnly }) => (readOnly ? `${target} (read-only)` : target));
    return [
      {
        from: `service ${first.service}`,
        to: `volume ${first.volume}`,
        kind: 'mount',
        title: `${first.service} mounts ${first.volume} at ${places.join(', ')}`,
      },
    ];
  });
}

/** Boxes that hang together, in the order of their first one. */
function components(ids: readonly string[], links: readonly Link[]): string[][] {
  const next = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of links) {
    next.get(from)?.push(to);
    next.get(to)?.push(from);
  }
  const seen = new Set<string>();
  return ids.flatMap((id) => {
    if (seen.has(id)) return [];
    const found = [id];
    seen.add(id);
    for (const member of found) {
      for (const other of next.get(member) ?? []) {
        if (!seen.has(other)) found.push(other);
        seen.add(other);
      }
    }
    return [found];
  });
}

function marker(state: string): string {
  const shape = `<path class="${state}" d="M0 0L8 4L0 8Z"/>`;
  return `<marker id="${state}" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto">${shape}</marker>`;
}

/** For readers who cannot see the picture. */
function describe({ services, dependencies }: Diagram): string {
  const needs = dependencies.map(({ from, to, condition }) => `${from} needs ${to} ${conditionText(condition)}`);
  return [`Services: ${services.map(({ name }) => name).join(', ')}.`, needs.length === 0 ? '' : `${needs.join('; ')}.`]
    .join(' ')
    .trim();
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
