import { readFileSync } from 'node:fs';
import { TscomposeError, errnoOf } from '../../../base/errors.js';
import { resolveInRoot } from '../context/scoped-path.js';

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'build/unknown-owner': { readonly owner: string };
  }
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * `user[:group]` of `--chown`, by name from the root file system's own /etc/passwd and /etc/group, or as numbers. A user
 * alone gives its number as group too.
 * @throws `build/unknown-owner`
 */
export function resolveOwner(root: string, text: string): Owner {
  const [user = '', group] = text.split(':', 2);
  const uid = numberOf(user) ?? lookUp(root, 'etc/passwd', user);
  if (uid === undefined) throw unknownOwner(text, `can't find uid for user ${user}: no such user: ${user}`);
  if (group === undefined || group === '') return { uid, gid: uid };
  const gid = numberOf(group) ?? lookUp(root, 'etc/group', group);
  if (gid === undefined) throw unknownOwner(text, `can't find gid for group ${group}: no such group: ${group}`);
  return { uid, gid };
}

function numberOf(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** The third field of the line that starts with `name:`. */
function lookUp(root: string, file: string, name: string): number | undefined {
  if (name === '') return undefined;
  try {
    const { path } = resolveInRoot(root, file, 'follow-last');
    for (const line of readFileSync(`${root}/${path}`, 'utf8').split('\n')) {
      const fields = line.split(':');
      if (fields[0] === name) return numberOf(fields[2] ?? '');
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw error;
  }
  return undefined;
}

function unknownOwner(owner: string, reason: string): TscomposeError<'build/unknown-owner'> {
  return new TscomposeError({
    code: 'build/unknown-owner',
    message: `unable to convert uid/gid chown string to host mapping: ${reason}`,
    facts: { owner },
  });
}
