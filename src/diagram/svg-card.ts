import { originText, portTexts, type DiagramService, type DiagramVolume } from './diagram.js';
import { escapeXml, fitted, widthOf, type Font } from './svg-text.js';

/** A shape of a known size that can be drawn anywhere. */
export interface Card {
  readonly width: number;
  readonly height: number;
  /** SVG elements, with the top left corner at this point. */
  draw(x: number, y: number): string;
}

const maxWidth = 232;
const minWidth = 116;
const padding = 12;
const nameFont: Font = { size: 14, family: 'sans', bold: true };
const originFont: Font = { size: 11, family: 'mono' };
const pillFont: Font = { size: 11, family: 'sans' };
const pillHeight = 18;
const pillGap = 5;

/** @param colours - number of the colour of each network that is named, by key */
export function serviceCard(service: DiagramService, colours: ReadonlyMap<string, number>): Card {
  const room = maxWidth - 2 * padding;
  const copies = service.replicas === 1 ? '' : `× ${service.replicas}`;
  const copiesWidth = copies === '' ? 0 : widthOf(copies, pillFont) + 8;
  const name = fitted(service.name, nameFont, room - copiesWidth);
  const origin = fitted(originText(service), originFont, room, 'start');
  const ports = portTexts(service.ports).map((port) => ({ text: port, kind: 'port' }));
  const networks = service.networks
    .filter((key) => colours.has(key))
    .map((key) => ({ text: key, kind: `network n${colours.get(key) ?? 0}` }));
  const mode = service.network_mode === undefined ? [] : [{ text: `network ${service.network_mode}`, kind: 'mode' }];
  const rows = [...wrapped(ports, room), ...wrapped([...networks, ...mode], room)];
  const content = Math.max(
    widthOf(name, nameFont) + copiesWidth,
    widthOf(origin, originFont),
    ...rows.map(({ width }) => width),
  );
  const width = Math.ceil(Math.max(minWidth, content + 2 * padding));
  const pillsTop = origin === '' ? 34 : 50;
  const height = pillsTop + (rows.length === 0 ? 0 : rows.length * (pillHeight + pillGap) + 3);
  const draw = (x: number, y: number): string =>
    [
      `<g class="service"><title>${escapeXml(titleOf(service))}</title>`,
      `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="8"/>`,
      text(x + padding, y + 23, 'name', name),
      copies === '' ? '' : text(x + width - padding, y + 23, 'copies', copies),
      origin === '' ? '' : text(x + padding, y + 40, 'origin', origin),
      ...rows.flatMap(({ pills }, row) => {
        const top = y + pillsTop + row * (pillHeight + pillGap);
        return pills.map((pill) => drawPill(pill, x + padding + pill.left, top));
      }),
      '</g>',
    ].join('');
  return { width, height, draw };
}

/** A cylinder. */
export function volumeCard({ key, name, external }: DiagramVolume): Card {
  const font: Font = { size: 12, family: 'sans' };
  const label = fitted(key, font, maxWidth - 2 * padding);
  const width = Math.ceil(Math.max(72, widthOf(label, font) + 2 * padding));
  const height = 46;
  const depth = 6;
  const draw = (x: number, y: number): string => {
    const [left, right, top, bottom, half] = [x, x + width, y + depth, y + height - depth, width / 2];
    const arc = (dx: number, sweep: 0 | 1): string => `a${half} ${depth} 0 0 ${sweep} ${dx} 0`;
    return [
      `<g class="volume${external ? ' external' : ''}"><title>${escapeXml(`volume ${name}`)}</title>`,
      `<path d="M${left} ${top}${arc(width, 1)}V${bottom}${arc(-width, 1)}Z"/>`,
      `<path class="rim" d="M${right} ${top}${arc(-width, 1)}"/>`,
      text(x + half, y + 31, 'centre', label),
      '</g>',
    ].join('');
  };
  return { width, height, draw };
}

/** A network in the legend, drawn as in a service. */
export function networkPill(key: string, colour: number): Card {
  const [pill] = wrapped([{ text: key, kind: `network n${colour}` }], maxWidth)[0]?.pills ?? [];
  const width = pill?.width ?? 0;
  return { width, height: pillHeight, draw: (x, y) => (pill === undefined ? '' : drawPill(pill, x, y)) };
}

export function text(x: number, y: number, kind: string, content: string): string {
  return `<text class="${kind}" x="${x}" y="${y}">${escapeXml(content)}</text>`;
}

interface Pill {
  readonly text: string;
  readonly kind: string;
  readonly left: number;
  readonly width: number;
}

interface PillRow {
  readonly pills: readonly Pill[];
  readonly width: number;
}

/** Pills side by side, in as many rows as the room asks for. */
function wrapped(contents: readonly { readonly text: string; readonly kind: string }[], room: number): PillRow[] {
  const rows: { pills: Pill[]; width: number }[] = [];
  for (const { text: whole, kind } of contents) {
    const dot = kind.startsWith('network') ? 10 : 0;
    const content = fitted(whole, pillFont, room - 14 - dot);
    const width = Math.ceil(widthOf(content, pillFont) + 14 + dot);
    let row = rows.at(-1);
    if (row === undefined || row.width + pillGap + width > room) rows.push((row = { pills: [], width: -pillGap }));
    const left = row.width + pillGap;
    row.pills.push({ text: content, kind, left, width });
    row.width = left + width;
  }
  return rows;
}

function drawPill(pill: Pill, x: number, y: number): string {
  const isNetwork = pill.kind.startsWith('network');
  return [
    `<g class="pill ${pill.kind}"><rect x="${x}" y="${y}" width="${pill.width}" height="${pillHeight}" rx="9"/>`,
    isNetwork ? `<circle cx="${x + 10}" cy="${y + pillHeight / 2}" r="3.5"/>` : '',
    text(x + (isNetwork ? 17 : 7), y + 13, 'label', pill.text),
    '</g>',
  ].join('');
}

/** What a pointer that rests on the card is told: everything, uncut. */
function titleOf(service: DiagramService): string {
  const { name, ports, networks, profiles } = service;
  return [
    name,
    originText(service),
    ports.length === 0 ? '' : `ports ${portTexts(ports).join(', ')}`,
    networks.length === 0 ? '' : `networks ${networks.join(', ')}`,
    profiles.length === 0 ? '' : `profiles ${profiles.join(', ')}`,
  ]
    .filter((line) => line !== '')
    .join(' · ');
}
