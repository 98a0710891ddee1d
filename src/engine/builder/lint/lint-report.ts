import type { LintReport } from '../../../api/tscompose.js';
import { hasCode, TscomposeError } from '../../../base/errors.js';
import { parseReference } from '../../../registry/index.js';
import type { ImageStore } from '../../images/index.js';
import type { OpenedContext } from '../context/open-context.js';
import type { Dockerfile } from '../dockerfile/ast.js';
import '../errors.js';
import { lintDockerfile } from './lint-dockerfile.js';
import { rules } from './rules.js';

/**
 * What is to be said of a Dockerfile beside its context, and with the images that are here.
 * @returns `failure`: what a build has to fail with, where the Dockerfile wants that
 */
export function lintReport(
  dockerfile: Dockerfile,
  context: Pick<OpenedContext, 'rules' | 'dockerfile'>,
  images: ImageStore,
): { readonly report: LintReport; readonly failure: TscomposeError<'build/lint'> | undefined } {
  const { warnings, asError } = lintDockerfile(dockerfile, {
    variablesOf: (image) => variablesOf(images, image),
    leavesOut: (path) => path !== '' && context.rules.ignores(path) && context.rules.prunes(path),
    isReference,
  });
  const report: LintReport = {
    kind: 'lint',
    dockerfile: context.dockerfile.name,
    text: context.dockerfile.text,
    warnings: warnings.map(({ rule, message, at: { line, column } }) => {
      return { rule, reason: rules[rule], message, line, column };
    }),
  };
  const [first] = warnings;
  if (first === undefined || !asError) return { report, failure: undefined };
  const found = [...new Set(warnings.map(({ rule }) => rule))];
  const failure = new TscomposeError({
    code: 'build/lint',
    message: `lint violation found for rules: ${found.join(', ')}`,
    facts: { rules: found },
    hint: 'the check directive of the Dockerfile has error=true; skip=RULE leaves one out',
    at: first.at,
  });
  return { report, failure };
}

/** Undefined for an image that is not here, or that an argument names. */
function variablesOf(images: ImageStore, image: string): readonly string[] | undefined {
  if (image === 'scratch') return ['PATH'];
  if (image.includes('$')) return undefined;
  const env = isReference(image) ? images.find(image)?.config : undefined;
  return env === undefined ? undefined : ['PATH', ...(env.config?.Env ?? []).map((entry) => entry.split('=')[0] ?? '')];
}

function isReference(text: string): boolean {
  try {
    parseReference(text);
    return true;
  } catch (error) {
    if (hasCode(error, 'image/invalid-reference')) return false;
    throw error;
  }
}
