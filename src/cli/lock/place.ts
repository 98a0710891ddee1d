import { dirname, join, resolve } from 'node:path';
import { readIfPresent } from '../../base/durable-file.js';
import { discoverFiles, type Project } from '../../compose/index.js';
import { type LockFile, lockFileName } from '../../lock/index.js';
import { isRemoteReference } from '../../remote/index.js';
import type { CliContext } from '../context.js';

/** Beside the first compose file; in the project's folder where that one is fetched from elsewhere or read from a pipe. */
export function lockPlace({ globals, settings }: CliContext, project: Project): string {
  const [named = settings['COMPOSE_FILE'] ?? ''] = globals.file;
  const [first] = project.composeFiles;
  const isLocal = first !== undefined && first !== '-' && named !== '-' && !isRemoteReference(named);
  return join(isLocal ? dirname(first) : project.workingDir, lockFileName);
}

/** Where the lock of a project is that is not loaded yet: its compose files may be what the lock pins. */
export function lockPlaceBefore({ globals, settings, terminal }: CliContext): string {
  const { cwd } = terminal;
  const separator = settings['COMPOSE_PATH_SEPARATOR'] ?? ':';
  const setting = settings['COMPOSE_FILE'] ?? '';
  // The scheme of a reference has a colon, which separates files otherwise.
  const [named = isRemoteReference(setting) ? setting : (setting.split(separator)[0] ?? '')] = globals.file;
  const folder = resolve(cwd, globals.projectDirectory ?? '.');
  if (named === '-' || isRemoteReference(named)) return join(folder, lockFileName);
  const [first] = named === '' ? discoverFiles(folder, () => undefined) : [resolve(cwd, named)];
  return join(first === undefined ? folder : dirname(first), lockFileName);
}

/** Undefined where there is none. @throws `lock/bad-file` */
export async function readLock(path: string): Promise<LockFile | undefined> {
  const text = await readIfPresent(path);
  if (text === undefined) return undefined;
  const { parseLock } = await import('../../lock/index.js');
  return parseLock(path, text);
}
