import { rm } from 'node:fs/promises';
import type { PinnedBases } from '../../../api/tscompose.js';
import { TscomposeError } from '../../../base/errors.js';
import { gitEntry, parseGitReference } from '../../../base/git/reference.js';
import { GitRepository } from '../../../base/git/repository.js';
import { ignoreNothing } from '../../../base/ignore-rules.js';
import { plainFileDigests } from './file-digests.js';
import { resolveInRoot } from './scoped-path.js';
import type { SourceTree } from './selection.js';
import '../errors.js';

/** What one reference to a repository stands for while a build goes on. */
export interface GitTree {
  /** 40 hex digits: asked of the repository, unless the reference is pinned. */
  commit(signal: AbortSignal): Promise<string>;
  /** The reference's folder of that commit, checked out with its submodules. */
  checkOut(signal: AbortSignal): Promise<SourceTree>;
}

/** Repositories of one build: each reference is asked for, and checked out, once. */
export interface GitTrees {
  /** @throws `build/not-a-repository` */
  at(url: string, options?: { readonly keepGitDir?: boolean }): GitTree;
}

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'build/not-a-repository': { readonly url: string };
  }
}

export function isRepository(url: string): boolean {
  return parseGitReference(url) !== undefined;
}

/**
 * @param scratch - gives an empty directory
 * @param defer - undone when the build ends
 * @param pinned - what a lock has for them
 */
export function gitTrees(
  scratch: () => Promise<string>,
  defer: (undo: () => unknown) => void,
  pinned?: PinnedBases,
): GitTrees {
  const known = new Map<string, GitTree>();
  return {
    at: (url, { keepGitDir = false } = {}) => {
      const key = JSON.stringify([url, keepGitDir]);
      const tree = known.get(key) ?? open(url, keepGitDir);
      known.set(key, tree);
      return tree;
    },
  };

  function open(url: string, keepGitDir: boolean): GitTree {
    const reference = parseGitReference(url);
    if (reference === undefined) {
      throw new TscomposeError({
        code: 'build/not-a-repository',
        message: `${url} names no git repository`,
        facts: { url },
        hint: 'write https://host/path.git#branch:folder, ssh://…, git://… or git@host:path',
      });
    }
    const fixed = reference.commit ?? pinned?.commits?.[gitEntry(url)];
    if (fixed === undefined && pinned?.commits !== undefined && pinned.only) throw notLocked(gitEntry(url));
    let commit: Promise<string> | undefined;
    let tree: Promise<SourceTree> | undefined;
    const repository = (signal: AbortSignal) => new GitRepository(reference, process.env, signal);
    const resolve = (signal: AbortSignal) =>
      (commit ??= fixed === undefined ? repository(signal).resolve() : Promise.resolve(fixed));
    const fetch = async (signal: AbortSignal): Promise<SourceTree> => {
      const whole = await scratch();
      defer(() => rm(whole, { recursive: true, force: true }));
      await repository(signal).checkOut(await resolve(signal), whole, { submodules: true });
      if (!keepGitDir) await rm(`${whole}/.git`, { recursive: true, force: true });
      const { path, exists } = resolveInRoot(whole, reference.path, 'follow-last');
      if (!exists) {
        throw new TscomposeError({
          code: 'build/source-missing',
          message: `${reference.shown} has no folder ${reference.path}`,
          facts: { source: reference.path },
        });
      }
      const root = path === '' ? whole : `${whole}/${path}`;
      return { root, kind: 'context', ignore: ignoreNothing, digests: plainFileDigests };
    };
    return { commit: resolve, checkOut: (signal) => (tree ??= fetch(signal)) };
  }
}

function notLocked(reference: string): TscomposeError<'build/base-not-locked'> {
  return new TscomposeError({
    code: 'build/base-not-locked',
    message: `compose.lock has no commit of the repository ${reference}`,
    facts: { reference },
    hint: 'tscompose lock writes it; --no-frozen builds without',
  });
}
