import { Readable } from 'node:stream';
import { writeTar, type TarMember } from '../base/tar/stream.js';
import type { InjectedFile } from '../plan/index.js';

/** Files as a tar to be unpacked at the root; folders on their way are made where they are missing. */
export function archiveOf(files: readonly InjectedFile[], nowNs: bigint): Readable {
  const members = files.map(({ path, content, mode, uid, gid }): TarMember => {
    const body = Buffer.from(content);
    return {
      entry: {
        type: 'file',
        path: path.replace(/^\/+/, ''),
        mode,
        uid,
        gid,
        sizeBytes: body.byteLength,
        mtimeNs: nowNs,
      },
      body,
    };
  });
  return Readable.from(writeTar(members));
}
