import { type ErrorCode, TscomposeError } from '../../base/errors.js';

/** Says in front of a failure's message what was attempted, where clients know it so from dockerd. */
export async function within<T>(attempted: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TscomposeError)) throw error;
    throw retold(`${attempted}: ${error.message}`, error);
  }
}

function retold<Code extends ErrorCode>(message: string, error: TscomposeError<Code>): TscomposeError<Code> {
  const { code, facts, hint, at } = error;
  return new TscomposeError({ code, facts, hint, at, message, cause: error });
}
