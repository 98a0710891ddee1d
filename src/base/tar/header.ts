import { blockBytes, invalidTar } from './entry.js';
import { decodeName } from './names.js';

/** One header block, its fields as numbers and names. */
export interface RawHeader {
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtimeSeconds: number;
  readonly typeFlag: string;
  readonly linkName: string;
  readonly userName: string;
  readonly groupName: string;
  readonly major: number;
  readonly minor: number;
  readonly format: 'v7' | 'ustar' | 'gnu';
}

const typeAt = 156;
const checksumAt = 148;

export function isZeroBlock(block: Buffer): boolean {
  return block.equals(zeroBlock);
}

const zeroBlock = Buffer.alloc(blockBytes);

/** Reads a header block (POSIX.1-1988 ustar, GNU and the historic format). @throws `tar/invalid` */
export function parseHeader(block: Buffer): RawHeader {
  verifyChecksum(block);
  const magic = block.toString('latin1', 257, 265);
  const format = magic === 'ustar  \0' ? 'gnu' : magic.startsWith('ustar\0') ? 'ustar' : 'v7';
  const name = textField(block, 0, 100);
  const prefix =
    format === 'ustar' ? textField(block, 345, block.toString('latin1', 508, 512) === 'tar\0' ? 131 : 155) : '';
  const flag = block[typeAt] ?? 0;
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    mode: numberField(block, 100, 8),
    uid: numberField(block, 108, 8),
    gid: numberField(block, 116, 8),
    size: numberField(block, 124, 12),
    mtimeSeconds: numberField(block, 136, 12),
    typeFlag: flag === 0 ? '0' : String.fromCharCode(flag),
    linkName: textField(block, 157, 100),
    userName: format === 'v7' ? '' : textField(block, 265, 32),
    groupName: format === 'v7' ? '' : textField(block, 297, 32),
    major: format === 'v7' ? 0 : numberField(block, 329, 8),
    minor: format === 'v7' ? 0 : numberField(block, 337, 8),
    format,
  };
}

/** A name up to its first NUL. */
function textField(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at);
  return decodeName(block.subarray(at, end < 0 || end > at + length ? at + length : end));
}

/** Octal digits among blanks, or GNU's big-endian binary where the top bit is set. @throws `tar/invalid` */
export function numberField(block: Buffer, at: number, length: number): number {
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) return binaryField(block, at, length);
  let value = 0;
  let state: 'before' | 'inside' | 'after' = 'before';
  for (let index = at; index < at + length; index += 1) {
    const byte = block[index] ?? 0;
    if (byte >= 0x30 && byte <= 0x37 && state !== 'after') {
      value = value * 8 + (byte - 0x30);
      state = 'inside';
    } else if (byte === 0x20 || byte === 0) {
      if (state === 'inside') state = 'after';
    } else {
      throw invalidTar(`not a number in a header: ${JSON.stringify(block.toString('latin1', at, at + length))}`);
    }
  }
  return value;
}

function binaryField(block: Buffer, at: number, length: number): number {
  const negative = ((block[at] ?? 0) & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  for (let index = at; index < at + length; index += 1) {
    const byte = block[index] ?? 0;
    value = (value << 8n) | BigInt(index === at ? (negative ? byte : byte & 0x7f) : byte);
  }
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw invalidTar('a number in a header is out of range');
  return number;
}

/** The sum of all bytes with the checksum itself as blanks; old tars summed signed bytes. */
function verifyChecksum(block: Buffer): void {
  const stated = numberField(block, checksumAt, 8);
  let unsigned = 0;
  for (const byte of block) unsigned += byte;
  for (let at = checksumAt; at < checksumAt + 8; at += 1) unsigned += 0x20 - (block[at] ?? 0);
  if (unsigned === stated) return;
  let signed = 0;
  for (let at = 0; at < blockBytes; at += 1) {
    signed += at >= checksumAt && at < checksumAt + 8 ? 0x20 : block.readInt8(at);
  }
  if (signed !== stated) throw invalidTar('a header does not match its checksum');
}
