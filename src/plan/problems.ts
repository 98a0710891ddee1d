import { isFailure, TscomposeError } from '../base/errors.js';

/** Throws nothing where there are none, one as it is. @throws `problems/several` */
export function throwAll(problems: readonly TscomposeError[]): void {
  const [first, ...more] = problems;
  if (first === undefined) return;
  if (more.length === 0) throw first;
  throw new TscomposeError({
    code: 'problems/several',
    message: `${problems.length} problems`,
    facts: { problems },
  });
}

/** A failure is added to the problems, so that the others are found as well; a bug is thrown. */
export function attempted<T>(problems: TscomposeError[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isFailure(error)) throw error;
    problems.push(error);
    return undefined;
  }
}
