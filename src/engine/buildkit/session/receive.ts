import { GrpcFailure, grpcCode } from '../grpc/failure.js';
import { packet, packetType, type stat } from '../wire/session.js';
import type { Message } from '../../../api/buildkit/message.js';
import type { ClientSession } from './sessions.js';

const diffCopy = '/moby.filesync.v1.FileSync/DiffCopy';
/** Files asked for and not yet here. The sender answers four at a time and takes note of 128. */
const maxUnderWay = 64;

export type FileStat = typeof stat extends Message<infer T> ? T : never;

/** What files that a client sends are written to. Nothing in it waits: writes go to the page cache or to memory. */
export interface FileSink {
  /** One file, parents before what they hold. @returns where its content goes; undefined where it is not needed */
  place(file: Partial<FileStat>): ContentSink | undefined;
  /** All have been placed. */
  listed(): void;
}

export interface ContentSink {
  write(chunk: Uint8Array): void;
  /** All of it has come. */
  close(): void;
  /** It will not come. */
  abandon(): void;
}

export interface ReceiveOptions {
  /** The client's name of the folder: `context`, `dockerfile`, or that of a named context. */
  readonly folder: string;
  /** Patterns of a `.dockerignore`; the client leaves out what they name. */
  readonly exclude?: readonly string[];
  /** Only these, their parents and what links among them lead to. */
  readonly only?: readonly string[];
  /** Bytes of the protocol so far. */
  readonly onProgress: (bytes: number) => void;
  readonly signal: AbortSignal;
}

/**
 * Takes a folder from the client (fsutil's protocol: the sender lists all files; the receiver asks for the content of
 * those it needs by their place in the list; data comes mixed; each side says that it has finished).
 * @throws GrpcFailure, what the sink throws, the abort reason
 */
export async function receiveFolder(session: ClientSession, sink: FileSink, options: ReceiveOptions): Promise<void> {
  if (!session.methods.has(diffCopy)) throw new GrpcFailure(grpcCode.unimplemented, 'no local sources enabled');
  const stream = session.channel.open(diffCopy, { headers: headersOf(options), signal: options.signal });
  const underWay = new Map<number, ContentSink>();
  const wanted: [id: number, content: ContentSink][] = [];
  let asked = 0;
  const state = { listed: false, finished: false };
  let count = 0;
  let bytes = 0;
  const askMore = async (): Promise<void> => {
    while (underWay.size < maxUnderWay) {
      const next = wanted[asked];
      if (next === undefined) break;
      asked++; // not taken out: from the front of a long list that costs its length
      const [id, content] = next;
      underWay.set(id, content);
      await stream.send(packet.encode({ type: packetType.request, id }));
    }
    if (!state.listed || state.finished || underWay.size > 0) return;
    state.finished = true;
    await stream.send(packet.encode({ type: packetType.finish }));
    stream.end();
  };
  try {
    for await (const message of stream.incoming) {
      bytes += message.byteLength;
      options.onProgress(bytes);
      const { type, stat: file, id, data } = packet.decode(message);
      switch (type) {
        case packetType.stat: {
          if (file === undefined) {
            state.listed = true;
            sink.listed();
          } else {
            const content = sink.place(file);
            if (content !== undefined) wanted.push([count, content]);
            count++;
          }
          break;
        }
        case packetType.data: {
          const content = underWay.get(id);
          if (content === undefined)
            throw new GrpcFailure(grpcCode.invalidArgument, `data of file ${id}, which was not asked for`);
          if (data.byteLength > 0) {
            content.write(data);
          } else {
            content.close();
            underWay.delete(id);
          }
          break;
        }
        case packetType.error:
          throw new GrpcFailure(grpcCode.unknown, `error from sender: ${Buffer.from(data).toString()}`);
        default:
          break; // its `finish` comes after ours; then it ends the call
      }
      await askMore();
    }
    if (!state.finished) throw new GrpcFailure(grpcCode.unknown, `the client stopped sending ${options.folder}`);
  } finally {
    for (const content of [...underWay.values(), ...wanted.slice(asked).map(([, one]) => one)]) content.abandon();
    stream.cancel();
  }
}

function headersOf({ folder, exclude = [], only = [] }: ReceiveOptions): Record<string, string | readonly string[]> {
  return {
    ...metadata('dir-name', [folder]),
    ...metadata('exclude-patterns', exclude),
    ...metadata('followpaths', only),
  };
}

/** A header holds ASCII; where a value has more, all are escaped as in a query and a second header says so. */
function metadata(name: string, values: readonly string[]): Record<string, string | readonly string[]> {
  if (values.length === 0) return {};

  if (values.every((value) => /^[\x20-\x7e]*$/.test(value))) return { [name]: values };
  return { [name]: values.map((value) => encodeURIComponent(value)), [`${name}-encoded`]: '1' };
}
