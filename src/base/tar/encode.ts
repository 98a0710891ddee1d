import { blockBytes, paddingAfter, type TarEntry, type TarType } from './entry.js';
import { encodeName } from './names.js';

const flags: Readonly<Record<TarType, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};
const maxOctal7 = 0o7777777;
const maxOctal11 = 0o77777777777;

/** Two zero blocks. */
export const endOfArchive: Buffer = Buffer.alloc(2 * blockBytes);

/** Zeros that follow a body of `length` bytes. */
export function bodyPadding(length: number): Buffer {
  return endOfArchive.subarray(0, paddingAfter(length));
}

/**
 * The header blocks of an entry, ustar with a pax header in front where ustar cannot say it. The same entry always gives
 * the same bytes. A directory's path gets its slash. Sparse files are written whole: leave `sparse` out.
 */
export function encodeHeader(entry: TarEntry): Buffer {
  const path = encodeName(entry.type === 'directory' && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path);
  const link = encodeName(entry.linkPath ?? '');
  const size = entry.type === 'file' ? entry.sizeBytes : 0;
  const billion = 1_000_000_000n;
  const fraction = ((entry.mtimeNs % billion) + billion) % billion;
  const seconds = Number((entry.mtimeNs - fraction) / billion);
  const split = splitPath(path);
  const user = encodeName(entry.userName ?? '');
  const group = encodeName(entry.groupName ?? '');

  const records: Buffer[] = [];
  if (split === undefined) records.push(paxRecord('path', path));
  if (link.length > 100 || !isAscii(link)) records.push(paxRecord('linkpath', link));
  if (size > maxOctal11) records.push(paxRecord('size', String(size)));
  if (entry.uid > maxOctal7) records.push(paxRecord('uid', String(entry.uid)));
  if (entry.gid > maxOctal7) records.push(paxRecord('gid', String(entry.gid)));
  if (fraction !== 0n || seconds < 0 || seconds > maxOctal11) records.push(paxRecord('mtime', timeText(entry.mtimeNs)));
  for (const name of [...(entry.xattrs?.keys() ?? [])].sort()) {
    records.push(paxRecord(`SCHILY.xattr.${name}`, entry.xattrs?.get(name) ?? Buffer.alloc(0)));
  }

  const header = encodeBlock({
    name: split?.name ?? path.subarray(0, 100),
    prefix: split?.prefix ?? Buffer.alloc(0),
    mode: entry.mode & 0o7777,
    uid: Math.min(entry.uid, maxOctal7),
    gid: Math.min(entry.gid, maxOctal7),
    size: Math.min(size, maxOctal11),
    seconds: Math.min(Math.max(seconds, 0), maxOctal11),
    flag: flags[entry.type],
    link: link.subarray(0, 100),
    user: user.length > 31 ? Buffer.alloc(0) : user,
    group: group.length > 31 ? Buffer.alloc(0) : group,
    major: entry.major ?? 0,
    minor: entry.minor ?? 0,
  });
  return records.length === 0 ? header : Buffer.concat([paxHeader(path, records), header]);
}

function paxHeader(path: Buffer, records: readonly Buffer[]): Buffer {
  const body = Buffer.concat(records);
  const header = encodeBlock({
    name: Buffer.from(
      `PaxHeaders.0/${path.toString('latin1').replace(/\/$/, '').split('/').pop() ?? ''}`
        .slice(0, 99)
        .replace(/[^\x20-\x7e]/g, '_'),
    ),
    prefix: Buffer.alloc(0),
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    seconds: 0,
    flag: 'x',
    link: Buffer.alloc(0),
    user: Buffer.alloc(0),
    group: Buffer.alloc(0),
    major: 0,
    minor: 0,
  });
  return Buffer.concat([header, body, bodyPadding(body.length)]);
}

interface Fields {
  readonly name: Buffer;
  readonly prefix: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly seconds: number;
  readonly flag: string;
  readonly link: Buffer;
  readonly user: Buffer;
  readonly group: Buffer;
  readonly major: number;
  readonly minor: number;
}

function encodeBlock(fields: Fields): Buffer {
  const block = Buffer.alloc(blockBytes);
  fields.name.copy(block, 0);
  block.write(octal(fields.mode, 7), 100, 'latin1');
  block.write(octal(fields.uid, 7), 108, 'latin1');
  block.write(octal(fields.gid, 7), 116, 'latin1');
  block.write(octal(fields.size, 11), 124, 'latin1');
  block.write(octal(fields.seconds, 11), 136, 'latin1');
  block.write('        ', 148, 'latin1');
  block.write(fields.flag, 156, 'latin1');
  fields.link.copy(block, 157);
  block.write('ustar\0' + '00', 257, 'latin1');
  fields.user.copy(block, 265);
  fields.group.copy(block, 297);
  block.write(octal(fields.major, 7), 329, 'latin1');
  block.write(octal(fields.minor, 7), 337, 'latin1');
  fields.prefix.copy(block, 345);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${octal(sum, 6)}\0 `, 148, 'latin1');
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** Fits a path into ustar's name (100) and prefix (155); undefined where it does not, or is not plain ASCII. */
function splitPath(path: Buffer): { readonly name: Buffer; readonly prefix: Buffer } | undefined {
  if (!isAscii(path)) return undefined;
  if (path.length <= 100) return { name: path, prefix: Buffer.alloc(0) };
  if (path.length > 256) return undefined;
  // The slash between the two is not stored. A directory's own slash at the end cannot be that one.
  const slash = path.indexOf(0x2f, path.length - 101);
  if (slash <= 0 || slash > 155 || slash === path.length - 1) return undefined;
  return { prefix: path.subarray(0, slash), name: path.subarray(slash + 1) };
}

function isAscii(bytes: Buffer): boolean {
  return bytes.every((byte) => byte > 0 && byte < 0x80);
}

/** `27 path=…\n`, where 27 counts itself. */
function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as Buffer), Buffer.from('\n')]);
  let length = rest.length + String(rest.length).length;
  if (String(length).length !== String(rest.length).length) length = rest.length + String(length).length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function timeText(nanoseconds: bigint): string {
  const magnitude = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = (magnitude % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${nanoseconds < 0n ? '-' : ''}${magnitude / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}
