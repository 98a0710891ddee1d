import { splitWords } from './words.js';

export interface HeredocMark {
  readonly name: string;
  /** `<<-`: leading tabs are taken off each line. */
  readonly stripTabs: boolean;
  readonly expand: boolean;
}

/** An inline file: `<<NAME`, `<<-NAME` or `<<"NAME"` and the lines up to its end mark. */
export interface Heredoc {
  readonly name: string;
  /** Ends with a newline unless it is empty; leading tabs are gone where `<<-` asked for it. */
  readonly content: string;
  /** Variables are expanded; false where the end mark was quoted. */
  readonly expand: boolean;
}

/** The heredocs that a line announces, in order. `<<<` and marks inside quotes are none. */
export function readHeredocMarks(text: string, escape: string): HeredocMark[] {
  return splitWords(text, escape)
    .map(parseHeredocMark)
    .filter((mark) => mark !== undefined);
}

/** `<<EOF`, `3<<-"EOF"`; undefined for any other word. */
export function parseHeredocMark(word: string): HeredocMark | undefined {
  const match = /^\d*<<(-?)([^<]+)$/.exec(word);
  const quoted = match?.[2];
  if (quoted === undefined) return undefined;
  const name = quoted.replace(/["'\\]/g, '');
  if (name === '' || /[\s$()]/.test(name)) return undefined;
  return { name, stripTabs: match?.[1] === '-', expand: name === quoted };
}
