import { readFileSync } from 'node:fs';
import { bugMessage, bugText } from '../base/bug-text.js';
import { flatten, renderDiagnostic } from '../base/diagnostic.js';
import { hasCode, isFailure, TscomposeError } from '../base/errors.js';
import type { SourceLocation } from '../base/source-location.js';
import { exitCodes } from './interrupts.js';
import { sgr, styleFor } from './render/style.js';
import type { OutputStream, Terminal } from './terminal.js';

export type ErrorFormat = 'text' | 'json' | 'progress-json';

/** Writes a failure to standard error and gives the exit code it means. */
export function reportError(error: unknown, format: ErrorFormat, terminal: Terminal): number {
  if (hasCode(error, 'cli/interrupted')) return exitCodes.interrupted;
  if (isFailure(error)) writeFailure(error, format, terminal);
  else writeBug(error, format, terminal);
  return exitCodes.failure;
}

function writeFailure(error: TscomposeError, format: ErrorFormat, terminal: Terminal): void {
  const { stderr } = terminal;
  switch (format) {
    case 'json': // one object a problem, for tools that mark places in files
      for (const problem of flatten(error)) stderr.write(`${JSON.stringify(machineForm(problem))}\n`);
      return;
    case 'progress-json': // docker compose's form
      stderr.write(`${JSON.stringify({ error: true, message: flatten(error).map(plainMessage).join('\n') })}\n`);
      return;
    case 'text':
      stderr.write(`${errorText(error, stderr, terminal)}\n`);
      return;
  }
}

/** As people read it on `stream`, without a line's end. */
export function errorText(error: TscomposeError, stream: OutputStream, { cwd, environment }: Terminal): string {
  const diagnostic = renderDiagnostic(error, { source: readOrNothing, relativeTo: cwd, columns: stream.columns });
  const style = styleFor(stream, 'auto', environment);
  return diagnostic
    .replace(/^ +\| +\^+$/gm, (caret) => style.paint(sgr.red, caret))
    .replace(/\[[a-z]+\/[a-z-]+\]$/gm, (code) => style.paint(sgr.dim, code));
}

function writeBug(error: unknown, format: ErrorFormat, { stderr, environment }: Terminal): void {
  if (format === 'text') stderr.write(bugText(error, environment));
  else stderr.write(`${JSON.stringify({ error: true, message: bugMessage(error) })}\n`);
}

/** For programs: code, message, hint, place and facts. */
export function machineForm(error: TscomposeError): Record<string, unknown> {
  return {
    error: true,
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.at === undefined ? {} : placeForm(error.at)),
    facts: error.facts,
  };
}

/** A place for programs: columns from 1, `endColumn` behind the last character marked, `source` the line as it stands. */
export function placeForm({ file, line, column, length, lineText }: SourceLocation): Record<string, unknown> {
  return {
    file,
    line,
    column,
    ...(length === undefined ? {} : { endColumn: column + length }),
    ...(lineText === undefined ? {} : { source: lineText }),
  };
}

function plainMessage(error: TscomposeError): string {
  return error.at === undefined
    ? error.message
    : `${error.at.file}:${error.at.line}:${error.at.column}: ${error.message}`;
}

function readOrNothing(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined; // standard input, or gone meanwhile: the message stands without its line
  }
}
