interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * A text under change: edits are noted by offsets of the original and applied together, so that whatever is not
 * touched stays byte for byte as it was. Edits may nest only through {@link slice}.
 */
export class Sheet {
  readonly text: string;
  #edits: Edit[] = [];

  constructor(text: string) {
    this.text = text;
  }

  /** `\r\n` where the text has it. */
  get lineBreak(): string {
    return this.text.includes('\r\n') ? '\r\n' : '\n';
  }

  replace(start: number, end: number, text: string): void {
    this.#edits.push({ start, end, text });
  }

  /** Several insertions at one place follow each other in the order they were made. */
  insert(at: number, text: string): void {
    this.replace(at, at, text);
  }

  /** The range as edited so far. The edits within are taken out: the caller puts the result somewhere. */
  slice(start: number, end: number): string {
    const within = this.#edits.filter((edit) => edit.start >= start && edit.end <= end);
    this.#edits = this.#edits.filter((edit) => !within.includes(edit));
    return apply(this.text, within, start, end);
  }

  /** Takes a range of the text out and gives what it held. */
  cut(start: number, end: number): string {
    const held = this.slice(start, end);
    this.replace(start, end, '');
    return held;
  }

  render(): string {
    return apply(this.text, this.#edits, 0, this.text.length);
  }

  lineStart(at: number): number {
    return this.text.lastIndexOf('\n', at - 1) + 1;
  }

  /** Offset behind the line break, or the end of the text. */
  nextLine(at: number): number {
    const end = this.text.indexOf('\n', at);
    return end < 0 ? this.text.length : end + 1;
  }

  /** The blanks before the first character of the line. */
  indentation(at: number): string {
    return /^ */.exec(this.text.slice(this.lineStart(at)))?.[0] ?? '';
  }
}

function apply(text: string, edits: readonly Edit[], start: number, end: number): string {
  let result = '';
  let position = start;
  // Stable: of edits at one place the first one comes first, insertions before the replacement that starts there.
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    result += text.slice(position, edit.start) + edit.text;
    position = edit.end;
  }
  return result + text.slice(position, end);
}

/** Lines moved to the right; blank ones stay blank. */
export function indented(lines: string, by: string): string {
  return lines.replace(/^(?=.*[^\s])/gm, by);
}
