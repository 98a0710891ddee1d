import { dirname, join } from 'node:path';
import { readIfPresent } from '../../base/durable-file.js';
import type { Project } from '../../compose/index.js';
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

/** Undefined where there is none. @throws `lock/bad-file` */
export async function readLock(path: string): Promise<LockFile | undefined> {
  const text = await readIfPresent(path);
  if (text === undefined) return undefined;
  const { parseLock } = await import('../../lock/index.js');
  return parseLock(path, text);
}
