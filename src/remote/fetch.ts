import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { errnoOf, TscomposeError } from '../base/errors.js';
import { invalidUsage } from '../base/invalid-usage.js';
import { cacheFolder, RemoteCache } from './cache.js';
import { ociScheme } from './artifact.js';
import { type GitReference, parseGitReference } from '../base/git/reference.js';
import { GitRepository } from '../base/git/repository.js';
import { fetchArtifact, type OciOptions } from './oci.js';
import './errors.js';

/** Names a compose file is looked for under in a folder of a repository, best first. */
const composeNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

export interface RemoteOptions extends Pick<OciOptions, 'registries' | 'credentials' | 'signal'> {
  /** `XDG_CACHE_HOME`, `HOME`, git's own, and the switches `COMPOSE_EXPERIMENTAL_GIT_REMOTE` and `…_OCI_REMOTE`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Files of a remote project on this machine. */
export interface FetchedProject {
  /** Absolute; the first is the main one, the others lie over it. */
  readonly files: readonly string[];
  /** The repository or artifact they are in; absolute. */
  readonly root: string;
  /** What messages call a file below the root. */
  nameOf(file: string): string;
}

/**
 * Fetches what a reference names into the cache, or finds it there when it is pinned to a commit or digest.
 * @throws `remote/…`, `registry/…`, `content/…`, `image/invalid-reference`
 */
export async function fetchProject(text: string, options: RemoteOptions): Promise<FetchedProject> {
  const cache = new RemoteCache(join(cacheFolder(options.environment), 'remote'));
  if (text.startsWith(ociScheme)) {
    checkSwitch('COMPOSE_EXPERIMENTAL_OCI_REMOTE', text, options);
    const root = await fetchArtifact(text, { ...options, cache });
    return await artifactProject(text, root);
  }
  const reference = parseGitReference(text);
  if (reference === undefined) throw new Error('bug: not a remote reference');
  checkSwitch('COMPOSE_EXPERIMENTAL_GIT_REMOTE', reference.shown, options);
  const repository = new GitRepository(reference, options.environment, options.signal);
  const object = reference.commit ?? (await repository.resolve());
  const root =
    (await cache.find('git', object)) ??
    (await cache.fill('git', object, (folder) => repository.checkOut(object, folder)));
  return await gitProject(reference, root);
}

async function artifactProject(text: string, root: string): Promise<FetchedProject> {
  const own = (await readdir(root)).flatMap((name) => {
    const number = /^compose(?:\.(\d+))?\.yaml$/.exec(name);
    return number === null ? [] : [{ name, number: Number(number[1] ?? 1) }];
  });
  own.sort((a, b) => a.number - b.number);
  const nameOf = (file: string): string =>
    own.length === 1 && basename(file) === own[0]?.name ? text : `${text}/${basename(file)}`;
  return { files: own.map(({ name }) => join(root, name)), root, nameOf };
}

async function gitProject(reference: GitReference, root: string): Promise<FetchedProject> {
  const { shown, ref, commit, path } = reference;
  const nameOf = (file: string): string => `${shown}#${ref ?? commit ?? ''}:${relative(root, file)}`;
  const named = await beneath(root, path, shown);
  if (!(await stat(named)).isDirectory()) return { files: [named], root, nameOf };
  for (const name of composeNames) {
    const file = await beneath(root, join(relative(root, named), name), shown).catch((error: unknown) => {
      if (error instanceof TscomposeError && error.code === 'remote/no-compose-file') return undefined;
      throw error;
    });
    if (file !== undefined && (await stat(file)).isFile()) return { files: [file], root, nameOf };
  }
  throw noComposeFile(shown, path === '' ? 'no compose file' : `no compose file in ${path}`);
}

/** Follows a path below the root; neither its text nor a link on the way leads outside. */
async function beneath(root: string, path: string, shown: string): Promise<string> {
  const target = join(root, path);
  const outside = (): TscomposeError =>
    new TscomposeError({
      code: 'remote/outside',
      message: `"${path}" leads out of ${shown}`,
      facts: { reference: shown, path },
    });
  if (target !== root && !target.startsWith(root + sep)) throw outside();
  const [realRoot, real] = await Promise.all([realpath(root), realpath(target)]).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') throw noComposeFile(shown, `no ${path}`);
    throw error;
  });
  if (real !== realRoot && !real.startsWith(realRoot + sep)) throw outside();
  return target.replace(/\/+$/, '');
}

function noComposeFile(reference: string, what: string): TscomposeError<'remote/no-compose-file'> {
  return new TscomposeError({
    code: 'remote/no-compose-file',
    message: `there is ${what} in ${reference}`,
    facts: { reference },
    hint: 'name a folder or file of the repository behind #REF:',
  });
}

/** @throws `remote/disabled` when the variable says false, `usage/invalid` when it says neither */
function checkSwitch(variable: string, reference: string, { environment }: RemoteOptions): void {
  const value = environment[variable] ?? '';
  if (value === '' || /^(?:1|t|true)$/i.test(value)) return;
  if (!/^(?:0|f|false)$/i.test(value)) {
    throw invalidUsage(variable, `${variable} must be true or false, got "${value}"`);
  }
  throw new TscomposeError({
    code: 'remote/disabled',
    message: `cannot fetch ${reference}: ${variable} forbids it`,
    facts: { reference, variable },
  });
}
