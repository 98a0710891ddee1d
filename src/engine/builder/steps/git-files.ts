import { TscomposeError } from '../../../base/errors.js';
import type { SourceLocation } from '../../../base/source-location.js';
import { select } from '../context/selection.js';
import type { StepDependencies } from './dependencies.js';
import type { RemoteFile } from './remote-file.js';

/**
 * What ADD takes from a git repository: the content of its folder. The commit stands for it, so an ADD that is in the
 * cache fetches nothing.
 * @param checksum - the commit it has to be, all of it or its first digits
 * @throws `build/checksum-mismatch`, `build/not-a-repository`, and what git says
 */
export function gitFiles(
  { git }: StepDependencies,
  options: {
    readonly url: string;
    readonly keepGitDir: boolean;
    readonly checksum?: string;
    readonly at: SourceLocation;
  },
): RemoteFile {
  const { url, keepGitDir, checksum, at } = options;
  const tree = git.at(url, { keepGitDir });
  const commit = async (signal: AbortSignal): Promise<string> => {
    const actual = await tree.commit(signal);
    if (checksum === undefined || (checksum.length >= 7 && actual.startsWith(checksum.toLowerCase()))) return actual;
    throw new TscomposeError({
      code: 'build/checksum-mismatch',
      message: `ADD failed: ${url} is at the commit ${actual}, not ${checksum}`,
      facts: { url, expected: checksum, actual },
      at,
    });
  };
  return {
    url,
    digest: async (signal) => JSON.stringify([url, await commit(signal), keepGitDir]),
    fetch: async (signal) => {
      await commit(signal);
      const source = await tree.checkOut(signal);
      const items = await select({ tree: source, patterns: ['.'], exclude: [], parents: false, signal });
      return { tree: source, items };
    },
  };
}
