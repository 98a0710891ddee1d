import { isAbsolute, relative } from 'node:path';
import { TscomposeError } from './errors.js';
import { renderLocation, type SourceLocation } from './source-location.js';
import { textWidth, truncate, truncateStart, wrapWords } from './text-width.js';

export interface DiagnosticOptions {
  /** Text of a user's file, for the line under the message; undefined where it cannot be had. */
  readonly source: (file: string) => string | undefined;
  /** Files below this folder are named relative to it. */
  readonly relativeTo?: string;
  /** Cells of the terminal: sentences are broken at words, the line of the file is cut around the caret. */
  readonly columns?: number | undefined;
}

/**
 * A failure as people read it: place and message, the line with a caret below, causes, hint and code.
 * Several problems follow each other, ended by their count. No stack traces; ends without a line feed.
 */
export function renderDiagnostic(error: TscomposeError, options: DiagnosticOptions): string {
  const problems = flatten(error);
  const blocks = problems.map((problem) => renderOne(problem, options));
  return problems.length > 1 ? [...blocks, `${problems.length} problems`].join('\n') : blocks.join('\n');
}

/** The failures in `problems/several`, at any depth; otherwise the failure itself. */
export function flatten(error: TscomposeError): readonly TscomposeError[] {
  if (error.code !== 'problems/several' || !('problems' in error.facts)) return [error];
  return error.facts.problems.flatMap(flatten);
}

function renderOne(error: TscomposeError, options: DiagnosticOptions): string {
  const at = error.at === undefined ? undefined : shown(error.at, options.relativeTo);
  const place = at === undefined ? '' : `${renderLocation(at)}: `;
  const [message = '', ...details] = error.message.split('\n');
  const told = (line: string): readonly string[] => wrapWords(line, options.columns);
  const code = `[${error.code}]`;
  return [
    ...told(`${place}${message}`),
    ...(error.at === undefined ? [] : excerpt(error.at, options)),
    ...details.flatMap(told),
    ...causes(error).flatMap((cause) => told(`  because: ${cause}`)),
    ...told(error.hint === undefined ? `  ${code}` : `  hint: ${error.hint}   ${code}`),
  ].join('\n');
}

function shown(at: SourceLocation, relativeTo: string | undefined): SourceLocation {
  if (relativeTo === undefined || !isAbsolute(at.file)) return at;
  const file = relative(relativeTo, at.file);
  return file === '' || file.startsWith('..') ? at : { ...at, file };
}

/** The line with its number, and carets under the marked text. Tabs stay, so that the carets stand right. */
function excerpt(at: SourceLocation, { source, columns }: DiagnosticOptions): string[] {
  const line = (at.lineText ?? source(at.file)?.split('\n')[at.line - 1])?.trimEnd();
  if (line === undefined || line === '') return [];
  const number = String(at.line).padStart(5);
  const begin = Math.min(at.column - 1, line.length);
  const end = Math.min(line.length, begin + Math.max(1, at.length ?? 1));
  const marked: Marked = { before: line.slice(0, begin), text: line.slice(begin, end), after: line.slice(end) };
  const room = columns === undefined ? Infinity : Math.max(20, columns - number.length - 3);
  const { before, text, after } = windowOf(marked, room);
  const carets = '^'.repeat(Math.max(1, textWidth(text)));
  return [
    `${number} | ${before}${text}${after}`,
    `${' '.repeat(number.length)} | ${before.replace(/[^\t]+/g, (part) => ' '.repeat(textWidth(part)))}${carets}`,
  ];
}

/** A line of a file in three parts. */
interface Marked {
  readonly before: string;
  readonly text: string;
  readonly after: string;
}

/** What of the line is shown: the marked text as far as it fits, and what is near it; `…` stands for the rest. */
function windowOf(line: Marked, room: number): Marked {
  const whole = line.before + line.text + line.after;
  if (textWidth(whole) + tabCells * (whole.split('\t').length - 1) <= room) return line;
  const flat = (part: string): string => part.replaceAll('\t', ' ');
  const text = truncate(
    flat(line.text),
    room - Math.min(textWidth(flat(line.before)), Math.max(12, Math.floor(room / 3))),
  );
  const rest = room - textWidth(text);
  const after = flat(line.after);
  const before = truncateStart(flat(line.before), Math.max(Math.floor((rest * 2) / 3), rest - textWidth(after)));
  return { before, text, after: truncate(after, rest - textWidth(before)) };
}

/** Cells a tab takes at most. */
const tabCells = 8;
/** Messages below the error, each once: a message does not repeat its cause. */
function causes(error: Error): string[] {
  const messages: string[] = [];
  for (let cause = error.cause; cause instanceof Error && messages.length < 5; cause = cause.cause) {
    const [first = ''] = cause.message.split('\n');
    if (first !== '' && !messages.includes(first) && !error.message.includes(first)) messages.push(first);
  }
  return messages;
}
