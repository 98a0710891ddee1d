import { isBlank, newline, space, tab } from './yaml-characters.js';

interface BlockScalar {
  readonly text: string;
  /** Offset behind it: of the first line that does not belong to it. */
  readonly end: number;
}

const header = /[|>](?:([-+])([1-9])?|([1-9])([-+])?)?(?: +#[^\n]*| *)(?:\n|$)/y;

/**
 * Reads a block scalar (`|` or `>`) whose indicator is at `start`, in a collection `parent` columns deep.
 * A last line that ends with the file has no line break to keep, as docker compose has it.
 * @returns undefined when the indicator or the indentation is not as it should be
 */
export function blockScalar(source: string, start: number, parent: number): BlockScalar | undefined {
  header.lastIndex = start;
  const match = header.exec(source);
  if (match === null) return undefined;
  const chomping = match[1] ?? match[4];
  const stated = match[2] ?? match[3];
  const literal = source.charAt(start) === '|';
  let at = start + match[0].length;
  let indent = stated === undefined ? 0 : Math.max(parent, 0) + Number(stated);

  /** Skips empty lines and the indentation of the next one; counts the line breaks. */
  const emptyLines = (): number => {
    let breaks = 0;
    let deepest = 0;
    for (;;) {
      const lineStart = at;
      while ((indent === 0 || at - lineStart < indent) && source.charCodeAt(at) === space) at++;
      deepest = Math.max(deepest, at - lineStart);
      if (source.charCodeAt(at) === tab && (indent === 0 || at - lineStart < indent)) indent = Infinity; // not allowed
      if (source.charCodeAt(at) !== newline) break;
      at++;
      breaks++;
    }
    if (indent === 0) indent = Math.max(deepest, parent + 1, 1);
    return breaks;
  };
  const column = (): number => at - source.lastIndexOf('\n', at - 1) - 1;

  let text = '';
  let breaks = emptyLines();
  let ended = false; // by a line break, the line before
  let deeper = false; // the line before starts with a blank: kept as it is
  while (column() === indent && at < source.length) {
    const blank = isBlank(source.charCodeAt(at));
    if (ended) {
      if (literal || deeper || blank) text += '\n';
      else if (breaks === 0) text += ' ';
    }
    text += '\n'.repeat(breaks);
    deeper = blank;
    const lineEnd = source.indexOf('\n', at);
    text += source.slice(at, lineEnd === -1 ? source.length : lineEnd);
    ended = lineEnd !== -1;
    at = ended ? lineEnd + 1 : source.length;
    breaks = emptyLines();
  }
  if (indent === Infinity || column() > indent) return undefined;
  if (ended && chomping !== '-') text += '\n';
  if (chomping === '+') text += '\n'.repeat(breaks);
  return { text, end: source.lastIndexOf('\n', at - 1) + 1 };
}
