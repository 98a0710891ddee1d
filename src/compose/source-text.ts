import type { SourceLocation } from '../base/source-location.js';

/** The text of one file as the user wrote it, with its line starts found on first demand. */
export class SourceText {
  readonly file: string;
  readonly text: string;
  #lineStarts: readonly number[] | undefined;

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
  }

  /** Line and column of an offset; `end` (exclusive) only sets the marked length, cut at the end of the line. */
  locate(start: number, end: number): SourceLocation {
    const starts = (this.#lineStarts ??= lineStartsOf(this.text));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= start) low = middle;
      else high = middle - 1;
    }
    const lineStart = starts[low] ?? 0;
    const nextLine = starts[low + 1] ?? this.text.length + 1;
    const lineText = this.text.slice(lineStart, nextLine - 1).replace(/\r$/, '');
    const length = Math.max(1, Math.min(end, lineStart + lineText.length) - start);
    return { file: this.file, line: low + 1, column: start - lineStart + 1, length, lineText };
  }
}

/** A range of a source text: offsets in UTF-16 code units, end exclusive. */
export interface Place {
  readonly source: SourceText;
  readonly start: number;
  readonly end: number;
}

export function locationOf(place: Place | undefined): SourceLocation | undefined {
  return place?.source.locate(place.start, place.end);
}

function lineStartsOf(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
