import { messageOf, TscomposeError } from '../../base/errors.js';

/** What could not be found out, for the service that wants it. */
export function unresolved(
  failure: unknown,
  { service, entry, at }: { service: string | undefined; entry: string; at: TscomposeError['at'] },
): TscomposeError<'lock/unresolved'> {
  const hint = failure instanceof TscomposeError ? failure.hint : undefined;
  return new TscomposeError({
    code: 'lock/unresolved',
    message: `cannot lock ${entry}${service === undefined ? '' : ` of service "${service}"`}: ${messageOf(failure)}`,
    facts: { service, entry },
    hint,
    at,
    cause: failure,
  });
}
