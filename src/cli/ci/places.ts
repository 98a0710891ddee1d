import { isAbsolute, relative } from 'node:path';
import type { SourceLocation } from '../../base/source-location.js';
import type { Terminal } from '../terminal.js';

/** As CI systems name files: from the root of the checkout, else from here. Undefined for what lies outside. */
export function relativeFile({ cwd, environment }: Terminal, at: SourceLocation | undefined): string | undefined {
  if (at === undefined || !isAbsolute(at.file)) return undefined;
  const path = relative(environment['GITHUB_WORKSPACE'] ?? environment['CI_PROJECT_DIR'] ?? cwd, at.file);
  return path.startsWith('..') ? undefined : path;
}
