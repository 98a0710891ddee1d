import { dirname, isAbsolute, join, resolve } from 'node:path';
import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { errnoOf, TscomposeError, type ErrorInit } from '../base/errors.js';
import type { SourceLocation } from '../base/source-location.js';
import { discoverFiles, nameOfDirectory, normalizeProjectName } from './discover.js';
import { isFile, whyUnreadable, type LoadContext } from './documents.js';
import { readEnvFiles } from './environment.js';
import { assembleProject, type OptionalStage } from './assemble.js';
import { nameInDocuments, parseFiles, type InputFile } from './load-model.js';
import type { Project } from './model.js';
import { Problems } from './problems.js';
import { RemoteShelf, type RemoteProjects } from './remote.js';
import { currentSchema } from './schema.js';
import { substitute, TemplateError } from './template.js';
import { entriesOf, LayerReader, type Trace, type VariableLayer } from './trace.js';

export interface Warning {
  readonly message: string;
  readonly at?: SourceLocation | undefined;
}

export interface LoadOptions {
  /** Absolute path of the directory the command runs in. */
  readonly cwd: string;
  /** `-f`, in order; `-` is standard input. Absent: `COMPOSE_FILE`, else the usual names here and in the folders above. */
  readonly files?: readonly string[] | undefined;
  readonly projectDirectory?: string | undefined;
  readonly projectName?: string | undefined;
  /** `--profile`; absent or empty: `COMPOSE_PROFILES`. */
  readonly profiles?: readonly string[] | undefined;
  /** `--env-file`; absent or empty: `COMPOSE_ENV_FILES`, else `.env`. */
  readonly envFiles?: readonly string[] | undefined;
  /** The process environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Text of standard input; asked for only when a file is `-`. */
  readonly stdin?: (() => Promise<string>) | undefined;
  readonly without?: readonly OptionalStage[] | undefined;
  /** Keep resources no enabled service uses (`--all-resources`). */
  readonly allResources?: boolean | undefined;
  /** Refuse keys the stated `version` of a file never had. */
  readonly strictVersion?: boolean | undefined;
  /** Fetches files that are elsewhere; without it every name is that of a local file. */
  readonly remotes?: RemoteProjects | undefined;
  readonly onWarning?: ((warning: Warning) => void) | undefined;
  /** Told the way of every value, for `explain`. */
  readonly trace?: Trace | undefined;
}

/**
 * Loads a project: finds and reads its files, fills in variables, follows includes and extends, merges, validates and
 * brings everything into canonical form. All problems are reported at once.
 * @throws TscomposeError: `compose/…`, or `problems/several` with each of them
 */
export async function loadProject(options: LoadOptions): Promise<Project> {
  return await withRemotes(options, loadOnce);
}

async function loadOnce(options: LoadOptions, remotes: RemoteShelf): Promise<Project> {
  const problems = new Problems();
  const reporter = new Reporter(options.onWarning ?? ignore);
  const setting = await findSetting(options, problems, reporter, 'files must exist', remotes);
  const { context, inputs, environment } = setting;

  const parsed = parseFiles(inputs, context);
  problems.throwIfAny();
  const name = projectName(options, setting, nameInDocuments(parsed), reporter);
  environment.set('COMPOSE_PROJECT_NAME', name);
  options.trace?.setProjectName(environment, name);
  return assembleProject({
    name,
    parsed,
    context,
    composeFiles: inputs.map((input) => input.path),
    envFiles: setting.envFiles,
    profiles: activeProfiles(options, environment),
    without: new Set(options.without ?? []),
    allResources: options.allResources === true,
    strictVersion: options.strictVersion === true,
  });
}

/**
 * Only what is needed to talk about a project by name.
 * @throws `compose/no-file` where nothing says it
 */
export async function resolveProjectName(options: LoadOptions): Promise<string> {
  const problems = new Problems();
  const reporter = new Reporter(options.onWarning ?? ignore);
  if (options.projectName !== undefined && options.projectName !== '') return checkedName(options.projectName);
  const setting = await findSetting(options, problems, reporter, 'files may be missing');
  const fromEnvironment = setting.environment.get('COMPOSE_PROJECT_NAME') ?? '';
  if (fromEnvironment !== '') return checkedName(fromEnvironment);
  if (setting.inputs.length === 0) throw noFile(setting.directory);
  const parsed = parseFiles(setting.inputs, setting.context);
  problems.throwIfAny();
  return projectName(options, setting, nameInDocuments(parsed), reporter);
}

function noFile(searched: string): TscomposeError {
  return new TscomposeError({
    code: 'compose/no-file',
    message: 'no configuration file provided: not found',
    facts: { searched },
    hint: 'name a file with -f, or go to a folder with a compose.yaml',
  });
}

/** Loads, fetches what was elsewhere and missing, and loads again until nothing is. Only the last load counts. */
async function withRemotes<Result>(
  options: LoadOptions,
  load: (options: LoadOptions, remotes: RemoteShelf) => Promise<Result>,
): Promise<Result> {
  const { onWarning = ignore, trace, remotes: source } = options;
  const remotes = new RemoteShelf(source);
  const { stdin: readStdin } = options;
  let text: Promise<string> | undefined; // there is only one
  const stdin = readStdin === undefined ? undefined : () => (text ??= readStdin());
  // A trace records one load, so it is given only to one that is known to be the last.
  for (let isLast = source === undefined || trace === undefined; ;) {
    const warnings: Warning[] = [];
    const keep = (warning: Warning): void => void warnings.push(warning);
    const attempt = load({ ...options, stdin, onWarning: keep, trace: isLast ? trace : undefined }, remotes);
    const [outcome] = await Promise.allSettled([attempt]);
    if (await remotes.fetchWanted()) continue;
    if (!isLast) {
      isLast = true;
      continue;
    }
    warnings.forEach(onWarning);
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  }
}

export interface Setting {
  readonly directory: string;
  /** Gives the project its name: the directory, or where the command runs when the files are elsewhere. */
  readonly nameDirectory: string;
  readonly environment: Map<string, string>;
  readonly envFiles: readonly string[];
  readonly inputs: readonly InputFile[];
  readonly context: LoadContext;
}

/** Where the files are and what the variables are worth. */
export async function findSetting(
  options: LoadOptions,
  problems = new Problems(),
  reporter = new Reporter(options.onWarning ?? ignore),
  missing: 'files must exist' | 'files may be missing' = 'files must exist',
  remotes = new RemoteShelf(options.remotes),
): Promise<Setting> {
  const environment = new Map<string, string>();
  for (const [key, value] of Object.entries(options.environment)) if (value !== undefined) environment.set(key, value);
  const from = (path: string): string => (isAbsolute(path) ? resolve(path) : resolve(options.cwd, path));
  const given = (options.files ?? []).map((file) => (file === '-' || remotes.accepts(file) ? file : from(file)));
  const projectDirectory =
    options.projectDirectory === undefined || options.projectDirectory === ''
      ? undefined
      : from(options.projectDirectory);
  if (projectDirectory !== undefined) refuseFile(projectDirectory);
  const directoryOf = (files: readonly string[]): string => {
    const first = files.find((file) => file !== '-');
    return projectDirectory ?? (first === undefined || remotes.accepts(first) ? options.cwd : dirname(first));
  };
  const envFiles = namedEnvFiles(options, environment).map(from);
  // Read twice: `.env` beside the command may say where the project is, `.env` there adds what is not set yet.
  const { trace } = options;
  if (trace !== undefined) trace.setLayers(environment, [{ kind: 'shell', entries: entriesOf(environment) }]);
  const loadEnv = (directory: string): readonly string[] => {
    const files = envFiles.length > 0 ? envFiles : defaultEnvFile(directory, environment);
    const reader = trace === undefined ? undefined : new LayerReader();
    const context = { environment, problems, onUnset: reporter.unset, onEntry: reader?.take };
    const values = readEnvFiles(
      files.map((path) => ({ path })),
      context,
    );
    if (values.has('')) problems.add(namelessVariable(files));
    problems.throwIfAny();
    for (const [key, value] of values) if (!environment.has(key)) environment.set(key, value);
    if (reader !== undefined)
      trace?.addLayers(environment, environment, reader.layers(files, reasonOf(options, envFiles)));
    return files;
  };
  loadEnv(directoryOf(given));
  const files =
    given.length > 0
      ? given
      : (configuredFiles(environment, from, remotes) ?? discoverFiles(directoryOf([]), reporter.plain));
  if (files.length === 0 && missing === 'files must exist') throw noFile(directoryOf([]));
  const nameDirectory = directoryOf(files);
  const usedEnvFiles = loadEnv(nameDirectory);
  const { inputs, directory } = await fetchInputs(files, projectDirectory, nameDirectory, remotes);
  const stdin = files.includes('-') ? await options.stdin?.() : undefined;
  const fillsVariables = options.without?.includes('interpolate') !== true;
  const context: LoadContext = {
    directory,
    home: environment.get('HOME') === '' ? undefined : environment.get('HOME'),
    environment,
    problems,
    schema: currentSchema,
    fillsVariables,
    canonical: { problems, lenient: !fillsVariables, onWarning: reporter.warn },
    onWarning: reporter.warn,
    onUnset: reporter.unset,
    stdin,
    included: new Map(),
    onFile: ignore,
    remotes,
    nameOf: (file) => remotes.nameOf(file),
    trace,
  };
  return { directory, nameDirectory, environment, envFiles: usedEnvFiles, inputs, context };
}

/** Files as they are on this machine. Where the first one is elsewhere, paths are relative to its folder in the cache. */
async function fetchInputs(
  files: readonly string[],
  projectDirectory: string | undefined,
  localDirectory: string,
  remotes: RemoteShelf,
): Promise<{ readonly inputs: readonly InputFile[]; readonly directory: string }> {
  const first = files.find((file) => file !== '-');
  let directory = localDirectory;
  const inputs: InputFile[] = [];
  for (const file of files) {
    const project = remotes.accepts(file) ? await remotes.fetch(file) : undefined;
    const paths = project?.files ?? [file];
    if (project !== undefined && file === first) directory = projectDirectory ?? dirname(paths[0] ?? project.root);
    inputs.push(...paths.map((path) => ({ path })));
  }
  return { inputs, directory };
}

function namelessVariable(files: readonly string[]): ErrorInit<'compose/env-file-syntax'> {
  const file = files.at(-1) ?? '';
  return { code: 'compose/env-file-syntax', message: `${file}: a variable has no name`, facts: { file, line: 0 } };
}

export function namedEnvFiles(
  options: Pick<LoadOptions, 'envFiles'>,
  environment: ReadonlyMap<string, string>,
): readonly string[] {
  if (options.envFiles !== undefined && options.envFiles.length > 0) return options.envFiles;
  const listed = environment.get('COMPOSE_ENV_FILES') ?? '';
  return listed === '' ? [] : listed.split(',');
}

function reasonOf(options: LoadOptions, envFiles: readonly string[]): VariableLayer['reason'] {
  if (envFiles.length === 0) return 'found';
  return (options.envFiles ?? []).length > 0 ? '--env-file' : 'COMPOSE_ENV_FILES';
}

/** A folder that is not there is none the less one: its name is the project's. @throws `compose/file-unreadable` */
function refuseFile(directory: string): void {
  try {
    if (statSync(directory).isDirectory()) return;
  } catch (error) {
    if (errnoOf(error) !== 'ENOTDIR') return;
  }
  throw new TscomposeError({
    code: 'compose/file-unreadable',
    message: `cannot work in ${directory}: it is not a directory`,
    facts: { file: directory },
    hint: 'give --project-directory a folder; files are named with -f',
  });
}

export function defaultEnvFile(directory: string, environment: ReadonlyMap<string, string>): readonly string[] {
  const disabled = environment.get('COMPOSE_DISABLE_ENV_FILE');
  if (disabled !== undefined && /^(?:1|t|true)$/i.test(disabled)) return [];
  if (disabled !== undefined && !/^(?:0|f|false)$/i.test(disabled)) {
    throw new TscomposeError({
      code: 'compose/invalid-value',
      message: `COMPOSE_DISABLE_ENV_FILE must be true or false, got "${disabled}"`,
      facts: { path: 'COMPOSE_DISABLE_ENV_FILE' },
    });
  }
  const file = join(directory, '.env');
  return isFile(file) ? [file] : [];
}

function configuredFiles(
  environment: ReadonlyMap<string, string>,
  from: (path: string) => string,
  remotes: RemoteShelf,
): readonly string[] | undefined {
  const listed = environment.get('COMPOSE_FILE');
  if (listed === undefined) return undefined;
  const separator = environment.get('COMPOSE_PATH_SEPARATOR') ?? '';
  // The usual separator is part of most references: one on its own is taken whole, several need another separator.
  if (separator === '' && remotes.accepts(listed)) return [listed];
  const isReady = (file: string): boolean => file === '-' || remotes.accepts(file);
  const files = listed.split(separator === '' ? ':' : separator).map((file) => (isReady(file) ? file : from(file)));
  for (const file of files) {
    if (isReady(file)) continue;
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      throw new TscomposeError({
        code: 'compose/file-unreadable',
        message: `cannot read ${file}: ${whyUnreadable(error)}`,
        facts: { file },
        hint: 'COMPOSE_FILE names it',
      });
    }
  }
  return files;
}

function activeProfiles(options: LoadOptions, environment: ReadonlyMap<string, string>): readonly string[] {
  if (options.profiles !== undefined && options.profiles.length > 0) return options.profiles;
  // None is one of no name, which `profiles: ["${UNSET}"]` counts on.
  return (environment.get('COMPOSE_PROFILES') ?? '').split(',').map((profile) => profile.trim());
}

/** `-p`, else `COMPOSE_PROJECT_NAME`, else `name:` of the last file that has one, else the directory's name. */
function projectName(options: LoadOptions, setting: Setting, inFiles: string | undefined, reporter: Reporter): string {
  if (options.projectName !== undefined && options.projectName !== '') return checkedName(options.projectName);
  const fromEnvironment = setting.environment.get('COMPOSE_PROJECT_NAME') ?? '';
  if (fromEnvironment !== '') return checkedName(fromEnvironment);
  const name =
    inFiles === undefined
      ? directoryName(setting.nameDirectory, reporter)
      : normalizeProjectName(
          setting.context.fillsVariables ? filledName(inFiles, setting.environment, reporter) : inFiles,
        );
  if (name !== '') return name;
  throw new TscomposeError({
    code: 'compose/invalid-project-name',
    message: `project name must not be empty: nothing of "${inFiles ?? setting.nameDirectory}" can be used`,
    facts: { name: inFiles ?? setting.nameDirectory },
    hint: 'set one with -p or a top-level name:',
  });
}

function directoryName(directory: string, reporter: Reporter): string {
  const name = nameOfDirectory(directory);
  if (name !== '' && isLink(directory)) {
    reporter.plain(
      `the project is named "${name}" after a symbolic link; with the folder behind it, it is another one`,
    );
  }
  return name;
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

function filledName(template: string, environment: ReadonlyMap<string, string>, reporter: Reporter): string {
  try {
    return substitute(template, { lookup: (name) => environment.get(name), onUnset: reporter.unset });
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new TscomposeError({
      code: 'compose/bad-interpolation',
      message: `name: ${error.message}`,
      facts: { path: 'name', template },
    });
  }
}

function checkedName(name: string): string {
  if (normalizeProjectName(name) === name) return name;
  throw new TscomposeError({
    code: 'compose/invalid-project-name',
    message:
      `invalid project name "${name}": must consist only of lowercase alphanumeric characters, hyphens, ` +
      'and underscores as well as start with a letter or number',
    facts: { name },
  });
}

/** Passes warnings on, each once. */
class Reporter {
  readonly #onWarning: (warning: Warning) => void;
  readonly #said = new Set<string>();

  constructor(onWarning: (warning: Warning) => void) {
    this.#onWarning = onWarning;
  }

  readonly warn = (message: string, at: SourceLocation | undefined): void => {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.#onWarning(at === undefined ? { message } : { message, at });
  };

  readonly plain = (message: string): void => this.warn(message, undefined);

  readonly unset = (variable: string, at?: SourceLocation): void =>
    this.warn(`The "${variable}" variable is not set. Defaulting to a blank string.`, at);
}

function ignore(): void {
  // nobody listens
}
