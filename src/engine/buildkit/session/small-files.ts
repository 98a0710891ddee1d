import { posix } from 'node:path';
import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import { kindOf } from './go-mode.js';
import { receiveFolder, type FileSink, type ReceiveOptions } from './receive.js';
import type { ClientSession } from './sessions.js';

/** Larger than any Dockerfile or ignore file a person writes. */
const maxBytes = 4 << 20;
const maxLinks = 10;

/** Files by path, links among them followed; undefined for what is not there or no file. */
export type SmallFiles = (path: string) => string | undefined;

/** Takes a few files of text from a client's folder into memory. @throws GrpcFailure where one is too large */
export async function receiveSmallFiles(
  session: ClientSession,
  options: ReceiveOptions & { readonly only: readonly string[] },
): Promise<SmallFiles> {
  const files = new Map<string, Buffer[]>();
  const links = new Map<string, string>();
  const sink: FileSink = {
    place: ({ path = '', mode = 0, linkname = '', size = 0 }) => {
      const kind = kindOf(mode);
      if (kind === 'symlink') links.set(path, linkname);
      if (kind !== 'file') return undefined;
      if (size > maxBytes) throw new GrpcFailure(grpcCode.invalidArgument, `${path} is too large`);
      const chunks: Buffer[] = [];
      let bytes = 0;
      files.set(path, chunks);
      return {
        write: (chunk) => {
          bytes += chunk.byteLength;
          if (bytes > maxBytes) throw new GrpcFailure(grpcCode.invalidArgument, `${path} is too large`);
          chunks.push(Buffer.from(chunk));
        },
        close: () => undefined,
        abandon: () => undefined,
      };
    },
    listed: () => undefined,
  };
  await receiveFolder(session, sink, options);
  return (wanted) => {
    let path = clean(wanted);
    for (let followed = 0; followed < maxLinks; followed++) {
      const chunks = files.get(path);
      if (chunks !== undefined) return Buffer.concat(chunks).toString('utf8');
      const target = links.get(path);
      if (target === undefined) return undefined;
      path = clean(target.startsWith('/') ? target : `${posix.dirname(path)}/${target}`);
    }
    return undefined;
  };
}

function clean(path: string): string {
  return posix.normalize(`/${path}`).slice(1);
}
