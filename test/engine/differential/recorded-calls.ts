import { createServer, request, type IncomingMessage, type Server } from 'node:http';

/** A request that makes or starts something, with names in the place of ids. */
export interface RecordedCall {
  readonly path: string;
  readonly body: unknown;
}

const made =
  /^\/v[\d.]+(\/(?:networks|volumes|containers)\/create.*|\/networks\/[^/]+\/connect|\/containers\/[^/]+\/start)$/;

/** Stands between a client and the engine at `socket`, and writes down what the client makes. */
export class CallRecorder implements AsyncDisposable {
  readonly calls: RecordedCall[] = [];
  readonly #names = new Map<string, string>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(at: string, socket: string): Promise<CallRecorder> {
    const server = createServer();
    const recorder = new CallRecorder(server);
    server.on('request', (incoming, outgoing) => {
      void (async () => {
        const sent = await bytesOf(incoming);
        const { method, url: path = '', headers } = incoming;
        const call = request({ socketPath: socket, method, path, headers }, (answer) => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          outgoing.flushHeaders();
          if (!made.test(path)) {
            answer.pipe(outgoing); // events come as long as the client listens
            return;
          }
          void bytesOf(answer).then((received) => {
            recorder.#note(path, sent, received);
            outgoing.end(received);
          });
        });
        outgoing.on('close', () => call.destroy());
        call.on('error', (error) => outgoing.destroy(error));
        call.end(sent);
      })();
    });
    await new Promise<void>((resolve) => server.listen(at, resolve));
    return recorder;
  }

  #note(url: string, sent: Buffer, received: Buffer): void {
    const path = made.exec(url)?.[1];
    if (path === undefined) return;
    const text = [...this.#names].reduce((known, [id, name]) => known.replaceAll(id, name), sent.toString());
    const short = [...this.#names].reduce((known, [id, name]) => known.replace(id, name), path);
    this.calls.push({ path: short, body: text === '' ? null : (JSON.parse(text) as unknown) });
    const name = /^\/containers\/create\?.*name=([^&]+)/.exec(path)?.[1];
    if (name !== undefined) this.#names.set((JSON.parse(received.toString()) as { Id: string }).Id, name);
    if (path === '/networks/create') {
      const network = (JSON.parse(sent.toString()) as { Name: string }).Name;
      this.#names.set((JSON.parse(received.toString()) as { Id: string }).Id, network);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Sends recorded calls to the engine at `socket`, one after the other. @throws Error for an answer that is no success */
export async function replay(calls: readonly RecordedCall[], socket: string): Promise<void> {
  for (const { path, body } of calls) await send(socket, 'POST', path, body === null ? '' : JSON.stringify(body));
}

/** The id of an image of the engine at `socket`. */
export async function imageId(name: string, socket: string): Promise<string> {
  const found = JSON.parse(await send(socket, 'GET', `/images/${name}/json`, '')) as { readonly Id: string };
  return found.Id;
}

async function send(socketPath: string, method: string, path: string, content: string): Promise<string> {
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(content)) };
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ socketPath, method, path: `/v1.45${path}`, headers }, resolve)
      .on('error', reject)
      .end(content);
  });
  const received = (await bytesOf(answer)).toString();
  if ((answer.statusCode ?? 500) >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${received}`);
  return received;
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
