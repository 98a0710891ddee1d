import { TscomposeError } from '../errors.js';
import { invalidTar, type SparseRegion } from './entry.js';
import { decodeName } from './names.js';

/** What an extended header says about the next entry (POSIX.1-2001 pax, with SCHILY, LIBARCHIVE and GNU keywords). */
export interface PaxRecords {
  path?: string;
  linkPath?: string;
  size?: number;
  uid?: number;
  gid?: number;
  mtimeNs?: bigint;
  userName?: string;
  groupName?: string;
  xattrs?: Map<string, Buffer>;
  sparse?: PaxSparse;
}

interface PaxSparse {
  /** Format 1.0 keeps its map in front of the body. */
  mapInBody?: boolean;
  major?: number;
  name?: string;
  realSize?: number;
  regions: SparseRegion[];
  /** Offset of format 0.0 that still waits for its length. */
  pendingOffset?: number;
}

const schily = 'SCHILY.xattr.';
const libarchive = 'LIBARCHIVE.xattr.';
const gnuSparse = 'GNU.sparse.';

/** @throws `tar/invalid` */
export function parsePax(body: Buffer): PaxRecords {
  const records: PaxRecords = {};
  for (let at = 0; at < body.length;) {
    if (body[at] === 0) break; // padding some writers count into the size
    const blank = body.indexOf(0x20, at);
    const length = blank < 0 || blank - at > 10 ? NaN : Number(body.toString('latin1', at, blank));
    const end = at + length;
    if (!Number.isInteger(length) || end > body.length || end <= blank || body[end - 1] !== 0x0a) {
      throw invalidTar('a pax record with a wrong length');
    }
    const equals = body.indexOf(0x3d, blank);
    if (equals < 0 || equals >= end) throw invalidTar('a pax record without "="');
    applyRecord(records, body.toString('utf8', blank + 1, equals), body.subarray(equals + 1, end - 1));
    at = end;
  }
  return records;
}

function applyRecord(records: PaxRecords, key: string, value: Buffer): void {
  if (key.startsWith(schily)) {
    xattrsOf(records).set(key.slice(schily.length), Buffer.from(value));
  } else if (key.startsWith(libarchive)) {
    const name = percentDecoded(key.slice(libarchive.length));
    if (!xattrsOf(records).has(name)) xattrsOf(records).set(name, Buffer.from(value.toString('latin1'), 'base64'));
  } else if (key.startsWith(gnuSparse)) {
    applySparse(records, key.slice(gnuSparse.length), value);
  } else if (value.length > 0) {
    applyPlain(records, key, value); // an empty value means: as the header block has it
  }
}

function applyPlain(records: PaxRecords, key: string, value: Buffer): void {
  switch (key) {
    case 'path':
      records.path = nameOf(value);
      return;
    case 'linkpath':
      records.linkPath = nameOf(value);
      return;
    case 'uname':
      records.userName = nameOf(value);
      return;
    case 'gname':
      records.groupName = nameOf(value);
      return;
    case 'size':
      records.size = countOf(value);
      return;
    case 'uid':
      records.uid = countOf(value);
      return;
    case 'gid':
      records.gid = countOf(value);
      return;
    case 'mtime':
      records.mtimeNs = nanosecondsOf(value.toString('latin1'));
      return;
    default:
  }
}

function applySparse(records: PaxRecords, key: string, value: Buffer): void {
  const sparse = (records.sparse ??= { regions: [] });
  switch (key) {
    case 'major':
      sparse.major = countOf(value);
      sparse.mapInBody = sparse.major === 1;
      return;
    case 'name':
      sparse.name = nameOf(value);
      return;
    case 'size':
    case 'realsize':
      sparse.realSize = countOf(value);
      return;
    case 'offset':
      sparse.pendingOffset = countOf(value);
      return;
    case 'numbytes':
      sparse.regions.push({ offset: sparse.pendingOffset ?? NaN, length: countOf(value) });
      delete sparse.pendingOffset;
      return;
    case 'map': {
      const numbers = value
        .toString('latin1')
        .split(',')
        .map((text) => countOf(Buffer.from(text)));
      if (numbers.length % 2 !== 0) throw invalidTar('a sparse map of odd length');
      for (let at = 0; at < numbers.length; at += 2) {
        sparse.regions.push({ offset: numbers[at] ?? NaN, length: numbers[at + 1] ?? NaN });
      }
      return;
    }
    default:
  }
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new TscomposeError({
      code: 'tar/invalid',
      message: 'invalid tar archive: an attribute name that is not percent-encoded',
      facts: { reason: 'an attribute name that is not percent-encoded' },
      cause,
    });
  }
}

function xattrsOf(records: PaxRecords): Map<string, Buffer> {
  return (records.xattrs ??= new Map());
}

function nameOf(value: Buffer): string {
  if (value.includes(0)) throw invalidTar('a NUL in a name');
  return decodeName(value);
}

function countOf(value: Buffer): number {
  const text = value.toString('latin1');
  const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(number)) throw invalidTar(`not a count: ${JSON.stringify(text.slice(0, 40))}`);
  return number;
}

/** `-12.345` seconds; digits beyond the ninth are dropped. */
function nanosecondsOf(text: string): bigint {
  const match = /^(-?)(\d{1,12})(?:\.(\d*))?$/.exec(text);
  if (match === null) throw invalidTar(`not a time: ${JSON.stringify(text.slice(0, 40))}`);
  const [, sign = '', seconds = '0', fraction = ''] = match;
  const value = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return sign === '-' ? -value : value;
}
