import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { O_PATH } from './open-flags.js';

const longest = 107; // sun_path with its end, unix(7)

/**
 * Calls `use` with a path to the same socket that fits a Unix address: the path itself, or one through
 * /proc/self/fd when it is over 107 bytes. Valid during the call only.
 * @throws Error when even the last component is too long
 */
export function withShortSocketPath<T>(path: string, use: (short: string) => T): T {
  if (Buffer.byteLength(path) <= longest) return use(path);
  const directory = openSync(dirname(path), O_PATH | constants.O_DIRECTORY);
  try {
    const short = `/proc/self/fd/${directory}/${basename(path)}`;
    if (Buffer.byteLength(short) > longest) throw new Error(`the name of this socket is too long: ${path}`);
    return use(short);
  } finally {
    closeSync(directory);
  }
}

/** struct sockaddr_un */
export function unixAddress(path: string): Buffer {
  const name = Buffer.alloc(110);
  name.writeUInt16LE(1, 0); // AF_UNIX
  name.write(path, 2);
  return name.subarray(0, 2 + Buffer.byteLength(path) + 1);
}
