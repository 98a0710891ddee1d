import type { Timeline, TimelineBar, TimelinePhase, TimelineRow } from '../../execute/index.js';
import { sgr, type Style } from './style.js';
import { padTo, textWidth, truncateMiddle, wrapWords } from '../../base/text-width.js';

export interface TimelineLayout {
  /** Cells a line may take. */
  readonly columns: number;
  readonly style: Style;
  /** False where block characters may not come through. */
  readonly blocks: boolean;
}

const marks: Readonly<Record<TimelinePhase, readonly [block: string, ascii: string]>> = {
  pull: ['▒', '='],
  build: ['▒', '='],
  create: ['░', '.'],
  start: ['█', '#'],
  probe: ['╌', '~'],
  wait: ['─', '-'],
  stop: ['▓', 'x'],
  other: ['·', ':'],
};
const leastBar = 10;
const mostName = 28;

/** A waterfall: a line for each thing, in the order of their first steps; `*` marks the critical path. */
export function renderTimeline(timeline: Timeline, { columns, style, blocks }: TimelineLayout): string[] {
  const rows = timeline.rows();
  if (rows.length === 0) return ['nothing was done'];
  const total = timeline.totalMs;
  const texts = rows.map((row) => row.bars.map(barText).join(', '));
  const nameCells = Math.min(mostName, Math.max(...rows.map((row) => textWidth(nameOf(row)))), Math.floor(columns / 3));
  const textCells = Math.max(...texts.map(textWidth));
  const free = columns - 2 - nameCells - 2;
  // A narrow screen shows the bars and tells the times of the critical path below.
  const withTexts = free - textCells - 2 >= leastBar;
  const barCells = Math.max(leastBar, withTexts ? free - textCells - 2 : free);
  const lines = rows.map((row, index) => {
    const critical = row.bars.some((bar) => bar.critical);
    const name = padTo(truncateMiddle(nameOf(row), nameCells), nameCells);
    const bar = draw(row.bars, total, barCells, blocks);
    const text = withTexts ? `  ${texts[index] ?? ''}` : '';
    const line = `${critical ? '*' : ' '} ${name}  ${bar}${text}`.trimEnd();
    return critical ? style.paint(sgr.bold, line) : line;
  });
  const shown = new Set(rows.flatMap(({ bars }) => bars.map(({ phase }) => phase)));
  const legend = [...shown].map((phase) => `${markOf(phase, blocks)} ${phase}`).join('  ');
  const path = timeline.rows().flatMap((row) => row.bars.filter((bar) => bar.critical).map((bar) => ({ row, bar })));
  path.sort((a, b) => a.bar.beginMs - b.bar.beginMs);
  const steps = path.map(({ row, bar }) => `${nameOf(row)} ${barText(bar)}`);
  const sum = `${durationText(total)} in all  ${legend}`;
  return [...lines, '', ...wrapWords(sum, columns), ...wrapWords(`* ${steps.join(' → ')}`, columns)];
}

/** Chrome's trace event format: a complete event (`X`) a step, a thread a thing; times in microseconds. */
export function chromeTrace(timeline: Timeline): string {
  const events = timeline.rows().flatMap(({ subject, bars }, index) => [
    { name: 'thread_name', ph: 'M', pid: 1, tid: index + 1, args: { name: subject } },
    ...bars.map(({ label, phase, beginMs, endMs, failed, critical }) => ({
      ...{ name: label, cat: phase, ph: 'X', pid: 1, tid: index + 1 },
      ts: Math.round(beginMs * 1_000),
      dur: Math.round((endMs - beginMs) * 1_000),
      args: { critical, failed },
    })),
  ]);
  return `${JSON.stringify({ displayTimeUnit: 'ms', traceEvents: events })}\n`;
}

/** `12 ms`, `3.4 s`, `2 min 5 s` */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function draw(bars: readonly TimelineBar[], totalMs: number, cells: number, blocks: boolean): string {
  const line = Array.from({ length: cells }, () => ' ');
  const cellOf = (ms: number) => Math.min(cells - 1, Math.floor((ms / Math.max(totalMs, 1)) * cells));
  // A probe is a part of the wait that follows it.
  for (const { phase, beginMs, endMs } of bars.toSorted(
    (a, b) => Number(a.phase === 'probe') - Number(b.phase === 'probe'),
  )) {
    for (let cell = cellOf(beginMs); cell <= cellOf(Math.max(beginMs, endMs - totalMs / cells / 2)); cell++) {
      line[cell] = markOf(phase, blocks);
    }
  }
  return line.join('');
}

function markOf(phase: TimelinePhase, blocks: boolean): string {
  return marks[phase][blocks ? 0 : 1];
}

function barText({ label, beginMs, endMs, failed }: TimelineBar): string {
  return `${label}${failed ? ' failed after' : ''} ${durationText(endMs - beginMs)}`;
}

function nameOf({ subject }: TimelineRow): string {
  const [kind = '', ...name] = subject.split(' ');
  return kind === 'Container' ? name.join(' ') : `${kind.toLowerCase()} ${name.join(' ')}`;
}
