import { conditionText, namedNetworks, type Diagram } from './diagram.js';
import { networkPill, text, type Card } from './svg-card.js';
import { widthOf, type Font } from './svg-text.js';

const font: Font = { size: 11, family: 'sans' };
const rowHeight = 24;
const gap = 20;
const sample = 34;

/** One entry: something drawn and what it means. */
interface Entry {
  readonly width: number;
  readonly draw: (x: number, y: number) => string;
}

/** Explains what the picture uses, and nothing else; wrapped to `room` pixels. Height 0 when all is plain. */
export function drawLegend(diagram: Diagram, colours: ReadonlyMap<string, number>, room: number): Card {
  const rows = [wrapped(lineEntries(diagram), room), wrapped(networkEntries(diagram, colours), room)].flat();
  return {
    width: Math.max(0, ...rows.map(({ width }) => width)),
    height: rows.length * rowHeight,
    draw: (x, y) =>
      [
        '<g class="legend">',
        ...rows.flatMap(({ entries }, row) =>
          entries.map(({ entry, left }) => entry.draw(x + left, y + row * rowHeight)),
        ),
        '</g>',
      ].join(''),
  };
}

function lineEntries({ dependencies, mounts, volumes }: Diagram): Entry[] {
  const states = new Set(
    dependencies.filter(({ required }) => required).map(({ condition }) => conditionText(condition)),
  );
  const entries: Entry[] = [];
  if (states.has('started')) entries.push(lineEntry('started', 'started', 'needs started'));
  if (states.has('healthy')) entries.push(lineEntry('healthy', 'healthy', 'needs healthy'));
  if (states.has('completed')) entries.push(lineEntry('completed', 'completed', 'needs completed'));
  if (dependencies.some(({ required }) => !required)) {
    entries.push(lineEntry('started optional', 'started', 'optional'));
  }
  if (mounts.length > 0) entries.push(lineEntry('mount', undefined, 'mounts volume'));
  if (volumes.some(({ external }) => external)) entries.push(frameEntry('external volume'));
  return entries;
}

function networkEntries(diagram: Diagram, colours: ReadonlyMap<string, number>): Entry[] {
  return namedNetworks(diagram).map(({ key, internal, external }) => {
    const pill = networkPill(key, colours.get(key) ?? 0);
    const notes = ['network', ...(internal ? ['internal'] : []), ...(external ? ['external'] : [])].join(', ');
    return {
      width: pill.width + 6 + widthOf(notes, font),
      draw: (x, y) => `${pill.draw(x, y)}${text(x + pill.width + 6, y + 13, 'note', notes)}`,
    };
  });
}

function lineEntry(kind: string, head: string | undefined, meaning: string): Entry {
  const end = head === undefined ? '' : ` marker-end="url(#${head})"`;
  return {
    width: sample + 7 + widthOf(meaning, font),
    draw: (x, y) =>
      `<path class="line ${kind}" d="M${x} ${y + 9}h${sample}"${end}/>${text(x + sample + 7, y + 13, 'note', meaning)}`,
  };
}

function frameEntry(meaning: string): Entry {
  return {
    width: 22 + 7 + widthOf(meaning, font),
    draw: (x, y) =>
      `<g class="volume external"><path d="M${x} ${y + 2}h22v14h-22z"/></g>${text(x + 29, y + 13, 'note', meaning)}`,
  };
}

interface Row {
  readonly entries: readonly { readonly entry: Entry; readonly left: number }[];
  readonly width: number;
}

function wrapped(entries: readonly Entry[], room: number): Row[] {
  const rows: { entries: { entry: Entry; left: number }[]; width: number }[] = [];
  for (const entry of entries) {
    let row = rows.at(-1);
    if (row === undefined || row.width + gap + entry.width > room) rows.push((row = { entries: [], width: -gap }));
    const left = Math.round(row.width + gap);
    row.entries.push({ entry, left });
    row.width = left + entry.width;
  }
  return rows;
}
