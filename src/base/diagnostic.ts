import { isAbsolute, relative } from 'node:path';
import { TscomposeError } from './errors.js';
import { renderLocation, type SourceLocation } from './source-location.js';

export interface DiagnosticOptions {
  /** Text of a user's file, for the line under the message; undefined where it cannot be had. */
  readonly source: (file: string) => string | undefined;
  /** Files below this folder are named relative to it. */
  readonly relativeTo?: string;
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
  const lines = [`${place}${message}`];
  if (error.at !== undefined) lines.push(...excerpt(error.at, options));
  lines.push(...details);
  lines.push(...causes(error).map((cause) => `  because: ${cause}`));
  const code = `[${error.code}]`;
  lines.push(error.hint === undefined ? `  ${code}` : `  hint: ${error.hint}   ${code}`);
  return lines.join('\n');
}

function shown(at: SourceLocation, relativeTo: string | undefined): SourceLocation {
  if (relativeTo === undefined || !isAbsolute(at.file)) return at;
  const file = relative(relativeTo, at.file);
  return file === '' || file.startsWith('..') ? at : { ...at, file };
}

/** The line with its number, and carets under the marked text. Tabs stay, so that the carets stand right. */
function excerpt(at: SourceLocation, { source }: DiagnosticOptions): string[] {
  const line = (at.lineText ?? source(at.file)?.split('\n')[at.line - 1])?.trimEnd();
  if (line === undefined || line === '') return [];
  const number = String(at.line).padStart(5);
  const before = line.slice(0, at.column - 1).replace(/[^\t]/g, ' ');
  const length = Math.max(1, Math.min(at.length ?? 1, line.length - at.column + 1));
  return [`${number} | ${line}`, `${' '.repeat(number.length)} | ${before}${'^'.repeat(length)}`];
}

/** Messages below the error, each once: a message does not repeat its cause. */
function causes(error: Error): string[] {
  const messages: string[] = [];
  for (let cause = error.cause; cause instanceof Error && messages.length < 5; cause = cause.cause) {
    const [first = ''] = cause.message.split('\n');
    if (first !== '' && !messages.includes(first) && !error.message.includes(first)) messages.push(first);
  }
  return messages;
}
