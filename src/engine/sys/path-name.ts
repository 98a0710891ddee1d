/** File names are bytes: a `Buffer` says one that is not UTF-8. */
export type PathName = string | Buffer;

/** The name as libc takes it. */
export function cPath(path: PathName): string | Buffer {
  return typeof path === 'string' ? path : Buffer.concat([path, Buffer.of(0)]);
}

/** The name as an argument of a tool, for which `/proc/self` is another process. A name that is not UTF-8 has none. */
export function toolPath(path: PathName): string {
  return path.toString().replace(/^\/proc\/self\//, `/proc/${process.pid}/`);
}
