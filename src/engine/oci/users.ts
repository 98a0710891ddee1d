import { TscomposeError } from '../../base/errors.js';
import { readSmallFile } from '../sys/index.js';
import './errors.js';

/** Who a process in a container is. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  /** Home folder; `/` when nobody says. */
  readonly home: string;
}

export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
}

const maxAccountBytes = 4 * 1024 * 1024;

/** /etc/passwd and /etc/group of a root file system, never following a link out of it; absent files are empty. */
export function readAccountFiles(root: string): AccountFiles {
  const read = (path: string): string => readSmallFile(root, path, maxAccountBytes).text ?? '';
  return { passwd: read('/etc/passwd'), group: read('/etc/group') };
}

/**
 * `user[:group]`, each by name or number. A number without an entry stands for itself with group 0; groups that list the
 * user are added unless a group is given (as runc and Docker do). The primary group is one of the additional ones too:
 * a process that changes its group must not get out of a group that is denied something (CVE-2022-36109).
 * @param groupAdd - further groups by name or number
 * @throws `oci/unknown-user`, `oci/unknown-group`
 */
export function resolveUser(files: AccountFiles, text: string, groupAdd: readonly string[]): ContainerUser {
  const colon = text.indexOf(':');
  const wantedUser = colon < 0 ? text : text.slice(0, colon);
  const wantedGroup = colon < 0 ? '' : text.slice(colon + 1);
  const groups = parseGroups(files.group);
  const user = findUser(files.passwd, wantedUser);
  const extra = groupAdd.map((group) => groupId(groups, group, 'Unable to find group'));
  if (wantedGroup !== '') {
    const gid = groupId(groups, wantedGroup);
    return { ...user, gid, additionalGids: distinct([gid, ...extra]) };
  }
  const listed = groups.filter(({ members }) => user.name !== undefined && members.includes(user.name));
  return { ...user, additionalGids: distinct([user.gid, ...listed.map(({ gid }) => gid), ...extra]) };
}

interface FoundUser {
  readonly name?: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

function findUser(passwd: string, wanted: string): FoundUser {
  const number = wanted === '' ? 0 : parseId(wanted);
  for (const line of passwd.split('\n')) {
    const [name = '', , uidText = '', gidText = '', , home = ''] = line.split(':');
    const [uid, gid] = [parseId(uidText), parseId(gidText)];
    if (uid === undefined || gid === undefined || name === '') continue;
    if (name === wanted || uid === number) return { name, uid, gid, home: home.trim() === '' ? '/' : home };
  }
  if (number !== undefined) return { uid: number, gid: 0, home: '/' };
  throw new TscomposeError({
    code: 'oci/unknown-user',
    message: `unable to find user ${wanted}: no matching entries in passwd file`,
    facts: { user: wanted },
  });
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

function parseGroups(text: string): Group[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', , gidText = '', members = ''] = line.split(':');
    const gid = parseId(gidText);
    return name === '' || gid === undefined ? [] : [{ name, gid, members: members.trim().split(',') }];
  });
}

function groupId(groups: readonly Group[], wanted: string, complaint = 'unable to find group'): number {
  const number = parseId(wanted);
  const found = groups.find(({ name, gid }) => name === wanted || gid === number)?.gid ?? number;
  if (found !== undefined) return found;
  throw new TscomposeError({
    code: 'oci/unknown-group',
    message: `${complaint} ${wanted}: no matching entries in group file`,
    facts: { group: wanted },
  });
}

/** A user or group number (below 2^31, as Docker bounds it), or undefined for anything else. */
function parseId(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const number = Number(text);
  return number <= 0x7fff_ffff ? number : undefined;
}

function distinct(numbers: readonly number[]): number[] {
  return [...new Set(numbers)];
}
