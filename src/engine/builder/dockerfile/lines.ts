import type { SourceLocation } from '../../../base/source-location.js';
import { type Heredoc, readHeredocMarks } from './heredoc.js';
import { syntaxError } from './syntax-error.js';

export interface ParserDirectives {
  readonly escape: '\\' | '`';
  readonly syntax?: string;
  /** Which checks are made, and whether they fail the build: `skip=A,B;error=true`. */
  readonly check?: { readonly text: string; readonly at: SourceLocation };
}

/** One instruction with its continuation lines joined and its heredocs taken in. */
export interface LogicalLine {
  readonly keyword: string;
  /** What follows the keyword, trimmed. */
  readonly rest: string;
  readonly heredocs: readonly Heredoc[];
  readonly at: SourceLocation;
  /** Comment lines directly above, without their `#`. */
  readonly comments: readonly string[];
  /** Empty lines between its continued ones. */
  readonly emptyLines: readonly SourceLocation[];
  /** Where `token` stands in the file, for an error about it; the instruction's own place when it is not found. */
  locate(token: string): SourceLocation;
}

const heredocKeywords = new Set(['RUN', 'COPY', 'ADD']);
/** Their heredocs are files, byte for byte; in those of RUN, for a shell, a CR before the line feed is never meant. */
const fileKeywords = new Set(['COPY', 'ADD']);

/**
 * Cuts a Dockerfile into instructions (Dockerfile reference, "Format", "Parser directives", "Here-Documents").
 * Comment lines and empty lines inside a continued instruction are dropped.
 * @throws `build/syntax` for a bad or repeated directive and for a heredoc without an end
 */
export function readLines(text: string, file: string): { directives: ParserDirectives; lines: LogicalLine[] } {
  const raw = text.replace(/^\u{feff}/u, '').split('\n');
  const physical = raw.map((line) => line.replace(/\r$/, ''));
  const directives = readDirectives(physical, file);
  const lines: LogicalLine[] = [];
  for (let index = 0; index < physical.length;) {
    const start = index;
    let joined = '';
    const emptyLines: SourceLocation[] = [];
    let continued = true;
    for (; continued && index < physical.length; index++) {
      const line = physical[index] ?? '';
      if (isComment(line)) {
        if (index === start) break;
        continue;
      }
      if (index > start && line.trim() === '') {
        emptyLines.push({ file, line: index + 1, column: 1 });
        continue;
      }
      const part = index === start ? line.trimStart() : line;
      const cut = withoutContinuation(part, directives.escape);
      continued = cut !== undefined;
      joined += cut ?? part;
    }
    if (index === start) index++; // a comment of its own
    const statement = joined.trim();
    if (statement === '') continue;
    const head = /^(\S+)\s*([^]*)$/.exec(statement);
    const keyword = head?.[1] ?? statement;
    const rest = head?.[2] ?? '';
    const at = locationOf(physical, file, start, keyword);
    const bodyStart = index;
    const heredocs: Heredoc[] = [];
    const effective = effectiveKeyword(keyword, rest);
    if (heredocKeywords.has(effective)) {
      const bodyLines = fileKeywords.has(effective) ? raw : physical;
      for (const mark of readHeredocMarks(rest, directives.escape)) {
        const body: string[] = [];
        for (; ; index++) {
          const line = physical[index];
          if (line === undefined) throw syntaxError(at, `unterminated heredoc ${mark.name}`, keyword);
          const shown = (text: string): string => (mark.stripTabs ? text.replace(/^\t+/, '') : text);
          if (shown(line) === mark.name) break;
          body.push(`${shown(bodyLines[index] ?? '')}\n`);
        }
        index++;
        heredocs.push({ name: mark.name, content: body.join(''), expand: mark.expand });
      }
    }
    const end = bodyStart;
    lines.push({
      keyword,
      rest,
      heredocs,
      at,
      comments: commentsAbove(physical, start),
      emptyLines,
      locate: (token) => locateToken(physical, file, start, end, token) ?? at,
    });
  }
  return { directives, lines };
}

function readDirectives(physical: readonly string[], file: string): ParserDirectives {
  const seen = new Map<string, string>();
  let checkAt: SourceLocation | undefined;
  for (const [index, line] of physical.entries()) {
    const match = /^\s*#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line);
    const name = match?.[1]?.toLowerCase();
    const value = match?.[2];
    if (name === undefined || value === undefined || !['escape', 'syntax', 'check'].includes(name)) break;
    const at = { file, line: index + 1, column: 1, length: line.length };
    if (seen.has(name)) throw syntaxError(at, `only one ${name} parser directive can be used`);
    if (name === 'escape' && value !== '\\' && value !== '`') {
      throw syntaxError(at, `invalid escape token '${value}' does not match \` or \\`);
    }
    seen.set(name, value);
    if (name === 'check') checkAt = at;
  }
  const syntax = seen.get('syntax');
  const check = seen.get('check');
  return {
    escape: seen.get('escape') === '`' ? '`' : '\\',
    ...(syntax === undefined ? {} : { syntax }),
    ...(check === undefined || checkAt === undefined ? {} : { check: { text: check, at: checkAt } }),
  };
}

function commentsAbove(physical: readonly string[], start: number): string[] {
  const comments: string[] = [];
  for (let index = start - 1; index >= 0 && isComment(physical[index] ?? ''); index--) {
    comments.unshift((physical[index] ?? '').trim().slice(1).trim());
  }
  return comments;
}

function effectiveKeyword(keyword: string, rest: string): string {
  const upper = keyword.toUpperCase();
  return upper === 'ONBUILD' ? (/^\S+/.exec(rest)?.[0].toUpperCase() ?? '') : upper;
}

function isComment(line: string): boolean {
  return line.trimStart().startsWith('#');
}

/** The line without its continuation mark; undefined when it has none. A doubled escape character is none. */
function withoutContinuation(line: string, escape: '\\' | '`'): string | undefined {
  const trimmed = line.replace(/[ \t]+$/, '');
  if (!trimmed.endsWith(escape) || trimmed.endsWith(escape + escape)) return undefined;
  return trimmed.slice(0, -1);
}

function locationOf(physical: readonly string[], file: string, index: number, token: string): SourceLocation {
  const column = (physical[index] ?? '').indexOf(token);
  return { file, line: index + 1, column: Math.max(column, 0) + 1, length: token.length };
}

function locateToken(
  physical: readonly string[],
  file: string,
  start: number,
  end: number,
  token: string,
): SourceLocation | undefined {
  if (token === '') return undefined;
  for (let index = start; index < end; index++) {
    const column = (physical[index] ?? '').indexOf(token);
    if (column >= 0) return { file, line: index + 1, column: column + 1, length: token.length };
  }
  return undefined;
}
