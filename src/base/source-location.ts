/** A place in a user's file. `line` and `column` count from 1, columns in UTF-16 code units. */
export interface SourceLocation {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Length of the marked text on that line, for the caret line; 1 when unknown. */
  readonly length?: number;
  /** The line itself, where the reader had it at hand; saves a renderer from reading the file again. */
  readonly lineText?: string;
}

/** `compose.yaml:12:7` */
export function renderLocation(at: SourceLocation): string {
  return `${at.file}:${at.line}:${at.column}`;
}
