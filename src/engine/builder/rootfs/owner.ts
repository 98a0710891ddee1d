import { hasCode, TscomposeError } from '../../../base/errors.js';
import { readAccountFiles } from '../../oci/index.js';

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'build/unknown-owner': { readonly owner: string };
  }
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export const root0: Owner = { uid: 0, gid: 0 };

/**
 * `user[:group]` of `--chown`, by name from the root file system's own /etc/passwd and /etc/group, or as numbers. A name
 * alone has the group that /etc/passwd says, a number alone the group of that number.
 * @throws `build/unknown-owner`
 */
export function resolveOwner(root: string, text: string): Owner {
  const [user = '', group] = text.split(':', 2);
  const files = readAccountFiles(root);
  const uid = numberOf(user) ?? lookUp(files.passwd, user, 'own');
  if (uid === undefined) throw unknownOwner(text, `can't find uid for user ${user}: no such user: ${user}`);
  if (group === undefined || group === '') return { uid, gid: lookUp(files.passwd, user, 'group') ?? uid };
  const gid = numberOf(group) ?? lookUp(files.group, group, 'own');
  if (gid === undefined) throw unknownOwner(text, `can't find gid for group ${group}: no such group: ${group}`);
  return { uid, gid };
}

function numberOf(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** As whom WORKDIR makes directories: USER's user as far as the files know it, otherwise root. */
export function ownerOfUser(root: string, user: string): Owner {
  try {
    return user === '' ? root0 : resolveOwner(root, user);
  } catch (error) {
    if (hasCode(error, 'build/unknown-owner')) return root0; // a step that is run as that user says so
    throw error;
  }
}

/** A number of the line that starts with `name:`: its own, or in /etc/passwd that of its group. */
function lookUp(file: string, name: string, which: 'own' | 'group'): number | undefined {
  if (name === '') return undefined;
  for (const line of file.split('\n')) {
    const fields = line.split(':');
    if (fields[0] === name) return numberOf(fields[which === 'own' ? 2 : 3] ?? '');
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
