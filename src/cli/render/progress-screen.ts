import { sgr, type Style } from './style.js';
import { padTo, textWidth, truncate, truncateMiddle } from '../../base/text-width.js';

export type RowState = 'working' | 'done' | 'failed' | 'warning';

/** One thing and how far it has come. */
export interface ScreenRow {
  readonly subject: string;
  readonly state: RowState;
  readonly status: string;
  readonly detail: string;
  readonly elapsedMs: number;
}

export interface ScreenSize {
  readonly columns: number;
  /** Lines at most; undefined: all of them, as for the last picture that stays. */
  readonly lines?: number;
}

/**
 * Header and one line a thing: ` ✔ Container hitos-web-1  Started  0.3s`. No line is wider than the screen.
 * What does not fit goes in this order: details, then the middles of names; where lines are short, what is done.
 */
export function drawScreen(
  operation: string,
  rows: readonly ScreenRow[],
  size: ScreenSize,
  spinner: string,
  style: Style,
): string[] {
  const finished = rows.filter(({ state }) => state !== 'working').length;
  const header = `[+] ${operation} ${finished}/${rows.length}`;
  const shown = size.lines === undefined ? rows : mostTelling(rows, Math.max(1, size.lines - 1));
  const hidden = rows.length - shown.length;
  const layout = layOut(shown, size.columns);
  const lines = shown.map((row) => drawRow(row, layout, spinner, style));
  const more = hidden > 0 ? [style.paint(sgr.dim, truncate(`   … and ${hidden} more`, size.columns))] : [];
  return [truncate(header, size.columns), ...lines, ...more];
}

interface Layout {
  readonly columns: number;
  readonly subject: number;
  readonly status: number;
  readonly time: number;
}

const iconCells = 3; // space, icon, space
const gap = 2;

function layOut(rows: readonly ScreenRow[], columns: number): Layout {
  const widest = (text: (row: ScreenRow) => string): number => Math.max(0, ...rows.map((row) => textWidth(text(row))));
  const status = widest(({ status }) => status);
  const time = widest(({ elapsedMs }) => seconds(elapsedMs));
  const room = columns - iconCells - gap - status - gap - time;
  const subject = Math.max(
    Math.min(12, columns - iconCells),
    Math.min(
      widest(({ subject }) => subject),
      room,
    ),
  );
  return { columns, subject, status, time };
}

function drawRow(row: ScreenRow, layout: Layout, spinner: string, style: Style): string {
  const [icon, colour] = icons[row.state] ?? [spinner, sgr.cyan];
  const subject = padTo(truncateMiddle(row.subject, layout.subject), layout.subject);
  const time = seconds(row.elapsedMs).padStart(layout.time);
  const afterSubject = layout.columns - iconCells - layout.subject;
  const withTime = afterSubject >= gap + layout.status + gap + layout.time;
  const status = truncate(row.status, Math.max(0, withTime ? layout.status : afterSubject - gap));
  const detailRoom = afterSubject - gap - layout.status - gap - layout.time - gap;
  const detail =
    row.detail === '' || detailRoom < 8 ? '' : `  ${style.paint(sgr.dim, truncate(row.detail, detailRoom))}`;
  const paddedStatus = status + ' '.repeat(withTime ? layout.status - textWidth(status) : 0);
  const tail = withTime ? `${' '.repeat(gap)}${style.paint(sgr.dim, time)}${detail}` : '';
  const head = truncate(subject, Math.max(0, layout.columns - iconCells));
  const middle = status === '' ? '' : `${' '.repeat(gap)}${style.paint(colour, paddedStatus)}`;
  return ` ${style.paint(colour, icon)} ${head}${middle}${tail}`.replace(/ +$/, '');
}

const icons: Readonly<Partial<Record<RowState, readonly [icon: string, colour: string]>>> = {
  done: ['✔', sgr.green],
  failed: ['✘', sgr.red],
  warning: ['!', sgr.yellow],
};

/** Where not all rows fit: failures and work under way first, then what finished last. Order on screen stays. */
function mostTelling(rows: readonly ScreenRow[], room: number): readonly ScreenRow[] {
  if (rows.length <= room) return rows;
  const rank: Readonly<Record<RowState, number>> = { failed: 0, working: 1, warning: 2, done: 3 };
  const chosen = rows
    .map((row, index) => ({ row, index }))
    .sort((a, b) => rank[a.row.state] - rank[b.row.state] || b.index - a.index)
    .slice(0, Math.max(0, room - 1)); // one line says how many are missing
  return chosen.sort((a, b) => a.index - b.index).map(({ row }) => row);
}

function seconds(elapsedMs: number): string {
  return `${(elapsedMs / 1_000).toFixed(1)}s`;
}
