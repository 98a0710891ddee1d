import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectEngine, type EngineClient } from '../../../../src/client/index.js';
import { createLog } from '../../../../src/base/log.js';
import { serveRoutes, type EngineServer } from '../../../../src/engine/server/server.js';
import type { Route } from '../../../../src/engine/server/router.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Routes behind the real HTTP server on a socket of its own, with our real client. */
export class Served implements AsyncDisposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'serve-'));
  readonly socket = join(this.#dir, 'engine.sock');
  readonly client: EngineClient = connectEngine({ host: `unix://${this.socket}` });
  readonly server: EngineServer;
  quiet = 0;
  readonly logLines: string[] = [];

  private constructor(routes: readonly Route[]) {
    this.server = serveRoutes([['HEAD', '/_ping', ({ response }) => void response.end()], ...routes], {
      version: '1.2.3',
      log: createLog((line) => this.logLines.push(line), 'debug'),
      onQuiet: () => (this.quiet += 1),
    });
  }

  static async routes(...routes: Route[]): Promise<Served> {
    const served = new Served(routes);
    await new Promise<void>((resolve) => served.server.http.listen(served.socket, resolve));
    return served;
  }

  request(
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: string } = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = httpRequest({ socketPath: this.socket, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
        response.on('error', reject);
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.server.close(0);
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
