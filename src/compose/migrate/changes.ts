import type { SourceLocation } from '../../base/source-location.js';
import type { SourceText } from '../source-text.js';
import type { Sheet } from './sheet.js';
import { endOf, type Member } from './tree.js';

/** Something that was changed, or that a person has to look at. */
export interface Change {
  readonly kind: 'change' | 'note';
  /** `services.web.log_driver → logging.driver` */
  readonly what: string;
  readonly why: string;
  /** In the file as it was. */
  readonly at: SourceLocation;
}

/** A file under migration: its text, what happens to it and what there is to say. */
export class Migration {
  readonly sheet: Sheet;
  readonly changes: Change[] = [];
  readonly #source: SourceText;

  constructor(sheet: Sheet, source: SourceText) {
    this.sheet = sheet;
    this.#source = source;
  }

  changed(what: string, why: string, [start, end]: readonly [number, number]): void {
    this.changes.push({ kind: 'change', what, why, at: this.#source.locate(start, end) });
  }

  note(what: string, why: string, [start, end]: readonly [number, number]): void {
    this.changes.push({ kind: 'note', what, why, at: this.#source.locate(start, end) });
  }

  /** From the start of the member's first line to the start of the line behind it, trailing comment included. */
  linesOf(member: Member): readonly [start: number, end: number] {
    const { sheet } = this;
    return [sheet.lineStart(member.at[0]), sheet.nextLine(endOf(member, sheet.text))];
  }

  /** {@link linesOf}, with the comments right above it. */
  linesWithComments(member: Member): readonly [start: number, end: number] {
    const { sheet } = this;
    const [first, end] = this.linesOf(member);
    let start = first;
    while (start > 0) {
      const above = sheet.lineStart(start - 1);
      if (!/^ *#/.test(sheet.text.slice(above, start))) break;
      start = above;
    }
    return [start, end];
  }

  /** Cuts the lines of a member out, or the range of lines given. They end with a line break, also at the end of the file. */
  cutLines(member: Member, range = this.linesOf(member)): string {
    const lines = this.sheet.cut(...range);
    return lines.endsWith('\n') ? lines : `${lines}${this.sheet.lineBreak}`;
  }

  /** Offset where lines that follow a member go; makes sure that it is the start of a line. */
  behind(member: Member): number {
    const [, end] = this.linesOf(member);
    if (end > 0 && this.sheet.text[end - 1] !== '\n') this.sheet.insert(end, this.sheet.lineBreak);
    return end;
  }
}
