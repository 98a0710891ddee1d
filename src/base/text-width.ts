import { stripVTControlCharacters } from 'node:util';

/**
 * Texts of characters that take a cell each, `…`, arrows and ticks among them: nearly all there are. Looking for graphemes
 * in the others costs 20 ms the first time, which is also why this is no library: those load what it takes at once.
 */
const simple = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u259f\u2713-\u2718]*$/;

/** Cells a text takes on a terminal. Escape sequences take none, East Asian wide characters and emoji two. */
export function textWidth(text: string): number {
  const shown = text.includes('\u001b') ? stripVTControlCharacters(text) : text;
  if (simple.test(shown)) return shown.length;
  let width = 0;
  for (const { segment } of segmenter().segment(shown)) width += segmentWidth(segment);
  return width;
}

/** Cuts a text without escape sequences to at most `cells`, with `…` where something was cut. */
export function truncate(text: string, cells: number): string {
  if (cells <= 0) return '';
  if (textWidth(text) <= cells) return text;
  if (simple.test(text)) return `${text.slice(0, cells - 1)}…`;
  let width = 0;
  let kept = '';
  for (const { segment } of segmenter().segment(text)) {
    width += segmentWidth(segment);
    if (width > cells - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** As `truncate`, but keeps the end. */
export function truncateStart(text: string, cells: number): string {
  if (cells <= 0) return '';
  return textWidth(text) <= cells ? text : `…${lastOf(text, cells - 1)}`;
}

/** As `truncate`, but keeps both ends: names of containers differ at the end. */
export function truncateMiddle(text: string, cells: number): string {
  if (cells < 12 || textWidth(text) <= cells) return truncate(text, cells);
  const end = lastOf(text, Math.floor((cells - 1) / 2));
  return truncate(text.slice(0, text.length - end.length), cells - textWidth(end)) + end;
}

/** The end of a text, as much of it as fits. */
function lastOf(text: string, cells: number): string {
  if (simple.test(text)) return text.slice(text.length - cells);
  let width = 0;
  let kept = '';
  for (const { segment } of Array.from(segmenter().segment(text)).reverse()) {
    width += segmentWidth(segment);
    if (width > cells) break;
    kept = segment + kept;
  }
  return kept;
}

export function padTo(text: string, cells: number): string {
  return text + ' '.repeat(Math.max(0, cells - textWidth(text)));
}

/**
 * Breaks a line at spaces; what continues it stands two cells further in than its beginning. A word that is too long for
 * any line keeps whole, so that addresses and paths can be taken from the screen.
 * @param columns - undefined: nothing is broken
 */
export function wrapWords(line: string, columns: number | undefined): readonly string[] {
  if (columns === undefined || textWidth(line) <= columns) return [line];
  const margin = `${/^ */.exec(line)?.[0] ?? ''}  `;
  const lines: string[] = [];
  let current = '';
  for (const word of line.split(/(?<=\S)(?= )/)) {
    if (current !== '' && textWidth(current + word) > columns) {
      lines.push(current);
      current = margin + word.trimStart();
    } else current += word;
  }
  return [...lines, current];
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
