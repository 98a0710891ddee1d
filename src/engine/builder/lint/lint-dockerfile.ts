import type { Dockerfile } from '../dockerfile/ast.js';
import { checkInstructions } from './check-instructions.js';
import { checkLines } from './check-lines.js';
import { checkDoubles, checkStages } from './check-stages.js';
import type { LintFacts } from './facts.js';
import { lintOptions } from './lint-options.js';
import type { LintWarning } from './rules.js';

export interface Lint {
  /** In the order of the file. */
  readonly warnings: readonly LintWarning[];
  /** The Dockerfile wants them to fail the build. */
  readonly asError: boolean;
}

/**
 * Looks for the classic mistakes, in all stages, without building anything.
 * @throws `build/syntax` for a check directive that is none
 */
export function lintDockerfile(dockerfile: Dockerfile, facts: LintFacts): Lint {
  const { makes, asError } = lintOptions(dockerfile.check);
  const warnings = [
    ...checkLines(dockerfile),
    ...checkStages(dockerfile, (text) => facts.isReference(text)),
    ...dockerfile.stages.flatMap(checkDoubles),
    ...checkInstructions(dockerfile, facts),
  ];
  return {
    asError,
    warnings: warnings
      .filter(({ rule }) => makes(rule))
      .sort((left, right) => left.at.line - right.at.line || left.at.column - right.at.column),
  };
}
