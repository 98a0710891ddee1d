import { TscomposeError } from '../../base/errors.js';
import { chainLine, logPart, type Finding } from '../../execute/index.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    /** Something is wrong with a container; `execute` says what. */
    'execute/finding': Omit<Finding, 'at' | 'diagnosis'> & { readonly diagnosis: Finding['diagnosis']['kind'] };
  }
}

/** A finding in the form of a failure, which is how people and programs read it. */
export function findingError(finding: Finding): TscomposeError {
  const { service, container, diagnosis, chain, lastLines, at } = finding;
  const details = [...chainLine(chain), ...diagnosis.details, ...logPart(container ?? service, diagnosis, lastLines)];
  return new TscomposeError({
    code: 'execute/finding',
    message: [`service "${service}" ${diagnosis.sentence}`, ...details.map((line) => `  ${line}`)].join('\n'),
    facts: { service, container, chain, lastLines, diagnosis: diagnosis.kind },
    hint: diagnosis.hint,
    at,
  });
}
