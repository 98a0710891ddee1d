import { lstatSync, realpathSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { errnoOf, TscomposeError } from '../../base/errors.js';
import { membersOf } from '../../base/tar/from-files.js';
import { writeTar } from '../../base/tar/stream.js';
import type { PathStat } from '../../api/container.js';
import { isNotFound, type EngineClient } from '../../client/index.js';
import { place, type CopyTarget } from './paths.js';

export interface CopyInOptions {
  /** Files get the user of the container, where it has one; otherwise they keep their ids. */
  readonly archive: boolean;
  /** Of a source that is a link, copies what it leads to. */
  readonly followLink: boolean;
  readonly cwd: string;
}

/** @throws `cli/cannot-copy`, `engine/response` */
export async function copyIntoContainer(
  client: EngineClient,
  containerId: string,
  source: string,
  target: string,
  { archive, followLink, cwd }: CopyInOptions,
  signal: AbortSignal,
): Promise<void> {
  const written = resolve(cwd, source);
  const path = followLink ? existing(written, () => realpathSync(written)) : written;
  const folder = existing(path, () => lstatSync(/\/\.?$/.test(source) ? `${path}/` : path).isDirectory());
  const destination = await targetIn(client, containerId, target, signal);
  const { folder: into, name } = place({ path: source, folder }, destination);
  await client.containers.putArchive(
    containerId,
    { path: into, copyUIDGID: archive },
    Readable.from(writeTar(membersOf(path, name, { signal }))),
    signal,
  );
}

/** A tar that is there already. The target must be a folder. */
export async function unpackIntoContainer(
  client: EngineClient,
  containerId: string,
  tar: Readable,
  target: string,
  archive: boolean,
  signal: AbortSignal,
): Promise<void> {
  await client.containers.putArchive(containerId, { path: target, copyUIDGID: archive }, tar, signal);
}

/** Follows a link at the target: what is copied goes where it leads. */
async function targetIn(
  client: EngineClient,
  containerId: string,
  path: string,
  signal: AbortSignal,
): Promise<CopyTarget> {
  const absolute = path.startsWith('/') ? path : `/${path}`;
  const stat = await statOrNothing(client, containerId, absolute, signal);
  if (stat === undefined) return { path: absolute, found: 'nothing' };
  if (stat.linkTarget === '' || !isLink(stat)) return { path: absolute, found: isFolder(stat) ? 'folder' : 'file' };
  const led = posix.resolve(posix.dirname(absolute), stat.linkTarget);
  const there = await statOrNothing(client, containerId, led, signal);
  return { path: led, found: there === undefined ? 'nothing' : isFolder(there) ? 'folder' : 'file' };
}

async function statOrNothing(
  client: EngineClient,
  containerId: string,
  path: string,
  signal: AbortSignal,
): Promise<PathStat | undefined> {
  try {
    return await client.containers.statPath(containerId, path, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Modes of the Engine API are Go's: the type is in the top bits. */
export function isFolder({ mode }: PathStat): boolean {
  return mode >= 2 ** 31;
}

export function isLink({ mode }: PathStat): boolean {
  return Math.floor(mode / 2 ** 27) % 2 === 1;
}

function existing<T>(path: string, look: () => T): T {
  try {
    return look();
  } catch (error) {
    const reason = errnoOf(error) === 'ENOENT' ? 'no such file or directory' : String(error);
    throw new TscomposeError({
      code: 'cli/cannot-copy',
      message: `lstat ${path}: ${reason}`,
      facts: { source: path, target: '' },
    });
  }
}
