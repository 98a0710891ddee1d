import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { renderDiagnostic } from '../../../src/base/diagnostic.js';
import { TscomposeError } from '../../../src/base/errors.js';
import { loadProject, renderProject, type LoadOptions, type Project } from '../../../src/compose/index.js';

export type Files = Readonly<Record<string, string>>;

/** A folder named `demo` with these files, removed when the test ends. */
export function folder(files: Files): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'tscompose-compose-')));
  onTestFinished(() => {
    rmSync(root, { recursive: true, force: true });
  });
  const directory = join(root, 'demo');
  mkdirSync(directory);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

export interface Loaded {
  readonly project: Project;
  readonly directory: string;
  readonly warnings: readonly string[];
}

/** Loads files out of a folder of their own; one text stands for `compose.yaml`. */
export async function load(files: Files | string, options: Partial<LoadOptions> = {}): Promise<Loaded> {
  const directory = folder(typeof files === 'string' ? { 'compose.yaml': files } : files);
  const warnings: string[] = [];
  const project = await loadProject({
    cwd: directory,
    environment: {},
    onWarning: ({ message }) => warnings.push(message),
    ...options,
  });
  return { project, directory, warnings };
}

/** The JSON `config` prints, parsed, with the folder written `$DIR`. */
export async function config(files: Files | string, options: Partial<LoadOptions> = {}): Promise<Config> {
  const { project, directory } = await load(files, options);
  return JSON.parse(renderProject(project, { format: 'json' }).replaceAll(directory, '$DIR')) as Config;
}

export interface Config {
  readonly name: string;
  readonly services: Record<string, Record<string, unknown>>;
  readonly [section: string]: unknown;
}

/** One service of {@link config}, named `web`. */
export async function web(files: Files | string, options: Partial<LoadOptions> = {}): Promise<Record<string, unknown>> {
  return (await config(files, options)).services['web'] ?? {};
}

/** What a user reads when the files do not load. */
export async function failure(files: Files | string, options: Partial<LoadOptions> = {}): Promise<string> {
  const directory = folder(typeof files === 'string' ? { 'compose.yaml': files } : files);
  try {
    await loadProject({ cwd: directory, environment: {}, ...options });
  } catch (error) {
    if (!(error instanceof TscomposeError)) throw error;
    const text = renderDiagnostic(error as TscomposeError, { source: () => undefined, relativeTo: directory });
    return text.replaceAll(directory, '$DIR');
  }
  throw new Error('loaded without a problem');
}
