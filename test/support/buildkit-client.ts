import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { globToRegExp } from '../../src/base/glob.js';
import { parseIgnore } from '../../src/base/ignore-rules.js';
import { type Channel, openChannel } from '../../src/engine/buildkit/grpc/client.js';
import { GrpcFailure, grpcCode } from '../../src/engine/buildkit/grpc/failure.js';
import { type Method, type Methods, serveGrpc, unary } from '../../src/engine/buildkit/grpc/server.js';
import { goMode } from '../../src/engine/buildkit/session/go-mode.js';
import type { FileStat } from '../../src/engine/buildkit/session/receive.js';
import { bytesMessage, nothing } from '../../src/api/buildkit/common.js';
import { statusResponse } from '../../src/api/buildkit/status.js';
import * as control from '../../src/engine/buildkit/wire/control.js';
import * as session from '../../src/engine/buildkit/wire/session.js';

/** A file of a folder that the client has; a text is an ordinary one. */
export type ClientFile = string | { readonly link: string } | { readonly content: string; readonly mode: number };
export type ClientFolder = Readonly<Record<string, ClientFile>>;

export interface ClientBuild {
  /** By the client's name: `context`, `dockerfile` (the same where it is left out), named contexts. */
  readonly folders?: Readonly<Record<string, ClientFolder>>;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly exporter?: { readonly type: string; readonly attrs?: Readonly<Record<string, string>> };
  readonly cache?: { readonly exports: readonly { readonly type: string; readonly attrs: Record<string, string> }[] };
  readonly secrets?: Readonly<Record<string, string>>;
  /** Answers what a step says to the ssh agent `default`. */
  readonly agent?: (said: string) => string;
  readonly credentials?: Readonly<Record<string, { readonly username: string; readonly secret: string }>>;
  /** What `http://buildkit-session/…` stands for. */
  readonly upload?: Buffer;
  /** `steered` as buildx and compose do it; `direct`: the frontend stands in `Solve` itself. */
  readonly way?: 'steered' | 'direct';
  readonly sharedKey?: string;
  readonly signal?: AbortSignal;
  readonly entitlements?: readonly string[];
  /** Hears what steps print. */
  readonly onLog?: (text: string) => void;
}

export interface ClientOutcome {
  readonly response: Readonly<Record<string, string>>;
  readonly failure: GrpcFailure | undefined;
  /** By name; the last that was said of each. */
  readonly vertexes: ReadonlyMap<
    string,
    { readonly cached: boolean; readonly completed: boolean; readonly error: string }
  >;
  readonly log: string;
  readonly warnings: readonly string[];
  /** Paths whose content the engine asked for, in order. */
  readonly asked: readonly string[];
  /** What came back: bytes of a stream, or files of a folder. */
  readonly received: Buffer;
  readonly receivedFiles: Readonly<Record<string, string>>;
}

/** Everything of a file's time: the same in every build, so that only what changed is asked for. */
const modTime = 1_700_000_000_123_456_789n;

/** Takes a connection over from HTTP, as docker's clients do. */
export async function upgrade(
  socketPath: string,
  path: string,
  headers: Record<string, string | string[]>,
): Promise<Duplex> {
  return await new Promise((resolve, reject) => {
    const sent = request({
      socketPath,
      path,
      method: 'POST',
      headers: { ...headers, Connection: 'Upgrade', Upgrade: 'h2c', 'Content-Length': '0' },
    });
    sent.on('error', reject);
    sent.on('response', (answer) => reject(new Error(`${path} was answered with ${String(answer.statusCode)}`)));
    sent.on('upgrade', (_answer, socket, head) => {
      if (head.byteLength > 0) socket.unshift(head);
      resolve(socket);
    });
    sent.end();
  });
}

/** Builds as buildx does, with everything in memory. */
export class BuildKitClient implements Disposable {
  readonly #socketPath: string;
  readonly channel: Channel;

  private constructor(socketPath: string, channel: Channel) {
    this.#socketPath = socketPath;
    this.channel = channel;
  }

  static async connect(socketPath: string): Promise<BuildKitClient> {
    return new BuildKitClient(socketPath, openChannel(await upgrade(socketPath, '/grpc', {})));
  }

  [Symbol.dispose](): void {
    this.channel.close();
  }

  async build(build: ClientBuild): Promise<ClientOutcome> {
    const signal = build.signal ?? AbortSignal.timeout(60_000);
    const id = randomBytes(8).toString('hex');
    const ref = randomBytes(8).toString('hex');
    const asked: string[] = [];
    const received: Buffer[] = [];
    const receivedFiles: Record<string, string> = {};
    const methods = servicesOf(build, { asked, received, receivedFiles });
    const socket = await upgrade(this.#socketPath, '/session', {
      'X-Docker-Expose-Session-Uuid': id,
      'X-Docker-Expose-Session-Name': 'test',
      'X-Docker-Expose-Session-Sharedkey': build.sharedKey ?? '',
      'X-Docker-Expose-Session-Grpc-Method': Object.keys(methods),
    });
    const ending = new AbortController();
    const served = serveGrpc(socket, methods, ending.signal);
    const heard = new Heard(build.onLog);
    const status = this.#hear(ref, heard, ending.signal);
    let response: Readonly<Record<string, string>> = {};
    let failure: GrpcFailure | undefined;
    try {
      const solved = this.#solve(ref, id, build, signal);
      solved.catch(() => undefined); // the gateway's calls may fail first
      if (build.way !== 'direct') await this.#steer(ref, build, signal);
      ({ exporterResponse: response } = await solved);
      await status;
    } catch (error) {
      if (!(error instanceof GrpcFailure)) throw error;
      failure = error;
      await status;
    } finally {
      ending.abort();
      await served;
    }
    const { vertexes, warnings, log } = heard;
    return { response, failure, vertexes, warnings, log, asked, received: Buffer.concat(received), receivedFiles };
  }

  #solve(
    ref: string,
    id: string,
    build: ClientBuild,
    signal: AbortSignal,
  ): Promise<{ exporterResponse: Readonly<Record<string, string>> }> {
    const { type = 'moby', attrs = {} } = build.exporter ?? {};
    const direct = build.way === 'direct';
    return this.channel.call(
      '/moby.buildkit.v1.Control/Solve',
      control.solveRequest,
      control.solveResponse,
      {
        ref,
        session: id,
        exporter: type,
        exporterAttrs: attrs,
        exporters: [{ type, attrs }],
        ...(build.cache === undefined ? {} : { cache: { exports: [...build.cache.exports] } }),
        entitlements: build.entitlements ?? [],
        ...(direct ? { frontend: 'dockerfile.v0', frontendAttrs: build.attributes ?? {} } : {}),
      },
      { signal },
    );
  }

  async #steer(ref: string, build: ClientBuild, signal: AbortSignal): Promise<void> {
    const headers = { 'buildkit-controlapi-buildid': ref };
    const gateway = '/moby.buildkit.v1.frontend.LLBBridge';
    const give = (value: Parameters<typeof control.returnRequest.encode>[0]): Promise<unknown> =>
      this.channel.call(`${gateway}/Return`, control.returnRequest, nothing, value, { headers, signal });
    try {
      const { result } = await this.channel.call(
        `${gateway}/Solve`,
        control.gatewaySolveRequest,
        control.gatewaySolveResponse,
        { frontend: 'dockerfile.v0', frontendOpt: build.attributes ?? {} },
        { headers, signal },
      );
      await give({ result: { ref: result?.ref ?? {} } });
    } catch (error) {
      if (!(error instanceof GrpcFailure)) throw error;
      await give({ error: { code: error.code, message: error.message, details: [...error.details] } });
    }
  }

  async #hear(ref: string, heard: Heard, signal: AbortSignal): Promise<void> {
    const stream = this.channel.open('/moby.buildkit.v1.Control/Status', { signal });
    await stream.send(control.statusRequest.encode({ ref }));
    stream.end();
    try {
      for await (const message of stream.incoming) heard.take(statusResponse.decode(message));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

class Heard {
  readonly vertexes = new Map<string, { cached: boolean; completed: boolean; error: string }>();
  readonly warnings: string[] = [];
  readonly #onLog: (text: string) => void;
  log = '';

  constructor(onLog: (text: string) => void = () => undefined) {
    this.#onLog = onLog;
  }

  take({ vertexes, logs, warnings }: ReturnType<typeof statusResponse.decode>): void {
    for (const { name = '', cached = false, completed, error = '' } of vertexes) {
      this.vertexes.set(name, { cached, completed: completed !== undefined, error });
    }
    for (const { msg } of logs) {
      const text = Buffer.from(msg ?? []).toString();
      this.log += text;
      this.#onLog(text);
    }
    for (const { short } of warnings) this.warnings.push(Buffer.from(short ?? []).toString());
  }
}

interface Kept {
  readonly asked: string[];
  readonly received: Buffer[];
  readonly receivedFiles: Record<string, string>;
}

/** The services of one build that the engine may call. */
function servicesOf({ folders = {}, secrets, agent, credentials, upload, exporter }: ClientBuild, kept: Kept): Methods {
  const notFound = (what: string): GrpcFailure => new GrpcFailure(grpcCode.notFound, `${what} not found`);
  return {
    '/moby.filesync.v1.FileSync/DiffCopy': sendFolders(folders, kept.asked),
    '/moby.filesync.v1.FileSend/DiffCopy':
      exporter?.type === 'local' ? takeFolder(kept.receivedFiles) : takeBytes(kept.received),
    ...(secrets === undefined
      ? {}
      : {
          '/moby.buildkit.secrets.v1.Secrets/GetSecret': unary(
            session.secretRequest,
            session.secretResponse,
            ({ id }) => {
              const value = secrets[id];
              if (value === undefined) throw notFound(`secret ${id}`);
              return { data: Buffer.from(value) };
            },
          ),
        }),
    ...(agent === undefined
      ? {}
      : {
          '/moby.sshforward.v1.SSH/CheckAgent': unary(session.checkAgentRequest, nothing, ({ id }) => {
            if (id !== 'default') throw notFound(`unset ssh forward key ${id}`);
            return {};
          }),
          '/moby.sshforward.v1.SSH/ForwardAgent': {
            run: async (incoming, _call, send) => {
              for await (const message of incoming) {
                const said = Buffer.from(bytesMessage.decode(message).data).toString();
                send(bytesMessage.encode({ data: Buffer.from(agent(said)) }));
              }
            },
          } satisfies Method,
        }),
    '/moby.filesync.v1.Auth/Credentials': unary(
      session.credentialsRequest,
      session.credentialsResponse,
      ({ host }) => ({
        ...credentials?.[host],
      }),
    ),
    ...(upload === undefined
      ? {}
      : {
          '/moby.upload.v1.Upload/Pull': {
            run: (_incoming, _call, send) => {
              for (let at = 0; at < upload.byteLength; at += 1000)
                send(bytesMessage.encode({ data: upload.subarray(at, at + 1000) }));
              return Promise.resolve();
            },
          } satisfies Method,
        }),
  };
}

function sendFolders(folders: Readonly<Record<string, ClientFolder>>, asked: string[]): Method {
  return {
    run: async (incoming, call, send) => {
      const name = call.metadata('dir-name') ?? '';
      const folder = folders[name] ?? (name === 'dockerfile' ? folders['context'] : undefined);
      if (folder === undefined) throw new GrpcFailure(grpcCode.notFound, `no access allowed to dir "${name}"`);
      const listed = (header: string): string[] => call.metadata(header)?.split(', ') ?? []; // as Node joins several
      const ignore = parseIgnore(listed('exclude-patterns').join('\n'));
      const only = listed('followpaths');
      const isWanted = (path: string): boolean =>
        !ignore.ignores(path) &&
        (only.length === 0 || only.some((one) => globToRegExp(one).test(path) || path.startsWith(`${one}/`)));
      const files = Object.entries(folder).filter(([path]) => isWanted(path));
      const stats = listOf(files);
      for (const stat of stats) send(session.packet.encode({ type: session.packetType.stat, stat }));
      send(session.packet.encode({ type: session.packetType.stat }));
      for await (const message of incoming) {
        const { type, id } = session.packet.decode(message);
        if (type === session.packetType.finish) {
          send(session.packet.encode({ type: session.packetType.finish }));
          return;
        }
        const path = stats[id]?.path ?? '';
        asked.push(path);
        const data = Buffer.from(contentOf(folder[path] ?? ''));
        if (data.byteLength > 0) send(session.packet.encode({ type: session.packetType.data, id, data }));
        send(session.packet.encode({ type: session.packetType.data, id }));
      }
    },
  };
}

function contentOf(file: ClientFile): string {
  return typeof file === 'string' ? file : 'content' in file ? file.content : '';
}

/** Parents first, names in order. A path that is not clean is sent as it is. */
function listOf(files: readonly (readonly [string, ClientFile])[]): Partial<FileStat>[] {
  const stats = new Map<string, Partial<FileStat>>();
  for (const [path, file] of files) {
    const parts = path.split('/');
    for (let depth = 1; depth < parts.length && !path.includes('..'); depth++) {
      const parent = parts.slice(0, depth).join('/');
      stats.set(parent, stats.get(parent) ?? { path: parent, mode: goMode('directory', 0o755), modTime });
    }
    const isLink = typeof file !== 'string' && 'link' in file;
    const mode = typeof file !== 'string' && 'mode' in file ? file.mode : 0o644;
    stats.set(path, {
      path,
      modTime: modTime + BigInt(contentOf(file).length),
      mode: isLink ? goMode('symlink', 0o777) : goMode('file', mode),
      ...(isLink ? { linkname: file.link } : { size: Buffer.byteLength(contentOf(file)) }),
    });
  }
  const key = (path: string): string => path.replaceAll('/', '\0');
  return [...stats.values()].sort((left, right) => (key(left.path ?? '') < key(right.path ?? '') ? -1 : 1));
}

function takeBytes(received: Buffer[]): Method {
  return {
    run: async (incoming) => {
      for await (const message of incoming) received.push(Buffer.from(bytesMessage.decode(message).data));
    },
  };
}

function takeFolder(files: Record<string, string>): Method {
  return {
    run: async (incoming, _call, send) => {
      const stats: Partial<FileStat>[] = [];
      const wanted = new Set<number>();
      let listed = false;
      const finishWhenAllIsHere = (): void => {
        if (listed && wanted.size === 0) send(session.packet.encode({ type: session.packetType.finish }));
      };
      for await (const message of incoming) {
        const { type, stat, id, data } = session.packet.decode(message);
        if (type === session.packetType.finish) return;
        if (type === session.packetType.stat && stat === undefined) {
          listed = true;
          finishWhenAllIsHere();
        } else if (type === session.packetType.stat && stat !== undefined) {
          stats.push(stat);
          const isFile = (stat.mode ?? 0) < 2 ** 19;
          files[stat.path ?? ''] = isFile ? '' : (stat.linkname ?? '');
          if (!isFile) continue;
          wanted.add(stats.length - 1);
          send(session.packet.encode({ type: session.packetType.request, id: stats.length - 1 }));
        } else if (type === session.packetType.data) {
          const path = stats[id]?.path ?? '';
          files[path] = `${files[path] ?? ''}${Buffer.from(data).toString()}`;
          if (data.byteLength > 0) continue;
          wanted.delete(id);
          finishWhenAllIsHere();
        }
      }
    },
  };
}
