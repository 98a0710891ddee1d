import { TscomposeError } from '../../../base/errors.js';
import type { SourceLocation } from '../../../base/source-location.js';
import '../errors.js';

/** Docker's wording, so that tools which look for the line number in it go on working. */
export function syntaxError(
  at: SourceLocation,
  message: string,
  instruction?: string,
  hint?: string,
): TscomposeError<'build/syntax'> {
  return new TscomposeError({
    code: 'build/syntax',
    message: `dockerfile parse error on line ${at.line}: ${message}`,
    facts: { line: at.line, ...(instruction === undefined ? {} : { instruction: instruction.toUpperCase() }) },
    hint,
    at,
  });
}
