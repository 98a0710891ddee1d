import { chmodSync, createWriteStream, linkSync, lstatSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TscomposeError } from '../../base/errors.js';
import type { TarEntry } from '../../base/tar/entry.js';
import { readTar } from '../../base/tar/stream.js';
import type { EngineClient } from '../../client/index.js';
import { writeAll, type OutputStream } from '../terminal.js';
import { isFolder, isLink } from './into-container.js';
import { cannot, place, type CopyTarget } from './paths.js';

export interface CopyOutOptions {
  readonly followLink: boolean;
  readonly cwd: string;
}

/** @throws `cli/cannot-copy`, `engine/response`, `tar/invalid` */
export async function copyOutOfContainer(
  client: EngineClient,
  containerId: string,
  source: string,
  target: string,
  { followLink, cwd }: CopyOutOptions,
  signal: AbortSignal,
): Promise<void> {
  const path = await sourceIn(client, containerId, source, followLink, signal);
  const { stat, tar } = await client.containers.getArchive(containerId, path, signal);
  try {
    const destination = targetHere(cwd, target);
    const from = { path: followLink ? path : source, folder: isFolder(stat) };
    const { folder, name } = place(from, destination);
    if (!isFolderHere(folder))
      throw cannot(from, destination, `invalid output path: directory "${folder}" does not exist`);
    await unpack(tar, folder, name);
  } finally {
    tar.destroy();
  }
}

/** The same, as the tar itself. */
export async function streamOutOfContainer(
  client: EngineClient,
  containerId: string,
  source: string,
  followLink: boolean,
  to: OutputStream,
  signal: AbortSignal,
): Promise<void> {
  const path = await sourceIn(client, containerId, source, followLink, signal);
  const { tar } = await client.containers.getArchive(containerId, path, signal);
  await writeAll(to, tar);
}

async function sourceIn(
  client: EngineClient,
  containerId: string,
  source: string,
  followLink: boolean,
  signal: AbortSignal,
): Promise<string> {
  if (!followLink) return source;
  const stat = await client.containers.statPath(containerId, source, signal);
  return isLink(stat) ? resolve(dirname(resolve('/', source)), stat.linkTarget) : source;
}

function targetHere(cwd: string, target: string): CopyTarget {
  const path = resolve(cwd, target) + (target.endsWith('/') ? '/' : '');
  const found = statSync(path.replace(/\/$/, ''), { throwIfNoEntry: false });
  return { path, found: found === undefined ? 'nothing' : found.isDirectory() ? 'folder' : 'file' };
}

function isFolderHere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * Unpacks below `folder`, the archive's first path element replaced by `name`. Nothing is written elsewhere: a path with
 * `..` is refused, and no link out of the archive is ever walked through.
 */
async function unpack(tar: AsyncIterable<Uint8Array>, folder: string, name: string): Promise<void> {
  const times: { readonly path: string; readonly mtimeNs: bigint }[] = [];
  await readTar(tar, async (entry, body) => {
    const below = renamed(entry.path, name);
    if (below === undefined) return;
    const path = safePath(folder, below);
    await write(path, entry, body, (linked) => safePath(folder, renamed(linked, name) ?? ''));
    if (entry.type === 'directory' || entry.type === 'file') times.push({ path, mtimeNs: entry.mtimeNs });
  });
  for (const { path, mtimeNs } of times.reverse()) await utimes(path, Number(mtimeNs) / 1e9, Number(mtimeNs) / 1e9);
}

async function write(
  path: string,
  entry: TarEntry,
  body: AsyncIterable<Buffer>,
  inside: (path: string) => string,
): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (entry.type === 'directory') {
    if (found?.isDirectory() !== true) mkdirSync(path);
    chmodSync(path, entry.mode);
    return;
  }
  if (found?.isDirectory() === true) {
    throw new TscomposeError({
      code: 'cli/cannot-copy',
      message: `cannot overwrite directory ${path} with ${entry.path}`,
      facts: { source: entry.path, target: path },
    });
  }
  if (found !== undefined) rmSync(path);
  switch (entry.type) {
    case 'file':
      await pipeline(body, createWriteStream(path, { mode: 0o600, flags: 'wx' }));
      chmodSync(path, entry.mode);
      return;
    case 'symlink':
      symlinkSync(entry.linkPath ?? '', path);
      return;
    case 'hardlink':
      linkSync(inside(entry.linkPath ?? ''), path);
      return;
    default: // devices and pipes are of no use here
      return;
  }
}

/** Undefined for the archive's own top folder when its content is spread. */
function renamed(path: string, name: string): string | undefined {
  const [, ...rest] = path.replace(/^\/+|\/+$/g, '').split('/');
  const parts = name === '.' ? rest : [name, ...rest];
  return parts.length === 0 ? undefined : parts.join('/');
}

function safePath(folder: string, below: string): string {
  const parts = below.split('/').filter((part) => part !== '' && part !== '.');
  let path = folder;
  for (const [index, part] of parts.entries()) {
    if (part === '..') throw escapes(below, folder);
    path = join(path, part);
    const last = index === parts.length - 1;
    if (!last && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw escapes(below, folder);
  }
  return path;
}

function escapes(source: string, target: string): TscomposeError {
  return new TscomposeError({
    code: 'cli/cannot-copy',
    message: `the archive has a path that leads out of ${target}: ${source}`,
    facts: { source, target },
  });
}
