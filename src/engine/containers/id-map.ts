import { statSync } from 'node:fs';
import type { IdMapRequest } from '../../api/container.js';
import { hasCode, TscomposeError } from '../../base/errors.js';
import type { RuntimeProgram } from '../oci/index.js';
import { invalidConfig } from './errors.js';
import { fileSystemOf } from './propagation.js';
import type { ContainerMount, ContainerRecord, IdMap } from './record.js';

/** The last id that is one: all bits set says "none" (user_namespaces(7)). */
const lastId = 0xffff_fffe;

/** @throws `container/invalid-config` */
export function parseIdMap({ User, Group, Owner = false }: IdMapRequest): IdMap {
  const refuse = (problem: string) =>
    invalidConfig('Mounts', `invalid mount config for type "bind": invalid id map: ${problem}`);
  if (Owner) {
    if (User !== undefined || Group !== undefined) throw refuse('Owner goes without User and Group');
    return 'owner';
  }
  if (!isId(User) || !isId(Group)) throw refuse(`User and Group must be numbers from 0 to ${lastId}`);
  return { user: User, group: Group };
}

function isId(value: number | undefined): value is number {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= lastId;
}

/**
 * The mount option by which crun makes an id-mapped mount: ranges of `id on disk-id that processes see-length`, one to
 * one. So the host's root has no place here (its files are nobody's), nor has the container's process with the id that
 * root takes (it cannot write). All others stay as they are.
 * @returns undefined where root stays root
 * @throws `container/id-map-refused` where the runtime would pass over the option
 */
export function idMapOption(
  { idMap, source, destination }: Pick<ContainerMount, 'idMap' | 'source' | 'destination'>,
  runtime: RuntimeProgram,
): string | undefined {
  if (idMap === undefined) return undefined;
  const ids = idMap === 'owner' ? ownerOf(source) : idMap;
  if (ids.user === 0 && ids.group === 0) return undefined;
  if (runtime.kind !== 'crun' || !isAtLeast(runtime.version, [1, 5])) {
    throw refused(source, destination, `${runtime.version} cannot do it, crun 1.5 and later can`);
  }
  return `idmap=uids=${ranges(ids.user)};gids=${ranges(ids.group)}`;
}

/** Says which mount of which file system was too much, when a container could not be created because of an id map. */
export function explainIdMap(error: unknown, { mounts }: ContainerRecord): unknown {
  if (!hasCode(error, 'oci/create-failed')) return error;
  const { reason } = error.facts;
  // The call that maps ids is the only one of its kind whose subject crun names by its source.
  const mount = mounts.find(
    ({ idMap, source }) => idMap !== undefined && reason.includes(`mount_setattr \`${source}\``),
  );
  if (mount === undefined) return error;
  const { source, destination } = mount;
  return refused(source, destination, `the kernel does not do it for the file system ${fileSystemOf(source)}`);
}

function refused(source: string, destination: string, why: string): TscomposeError<'container/id-map-refused'> {
  return new TscomposeError({
    code: 'container/id-map-refused',
    message: `cannot map ids of ${source} at ${destination}: ${why}`,
    facts: { source, destination },
    hint: 'leave the id map out, or give the container the user that the files are to belong to',
  });
}

function ownerOf(source: string): { readonly user: number; readonly group: number } {
  const { uid, gid } = statSync(source);
  return { user: uid, group: gid };
}

function ranges(root: number): string {
  if (root === 0) return `0-0-${lastId + 1}`;
  const parts = [
    [root, 0, 1],
    [1, 1, root - 1],
    [root + 1, root + 1, lastId - root],
  ];
  return parts
    .filter(([, , length]) => length !== 0)
    .map((part) => part.join('-'))
    .join('#');
}

/** @param version - as `crun version 1.8.1` */
function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const [ownMajor = 0, ownMinor = 0] = (/\d+(\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
