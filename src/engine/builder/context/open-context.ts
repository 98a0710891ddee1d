import { rm, stat } from 'node:fs/promises';
import { realpathSync } from 'node:fs';
import { basename, isAbsolute, posix } from 'node:path';
import type { CleanupStack } from '../../../base/cleanup-stack.js';
import { errnoOf, TscomposeError } from '../../../base/errors.js';
import { readSmallFile } from '../../sys/index.js';
import { extractTar } from '../archive/extract.js';
import type { BuildContext, DockerfileSource } from '../request.js';
import { deferredTree } from './deferred-tree.js';
import { openFileDigests, plainFileDigests } from './file-digests.js';
import { BadPattern } from '../../../base/glob.js';
import { type IgnoreRules, ignoreNothing, parseIgnore } from '../../../base/ignore-rules.js';
import { withoutCredentials } from '../../../base/url-credentials.js';
import type { GitTrees } from './git-trees.js';
import type { SourceTree } from './selection.js';
import { urlTree } from './url-tree.js';
import '../errors.js';

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'build/bad-ignore-file': { readonly file: string };
  }
}

export interface OpenedContext {
  /** A deferred context: to be called before any step runs. */
  readonly take?: (needed: readonly string[] | 'all') => Promise<void>;
  readonly tree: SourceTree;
  readonly dockerfile: { readonly text: string; readonly name: string };
  /** All of the ignore file; the tree's own are fewer where a client has left files out. */
  readonly rules: IgnoreRules;
}

/** Larger than any Dockerfile or ignore file a person writes. */
const maxFileBytes = 4 * 1024 * 1024;

/**
 * Makes the context readable and reads its Dockerfile and ignore file.
 * @param scratch - gives an empty directory; `undo` removes it
 * @param digestsDir - where digests of local files are remembered
 * @throws `build/context-missing`, `build/dockerfile-missing`, `build/bad-ignore-file`, `build/bad-archive`
 */
export async function openContext(options: {
  readonly context: BuildContext;
  readonly dockerfile: DockerfileSource;
  readonly scratch: () => Promise<string>;
  readonly git: GitTrees;
  readonly digestsDir: string;
  readonly undo: CleanupStack;
  readonly signal: AbortSignal;
}): Promise<OpenedContext> {
  const { context, dockerfile, scratch, git, digestsDir, undo, signal } = options;
  if (context.kind === 'tar') {
    const root = await scratch();
    undo.defer(() => rm(root, { recursive: true, force: true }));
    await extractTar(context.stream, { root, destination: '/', keep: 'content', signal });
    context.stream.resume(); // what follows the archive: an end of its client shows only behind it
    const read = readDockerfile(root, dockerfile);
    const rules = readIgnore(root, read.inContext);
    return {
      dockerfile: read,
      rules,
      tree: { root, kind: 'context', ignore: ownFilesIgnored(rules, read.inContext), digests: plainFileDigests },
    };
  }
  if (context.kind === 'git') {
    const tree = await git.at(context.url).checkOut(signal);
    const read = readDockerfile(tree.root, dockerfile);
    return withRules(read, tree);
  }
  if (context.kind === 'url') {
    const { tree, text } = await urlTree(context.url, scratch, (work) => undo.defer(work), signal);
    if (text !== undefined && dockerfile.kind !== 'text') {
      return { dockerfile: { text, name: withoutCredentials(context.url) }, tree, rules: tree.ignore };
    }
    return withRules(readDockerfile(tree.root, dockerfile), tree);
  }
  const digestsOf = (root: string): ReturnType<typeof openFileDigests> =>
    openFileDigests(digestsDir, root, () => BigInt(Date.now()) * 1_000_000n);
  if (context.kind === 'deferred') {
    if (dockerfile.kind !== 'text') throw new Error('bug: a deferred context whose Dockerfile is elsewhere');
    const { ignore } = context;
    const { tree, settle } = deferredTree(ignoreNothing); // what comes is what is not ignored
    return {
      dockerfile,
      tree,
      rules: ignore,
      take: async (paths) => {
        if (paths.length === 0) return;
        const root = await context.take(paths);
        const digests = await digestsOf(root);
        undo.defer(() => digests.save());
        settle(root, digests);
      },
    };
  }
  const root = await realDirectory(context.path);
  const read = readDockerfile(root, dockerfile);
  const digests = await digestsOf(root);
  undo.defer(() => digests.save());
  const rules = readIgnore(root, read.inContext ?? read.outside);
  return {
    dockerfile: read,
    rules,
    tree: { root, kind: 'context', ignore: context.filtered === true ? ignoreNothing : rules, digests },
  };
}

function withRules(dockerfile: ReadDockerfile, tree: SourceTree): OpenedContext {
  const rules = readIgnore(tree.root, dockerfile.inContext);
  return { dockerfile, rules, tree: { ...tree, ignore: rules } };
}

/** @throws `build/context-missing` */
export async function realDirectory(path: string): Promise<string> {
  const missing = (reason: string) =>
    new TscomposeError({
      code: 'build/context-missing',
      message: `unable to prepare context: path "${path}" ${reason}`,
      facts: { path },
    });
  if (!isAbsolute(path)) throw missing('is not absolute');
  const found = await stat(path).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') throw missing('not found');
    throw error;
  });
  if (!found.isDirectory()) throw missing('is not a directory');
  return realpathSync(path);
}

interface ReadDockerfile {
  readonly text: string;
  readonly name: string;
  readonly inContext?: string;
  /** Whole path of a file outside the context. */
  readonly outside?: string;
}

function readDockerfile(root: string, source: DockerfileSource): ReadDockerfile {
  switch (source.kind) {
    case 'text':
      return { text: source.text, name: source.name };
    case 'file':
      return { text: readText('/', source.path, source.path), name: source.path, outside: source.path };
    case 'in-context': {
      const clean = posix.normalize(source.path).replace(/^\/+/, '');
      if (clean.startsWith('../')) throw dockerfileMissing(source.path, 'forbidden path outside the build context: ');
      return { text: readText(root, clean, source.path), name: source.path, inContext: clean };
    }
  }
}

function readText(root: string, path: string, shown: string): string {
  const file = readSmallFile(root, path, maxFileBytes);
  if (file.text !== undefined) return file.text;
  throw dockerfileMissing(shown, file.reason === 'missing' ? '' : `${file.reason}: `);
}

/**
 * `<Dockerfile>.dockerignore` wins over `.dockerignore` (Dockerfile reference, ".dockerignore file"). One that is a link out
 * of the context counts as absent, as with BuildKit.
 */
export function readIgnore(root: string, dockerfile: string | undefined): IgnoreRules {
  const own = '.dockerignore';
  const places: [root: string, path: string][] = [[root, own]];
  if (dockerfile !== undefined) places.unshift([isAbsolute(dockerfile) ? '/' : root, `${dockerfile}${own}`]);
  for (const [within, path] of places) {
    const file = readSmallFile(within, path, maxFileBytes);
    if (file.text === undefined && file.reason !== 'too large') continue;
    try {
      if (file.text === undefined) throw new BadPattern(file.reason);
      return parseIgnore(file.text);
    } catch (error) {
      if (!(error instanceof BadPattern)) throw error;
      throw new TscomposeError({
        code: 'build/bad-ignore-file',
        message: `cannot read ${basename(path)}: ${error.message}`,
        facts: { file: posix.join(within, path) },
      });
    }
  }
  return ignoreNothing;
}

/**
 * A client that sends a tar has left out what is ignored, except the Dockerfile and the ignore file themselves, which it
 * has to send: those are hidden here.
 */
function ownFilesIgnored(rules: IgnoreRules, dockerfile: string | undefined): IgnoreRules {
  const own = ['.dockerignore', ...(dockerfile === undefined ? [] : [dockerfile])].filter((path) =>
    rules.ignores(path),
  );
  if (own.length === 0) return ignoreNothing;
  return { ignores: (path) => own.includes(path), prunes: () => true };
}

function dockerfileMissing(dockerfile: string, reason: string): TscomposeError<'build/dockerfile-missing'> {
  return new TscomposeError({
    code: 'build/dockerfile-missing',
    message: `Cannot locate specified Dockerfile: ${reason}${dockerfile}`,
    facts: { dockerfile },
  });
}
