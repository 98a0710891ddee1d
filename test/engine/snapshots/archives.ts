import { bodyPadding, encodeHeader, endOfArchive } from '../../../src/base/tar/encode.js';
import type { TarEntry, TarType } from '../../../src/base/tar/entry.js';

export interface Member extends Partial<TarEntry> {
  readonly path: string;
  readonly content?: string | Buffer;
}

/** A tar of hand-made entries: a path ending in a slash is a directory, one with a link path a symbolic link. */
export function tarOf(...members: readonly Member[]): Buffer {
  return Buffer.concat([...members.map(memberBytes), endOfArchive]);
}

export function memberBytes({ content, ...entry }: Member): Buffer {
  const body = Buffer.from(content ?? '');
  const guessed: TarType = entry.path.endsWith('/') ? 'directory' : entry.linkPath === undefined ? 'file' : 'symlink';
  const type = entry.type ?? guessed;
  const header = encodeHeader({
    mode: type === 'directory' ? 0o755 : 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: body.length,
    mtimeNs: 1_600_000_000_000_000_000n,
    ...entry,
    type,
  });
  return Buffer.concat([header, body, bodyPadding(body.length)]);
}
