import { stripVTControlCharacters } from 'node:util';

/** Cells a text takes on a terminal. Escape sequences take none, East Asian wide characters and emoji two. */
export function textWidth(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter().segment(stripVTControlCharacters(text))) width += segmentWidth(segment);
  return width;
}

/** Cuts a text without escape sequences to at most `cells`, with `…` where something was cut. */
export function truncate(text: string, cells: number): string {
  if (cells <= 0) return '';
  if (textWidth(text) <= cells) return text;
  let width = 0;
  let kept = '';
  for (const { segment } of segmenter().segment(text)) {
    width += segmentWidth(segment);
    if (width > cells - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** As `truncate`, but keeps both ends: names of containers differ at the end. */
export function truncateMiddle(text: string, cells: number): string {
  if (cells < 12 || textWidth(text) <= cells) return truncate(text, cells);
  const segments = Array.from(segmenter().segment(text), ({ segment }) => segment);
  const tail: string[] = [];
  const tailCells = Math.floor((cells - 1) / 2);
  for (let width = 0; segments.length > 0;) {
    width += segmentWidth(segments.at(-1) ?? '');
    if (width > tailCells) break;
    tail.unshift(segments.pop() ?? '');
  }
  const end = tail.join('');
  return truncate(segments.join(''), cells - textWidth(end)) + end;
}

export function padTo(text: string, cells: number): string {
  return text + ' '.repeat(Math.max(0, cells - textWidth(text)));
}

let shared: Intl.Segmenter | undefined;
function segmenter(): Intl.Segmenter {
  shared ??= new Intl.Segmenter();
  return shared;
}

const wide =
  /^(?:[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}])/u;
const zero = /^[\p{Control}\p{Mark}\p{Format}]+$/u;

function segmentWidth(segment: string): number {
  if (zero.test(segment)) return 0;
  return wide.test(segment) || segment.includes('\ufe0f') ? 2 : 1;
}
