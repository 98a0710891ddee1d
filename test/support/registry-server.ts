import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LoopbackServer } from './loopback-server.js';

export type Misbehave = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A registry on loopback that speaks the distribution API, with content in memory, and may be told to misbehave. */
export class RegistryServer extends LoopbackServer {
  readonly blobs = new Map<string, Buffer>();
  /** `repository` → tag or digest → manifest. */
  readonly manifests = new Map<string, Map<string, { bytes: Buffer; mediaType: string }>>();
  readonly requests: string[] = [];
  /** `user:password` for basic authentication. */
  login: string | undefined;
  /** With it, tokens are asked for, and are good for what they were asked for. */
  tokens = false;
  /** Repositories that no token is good for. */
  readonly forbidden = new Set<string>();
  /** Returns true when it has dealt with the request itself. */
  misbehave: Misbehave = () => false;
  readonly #uploads = new Map<string, Buffer>();

  addBlob(bytes: Buffer): { digest: string; size: number } {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return { digest, size: bytes.length };
  }

  addManifest(
    repository: string,
    tag: string,
    document: { mediaType: string } & Readonly<Record<string, unknown>>,
  ): { digest: string; size: number } {
    const bytes = Buffer.from(JSON.stringify(document));
    this.#put(repository, tag, bytes, document.mediaType);
    return { digest: digestOf(bytes), size: bytes.length };
  }

  #put(repository: string, which: string, bytes: Buffer, mediaType: string): void {
    const known = this.manifests.get(repository) ?? new Map<string, { bytes: Buffer; mediaType: string }>();
    this.manifests.set(repository, known);
    known.set(which, { bytes, mediaType });
    known.set(digestOf(bytes), { bytes, mediaType });
  }

  protected override async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${this.host}`);
    this.requests.push(`${request.method ?? ''} ${url.pathname}${url.search}`);
    if (this.misbehave(request, response)) return;
    if (url.pathname === '/token') {
      this.#token(request, response, url.searchParams.getAll('scope'));
      return;
    }
    if (!this.#isAllowed(request, url)) {
      const challenge = this.tokens
        ? `Bearer realm="http://${this.host}/token",service="test",scope="x"`
        : 'Basic realm="test"';
      problem(response, 401, 'UNAUTHORIZED', 'authentication required', { 'www-authenticate': challenge });
      return;
    }
    const body = await bodyOf(request);
    const [, repository = '', kind = '', which = ''] =
      /^\/v2\/(.+)\/(manifests|blobs|blobs\/uploads|tags)\/([^/]*)$/.exec(url.pathname) ?? [];
    if (url.pathname === '/v2/') response.end('{}');
    else if (kind === 'manifests' && request.method === 'PUT') {
      this.#put(repository, which, body, request.headers['content-type'] ?? '');
      response.writeHead(201).end();
    } else if (kind === 'manifests') this.#manifest(response, repository, which);
    else if (kind === 'tags' && this.manifests.has(repository)) {
      const tags = [...(this.manifests.get(repository)?.keys() ?? [])].filter((key) => !key.includes(':'));
      response.end(JSON.stringify({ name: repository, tags }));
    } else if (kind === 'blobs/uploads') this.#upload(request, response, url, repository, which, body);
    else if (kind === 'blobs') this.#blob(request, response, which);
    else problem(response, 404, 'NAME_UNKNOWN', 'repository name not known to registry');
  }

  #token(request: IncomingMessage, response: ServerResponse, scopes: readonly string[]): void {
    const given = Buffer.from((request.headers.authorization ?? '').replace('Basic ', ''), 'base64').toString();
    if (this.login !== undefined && given !== this.login) {
      problem(response, 401, 'UNAUTHORIZED', 'incorrect username or password');
      return;
    }
    const repositories = scopes.flatMap((scope) => /^repository:(.+):(?:pull|pull,push)$/.exec(scope)?.[1] ?? []);
    const granted = repositories.filter((repository) => !this.forbidden.has(repository));
    response.end(
      JSON.stringify({ token: Buffer.from(['good', ...granted].join(' ')).toString('base64'), expires_in: 300 }),
    );
  }

  #isAllowed({ headers }: IncomingMessage, { pathname, searchParams }: URL): boolean {
    if (this.tokens) {
      const token = Buffer.from((headers.authorization ?? '').replace('Bearer ', ''), 'base64').toString();
      const granted = token.split(' ');
      const wanted = [/^\/v2\/(.+?)\/(?:manifests|blobs|tags)\//.exec(pathname)?.[1], searchParams.get('from')];
      return headers.authorization !== undefined && wanted.every((one) => one == null || granted.includes(one));
    }
    return this.login === undefined || headers.authorization === `Basic ${Buffer.from(this.login).toString('base64')}`;
  }

  #manifest(response: ServerResponse, repository: string, which: string): void {
    const manifest = this.manifests.get(repository)?.get(which);
    if (manifest === undefined) {
      problem(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
      return;
    }
    response.writeHead(200, {
      'content-type': manifest.mediaType,
      'docker-content-digest': digestOf(manifest.bytes),
      'content-length': manifest.bytes.length,
    });
    response.end(manifest.bytes);
  }

  #blob(request: IncomingMessage, response: ServerResponse, digest: string): void {
    const blob = this.blobs.get(digest);
    if (blob === undefined) {
      problem(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry');
      return;
    }
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': blob.length - from });
    response.end(request.method === 'HEAD' ? undefined : blob.subarray(from));
  }

  #upload(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
    repository: string,
    id: string,
    body: Buffer,
  ): void {
    if (request.method === 'POST') {
      const mount = url.searchParams.get('mount');
      if (mount !== null && this.blobs.has(mount)) {
        response.writeHead(201).end();
        return;
      }
      const upload = randomUUID();
      this.#uploads.set(upload, Buffer.alloc(0));
      response.writeHead(202, { location: `/v2/${repository}/blobs/uploads/${upload}?state=x` }).end();
      return;
    }
    const digest = url.searchParams.get('digest') ?? '';
    if (!this.#uploads.delete(id) || digestOf(body) !== digest || url.searchParams.get('state') !== 'x') {
      problem(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
      return;
    }
    this.blobs.set(digest, body);
    response.writeHead(201).end();
  }
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function problem(response: ServerResponse, status: number, code: string, message: string, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
