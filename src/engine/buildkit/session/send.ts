import { createReadStream, lstatSync, type BigIntStats } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileName } from '../../../base/tar/names.js';
import { readLink, readNames } from '../../../base/tar/read-names.js';
import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import type { Stream } from '../grpc/client.js';
import { bytesMessage } from '../../../api/buildkit/common.js';
import { packet, packetType } from '../wire/session.js';
import { goMode, kindOf, type FileKind } from './go-mode.js';
import type { FileStat } from './receive.js';
import type { ClientSession } from './sessions.js';

const diffCopy = '/moby.filesync.v1.FileSend/DiffCopy';
const chunkBytes = 64 << 10;

export interface SendOptions {
  /** A folder of the client's to put the tree in; made there. */
  readonly below?: string | undefined;
  readonly onProgress: (bytes: number) => void;
  readonly signal: AbortSignal;
}

function open({ channel, methods }: ClientSession, signal: AbortSignal): Stream {
  if (!methods.has(diffCopy))
    throw new GrpcFailure(grpcCode.unimplemented, `method ${diffCopy} not supported by the client`);
  return channel.open(diffCopy, { headers: { 'buildkit-attachable-exporter-id': '0' }, signal });
}

/** Streams bytes to the file that the client has opened for them. */
export async function sendStream(session: ClientSession, source: Readable, options: SendOptions): Promise<void> {
  const stream = open(session, options.signal);
  try {
    let bytes = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.byteLength; at += chunkBytes) {
        await stream.send(bytesMessage.encode({ data: chunk.subarray(at, at + chunkBytes) }));
      }
      options.onProgress((bytes += chunk.byteLength));
    }
    stream.end();
    while ((await stream.incoming.next()).done !== true); // its status comes at the end
  } finally {
    source.destroy();
    stream.cancel();
  }
}

/** Gives the tree below `root` to the client, which asks for the files it wants (see `receiveFolder`, whose other side this is). */
export async function sendFolder(session: ClientSession, root: string, options: SendOptions): Promise<void> {
  const stream = open(session, options.signal);
  let bytes = 0;
  const send = async (value: Parameters<typeof packet.encode>[0]): Promise<void> => {
    const message = packet.encode(value);
    options.onProgress((bytes += message.byteLength));
    await stream.send(message);
  };
  try {
    const files: (string | undefined)[] = [];
    const { below } = options;
    if (below !== undefined) {
      files.push(undefined);
      await send({ type: packetType.stat, stat: { path: below, mode: goMode('directory', 0o755) } });
    }
    for (const stat of walk(root, '')) {
      files.push(kindOf(stat.mode ?? 0) === 'file' ? stat.path : undefined); // a link would lead out of the tree
      await send({ type: packetType.stat, stat: below === undefined ? stat : movedBelow(stat, below) });
    }
    await send({ type: packetType.stat });
    for await (const message of stream.incoming) {
      const { type, id, data } = packet.decode(message);
      if (type === packetType.error) {
        throw new GrpcFailure(grpcCode.unknown, `error from receiver: ${Buffer.from(data).toString()}`);
      }
      if (type === packetType.finish) {
        await send({ type: packetType.finish });
        stream.end();
        continue;
      }
      const path = files[id];
      if (type !== packetType.request || path === undefined) continue;
      const source = createReadStream(fileName(`${root}/${path}`), { highWaterMark: chunkBytes });
      for await (const chunk of source as AsyncIterable<Buffer>) {
        await send({ type: packetType.data, id, data: chunk });
      }
      await send({ type: packetType.data, id });
    }
  } finally {
    stream.cancel();
  }
}

/** Links name other files of the tree, unless they are symbolic. */
function movedBelow(stat: Partial<FileStat>, folder: string): Partial<FileStat> {
  const { path = '', linkname, size } = stat;
  const isHardLink = linkname !== undefined && size !== undefined;
  return { ...stat, path: `${folder}/${path}`, ...(isHardLink ? { linkname: `${folder}/${linkname}` } : {}) };
}

/** Parents first, names in order; a second name of a file says which the first was. */
function* walk(root: string, folder: string, first = new Map<string, string>()): Generator<Partial<FileStat>> {
  for (const name of readNames(`${root}/${folder}`)) {
    const path = folder === '' ? name : `${folder}/${name}`;
    const whole = `${root}/${path}`;
    const stats = lstatSync(fileName(whole), { bigint: true });
    const kind = kindOfFile(stats);
    if (kind === undefined) continue;
    const inode = `${stats.dev}:${stats.ino}`;
    const link = kind === 'file' && stats.nlink > 1n ? first.get(inode) : undefined;
    if (link === undefined) first.set(inode, path);
    yield {
      path,
      mode: goMode(kind, Number(stats.mode & 0o7777n)),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      modTime: stats.mtimeNs,
      ...(kind === 'file' ? { size: Number(stats.size) } : {}),
      ...(kind === 'symlink' ? { linkname: readLink(whole) } : {}),
      ...(link === undefined ? {} : { linkname: link }),
    };
    if (kind === 'directory') yield* walk(root, path, first);
  }
}

/** Devices and sockets mean nothing in a folder of the client. */
function kindOfFile(stats: BigIntStats): Exclude<FileKind, 'other'> | undefined {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : undefined;
}
