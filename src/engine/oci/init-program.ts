import { accessSync, closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { TscomposeError } from '../../base/errors.js';
import './errors.js';

const folders = [
  '/usr/local/bin',
  '/usr/bin',
  '/usr/sbin',
  '/sbin',
  '/bin',
  ...['/usr/libexec/docker', '/usr/local/libexec/docker', '/usr/lib/docker', '/usr/libexec/podman', '/usr/lib/podman'],
  ...['/usr/libexec/catatonit', '/usr/lib/catatonit', '/snap/docker/current/bin', '/opt/bin'],
] as const;
const names = ['catatonit', 'docker-init', 'tini-static', 'tini', 'dumb-init'] as const;

/** Where `init: true` puts the reaper in the container. */
export const initPathInContainer = '/sbin/docker-init';

/**
 * A reaper of this host that needs nothing of the container: it may have no libc, or another one.
 * @throws `oci/no-init`
 */
export function findInitProgram(among: readonly string[] = folders): string {
  const tried = names.flatMap((name) => among.map((folder) => join(folder, name)));
  const found = tried.find((path) => isExecutable(path) && isStatic(path));
  if (found !== undefined) return found;
  throw new TscomposeError({
    code: 'oci/no-init',
    message: 'init was asked for, and this host has no statically linked init program for containers',
    facts: { tried },
    hint: 'install the package catatonit (or tini)',
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not this one
  }
}

/** Whether an ELF program asks for no interpreter, that is for no dynamic linker (elf(5), PT_INTERP). */
export function isStatic(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    const header = readAt(fd, 0, 64);
    if (header.toString('latin1', 0, 4) !== '\x7fELF' || header[4] !== 2 || header[5] !== 1) return false;
    const [offset, size, count] = [
      Number(header.readBigUInt64LE(32)),
      header.readUInt16LE(54),
      header.readUInt16LE(56),
    ];
    const table = readAt(fd, offset, size * count);
    return Array.from({ length: count }, (_, index) => table.readUInt32LE(index * size)).every(
      (type) => type !== PT_INTERP,
    );
  } finally {
    closeSync(fd);
  }
}

const PT_INTERP = 3;

/** Zeros where the file is shorter. */
function readAt(fd: number, position: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  readSync(fd, bytes, 0, size, position);
  return bytes;
}
