import { TscomposeError } from './errors.js';

/**
 * A command line that cannot be meant, or a setting that stands for a flag.
 * @param argument - the flag or setting, as people write it; undefined where no single one is wrong
 */
export function invalidUsage(
  argument: string | undefined,
  message: string,
  hint?: string,
): TscomposeError<'usage/invalid'> {
  return new TscomposeError({
    code: 'usage/invalid',
    message,
    facts: argument === undefined ? {} : { argument },
    hint,
  });
}
