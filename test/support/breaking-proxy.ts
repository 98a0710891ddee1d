import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Passes bytes on, and cuts both lines after so many of them. */
export class BreakingProxy implements AsyncDisposable {
  /** Asked at each new connection. */
  cutAfter: () => number = () => Infinity;
  cuts = 0;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  constructor(port: number) {
    this.#server = createServer((client) => {
      this.#clients.add(client);
      client.once('close', () => this.#clients.delete(client));
      const upstream = connect(port, '127.0.0.1');
      let left = this.cutAfter();
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        from.on('error', () => undefined); // cut
        from.on('close', () => to.destroy());
        from.on('data', (chunk: Buffer) => {
          left -= chunk.length;
          if (left >= 0) {
            if (!to.write(chunk)) from.pause();
            return;
          }
          this.cuts += 1;
          client.resetAndDestroy();
          upstream.destroy();
        });
        to.on('drain', () => from.resume());
      }
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy(); // kept for requests that do not come any more
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
