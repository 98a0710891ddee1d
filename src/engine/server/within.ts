import { type ErrorCode, hasCode, TscomposeError } from '../../base/errors.js';

/**
 * Says in front of a failure's message what was attempted, where clients know it so from dockerd.
 * @param except - codes of failures that come before the attempt, and stay as they are
 */
export async function within<T>(
  attempted: string,
  work: () => Promise<T>,
  except: readonly ErrorCode[] = [],
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TscomposeError) || except.some((code) => hasCode(error, code))) throw error;
    throw retold(`${attempted}: ${error.message}`, error);
  }
}

function retold<Code extends ErrorCode>(message: string, error: TscomposeError<Code>): TscomposeError<Code> {
  const { code, facts, hint, at } = error;
  return new TscomposeError({ code, facts, hint, at, message, cause: error });
}
