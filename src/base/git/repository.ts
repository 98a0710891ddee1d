import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfPresent } from '../durable-file.js';
import { hasCode, TscomposeError } from '../errors.js';
import { runTool } from '../spawn.js';
import { commitPattern, type GitReference } from './reference.js';
import './errors.js';

const fetchTimeoutMs = 10 * 60_000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Talks to one repository with the user's git, ssh and credential helpers, and never asks on the terminal. */
export class GitRepository {
  readonly #reference: GitReference;
  readonly #environment: Environment;
  readonly #signal: AbortSignal;

  constructor(reference: GitReference, environment: Environment, signal: AbortSignal) {
    this.#reference = reference;
    this.#environment = environment;
    this.#signal = signal;
  }

  /**
   * The object a name stands for: a branch before a tag, as docker compose takes it.
   * @throws `remote/no-such-ref`, `remote/unavailable`
   */
  async resolve(): Promise<string> {
    const { remote, ref = 'HEAD' } = this.#reference;
    this.#refuseOption(ref);
    const { stdout } = await this.#git(['ls-remote', '--', remote, ref, `${ref}^{}`]);
    const found = new Map(
      stdout.split('\n').flatMap((line) => {
        const [object = '', name = ''] = line.split('\t');
        return commitPattern.test(object) ? [[name, object] as const] : [];
      }),
    );
    // An annotated tag is an object of its own; the commit it stands for is listed with `^{}`.
    const names = [ref, `refs/heads/${ref}`, `refs/tags/${ref}`];
    const exact = names.map((name) => found.get(`${name}^{}`) ?? found.get(name));
    const object = exact.find((one) => one !== undefined) ?? [...found.values()][0];
    if (object !== undefined) return object;
    throw new TscomposeError({
      code: 'remote/no-such-ref',
      message: `${this.#reference.shown} has no branch or tag "${ref}"`,
      facts: { reference: this.#reference.shown, ref },
      hint: 'a commit is named by all 40 digits',
    });
  }

  /** Checks one object of the repository out into an empty folder. @throws `remote/unavailable` */
  async checkOut(object: string, folder: string, { submodules = false } = {}): Promise<void> {
    // An empty template: no hooks, whatever the user's own is.
    await this.#git(['init', '--quiet', '--template=', '.'], folder);
    // The name goes into the file, not into the arguments: whoever lists processes reads those.
    await appendConfig(folder, `[remote "origin"]\n\turl = ${quoted(this.#reference.remote)}\n`);
    await this.#fetch(object, folder);
    await this.#git(['-c', 'advice.detachedHead=false', 'checkout', '--quiet', '--force', object, '--'], folder);
    if (submodules && (await readIfPresent(join(folder, '.gitmodules'))) !== undefined) {
      await this.#git(['submodule', '--quiet', 'update', '--init', '--recursive', '--depth=1'], folder);
    }
  }

  async #fetch(object: string, folder: string): Promise<void> {
    const shallow = ['fetch', '--quiet', '--depth=1', '--no-tags', 'origin', object];
    try {
      await this.#git(shallow, folder);
    } catch (error) {
      if (!hasCode(error, 'remote/unavailable')) throw error;
      // Some servers give only what a branch or tag points to, and everything that leads there.
      const everything = ['+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'];
      await this.#git(['fetch', '--quiet', 'origin', ...everything], folder);
      await this.#git(['cat-file', '-e', object], folder).catch(() => {
        throw error;
      });
    }
  }

  async #git(args: readonly string[], cwd?: string): Promise<{ stdout: string }> {
    const { shown } = this.#reference;
    try {
      return await runTool('git', args, {
        signal: this.#signal,
        timeoutMs: fetchTimeoutMs,
        env: { ...this.#environment, ...gitEnvironment(this.#environment, this.#reference) },
        ...(cwd === undefined ? {} : { cwd }),
      });
    } catch (error) {
      if (hasCode(error, 'tool/missing')) {
        throw unavailable(shown, 'the program git is not there', 'install git');
      }
      if (!hasCode(error, 'tool/failed')) throw error;
      const said = error.facts.stderr.trim().split('\n').slice(-3).join('; ');
      throw unavailable(shown, said === '' ? error.message : said);
    }
  }

  /** git would take a name such as `--upload-pack=…` for an option. */
  #refuseOption(ref: string): void {
    if (!ref.startsWith('-') && !/[\s\p{Cc}]/u.test(ref)) return;
    throw new TscomposeError({
      code: 'remote/no-such-ref',
      message: `"${ref}" cannot be the name of a branch or tag`,
      facts: { reference: this.#reference.shown, ref },
    });
  }
}

/**
 * What git gets beside the user's own environment. A repository of the caller's (a hook runs us) must not be taken for
 * this one; a password is told only to the host it is for, by a credential helper that reads it from the environment.
 */
function gitEnvironment(
  environment: Environment,
  { remote, credentials }: GitReference,
): Record<string, string | undefined> {
  const settings: (readonly [string, string])[] = [['core.hooksPath', '/dev/null']];
  if (credentials !== undefined) settings.push([`credential.${new URL(remote).origin}.helper`, credentialHelper]);
  const before = Number(environment['GIT_CONFIG_COUNT'] ?? '') || 0; // the user may have settings of this kind too
  return {
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:git',
    ...Object.fromEntries(foreignRepository.map((name) => [name, undefined])),
    ...(environment['GIT_TERMINAL_PROMPT'] ? {} : { GIT_TERMINAL_PROMPT: '0' }),
    ...(environment['GIT_SSH'] || environment['GIT_SSH_COMMAND']
      ? {}
      : { GIT_SSH_COMMAND: 'ssh -o ControlMaster=no -o BatchMode=yes' }),
    GIT_CONFIG_COUNT: String(before + settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${before + index}`, key],
        [`GIT_CONFIG_VALUE_${before + index}`, value],
      ]),
    ),
    ...(credentials === undefined
      ? {}
      : { TSCOMPOSE_GIT_USER: credentials.username, TSCOMPOSE_GIT_PASSWORD: credentials.password }),
  };
}

const foreignRepository = ['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_OBJECT_DIRECTORY', 'GIT_COMMON_DIR'];

/** A shell line for git, which adds what it wants: `get`, `store` or `erase` (gitcredentials(7)). */
const credentialHelper =
  '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$TSCOMPOSE_GIT_USER" "$TSCOMPOSE_GIT_PASSWORD"; }; f';

async function appendConfig(folder: string, section: string): Promise<void> {
  const file = join(folder, '.git', 'config');
  await writeFile(file, `${await readFile(file, 'utf8')}${section}`);
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, (character) => `\\${character}`)}"`;
}

function unavailable(reference: string, reason: string, hint?: string): TscomposeError<'remote/unavailable'> {
  return new TscomposeError({
    code: 'remote/unavailable',
    message: `cannot fetch ${reference}: ${reason}`,
    facts: { reference },
    hint,
  });
}
