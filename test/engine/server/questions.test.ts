import { once } from 'node:events';
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { RegistryServer } from '../../support/registry-server.js';
import { EngineProcess } from './engine-process.js';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

describe('the routes beside containers and images', () => {
  const engine = new EngineProcess();
  const registry = new RegistryServer();

  beforeAll(async () => {
    await registry.listen();
    await engine.start();
    await engine.withBusybox();
  });
  afterAll(async () => {
    await registry.close();
    await engine[Symbol.asyncDispose]();
  });

  const textOf = (method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const sent = request({ socketPath: engine.socket, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const { status, text } = await textOf(method, path, body);
    return { status, body: text === '' ? undefined : JSON.parse(text) };
  };

  test.each([
    ['a password', false],
    ['a token got with a password', true],
  ])('/auth says whether a registry takes the credentials: %s', async (_how, tokens) => {
    Object.assign(registry, { login: 'me:secret', tokens });
    const login = (password: string) =>
      call('POST', '/auth', { username: 'me', password, serveraddress: registry.host });
    expect(await login('secret')).toEqual({ status: 200, body: { IdentityToken: '', Status: 'Login Succeeded' } });
    expect(await login('wrong')).toMatchObject({
      status: 401,
      body: { message: `login attempt to http://${registry.host}/v2/ failed with status: 401 Unauthorized` },
    });
    registry.login = undefined;
  });

  test('/distribution tells digest and platforms of what a registry has, an index or an image', async () => {
    const config = registry.addBlob(
      Buffer.from(
        JSON.stringify({ architecture: 'arm64', os: 'linux', variant: 'v8', rootfs: { type: 'layers', diff_ids: [] } }),
      ),
    );
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    const image = registry.addManifest('some/app', 'one', {
      mediaType,
      schemaVersion: 2,
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: [],
    });
    const indexType = 'application/vnd.oci.image.index.v1+json';
    const index = registry.addManifest('some/app', 'many', {
      mediaType: indexType,
      schemaVersion: 2,
      manifests: [{ mediaType, ...image, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } }],
    });
    const Platforms = [{ os: 'linux', architecture: 'arm64', variant: 'v8' }];
    expect(await call('GET', `/distribution/${registry.host}/some/app:one/json`)).toEqual({
      status: 200,
      body: { Descriptor: { mediaType, ...image }, Platforms },
    });
    expect(await call('GET', `/distribution/${registry.host}/some/app:many/json`)).toEqual({
      status: 200,
      body: { Descriptor: { mediaType: indexType, ...index }, Platforms },
    });
    expect(await call('GET', `/distribution/${registry.host}/some/app:none/json`)).toMatchObject({ status: 404 });
  });

  test('/images/create takes the tag beside the name, before that of the name, and all tags where there is none', async () => {
    const blob = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { diff_ids: [] } }));
    const config = { mediaType: 'application/vnd.oci.image.config.v1+json', ...registry.addBlob(blob) };
    const mediaType = 'application/vnd.oci.image.manifest.v1+json';
    for (const tag of ['1', '2', '3']) {
      registry.addManifest('tags/app', tag, { mediaType, schemaVersion: 2, config, layers: [] });
    }
    const name = `${registry.host}/tags/app`;
    const pulled = async (suffix: string, query: string) => {
      const path = `/images/create?fromImage=${encodeURIComponent(`${name}${suffix}`)}${query}`;
      const { text } = await textOf('POST', path);
      return [...text.matchAll(/"Pulling from tags\/app","id":"(\w+)"/g)].map(([, tag]) => tag);
    };
    expect(await pulled('', '&tag=1')).toEqual(['1']);
    expect(await pulled(':1', '&tag=2')).toEqual(['2']);
    expect(await pulled(':3', '')).toEqual(['3']);
    expect(await pulled(':', '')).toEqual(['1', '2', '3']);
    const { body } = await call('GET', `/images/${name}:2/json`);
    expect(body).toMatchObject({ RepoTags: [`${name}:1`, `${name}:2`, `${name}:3`] });
  });

  test('/images/search asks the index of a host, checks its limits and filters what comes', async () => {
    const found = { name: 'app', description: 'an app', star_count: 3, is_official: false, is_automated: false };
    registry.misbehave = ({ url }, response) => {
      if (url !== '/v1/search?q=app&n=25') return false;
      response.end(JSON.stringify({ num_results: 1, results: [found, { broken: true }] }));
      return true;
    };
    const term = encodeURIComponent(`${registry.host}/app`);
    expect(await call('GET', `/images/search?term=${term}`)).toEqual({ status: 200, body: [found] });
    const filtered = encodeURIComponent(JSON.stringify({ stars: ['4'] }));
    expect(await call('GET', `/images/search?term=${term}&filters=${filtered}`)).toEqual({ status: 200, body: [] });
    expect(await call('GET', '/images/search?term=x&limit=101')).toMatchObject({
      status: 400,
      body: { message: 'limit 101 is outside the range of [1, 100]' },
    });
    registry.misbehave = () => false;
  });

  test('outside a swarm and without plugins the answers are those clients know', async () => {
    for (const path of ['/nodes', '/services/x', '/tasks/x/logs', '/swarm', '/swarm/unlockkey', '/secrets']) {
      expect(await call('GET', path), path).toMatchObject({
        status: 503,
        body: { message: expect.stringContaining('This node is not a swarm manager') as string },
      });
    }
    expect(await call('POST', '/swarm/leave')).toMatchObject({ status: 503 });
    expect(await call('GET', '/plugins')).toEqual({ status: 200, body: [] });
    expect(await call('GET', '/plugins/some/plugin:latest/json')).toMatchObject({
      status: 404,
      body: { message: 'plugin "some/plugin:latest" not found' },
    });
  });

  describe('attaching over a WebSocket', () => {
    const signal = () => AbortSignal.timeout(20_000);
    const address = (id: string, query: string) =>
      `ws+unix://${engine.socket}:/v1.45/containers/${id}/attach/ws?stream=1&${query}`;
    const create = (script: string) =>
      engine.client.containers.create(
        { Image: 'busybox', Cmd: ['sh', '-c', script], OpenStdin: true, StdinOnce: true },
        {},
        signal(),
      );

    test('carries bytes both ways, unframed, and closes with the container', async () => {
      const { Id } = await create('echo ready; echo told >&2; read line; echo "got $line"');
      const socket = new WebSocket(address(Id, 'stdin=1&stdout=1&stderr=1'));
      await once(socket, 'open');
      let text = '';
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        expect(isBinary).toBe(true);
        text += data.toString();
        if (text.includes('told')) socket.send('typed\n');
      });
      const closed = once(socket, 'close');
      await engine.client.containers.start(Id, signal());
      await closed;
      expect(text.split('\n').sort()).toEqual(['', 'got typed', 'ready', 'told']);
    });

    test('an unknown container is 404, a request that asks for no WebSocket 400', async () => {
      const socket = new WebSocket(address('nobody', 'stdout=1'));
      const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
      expect(response.statusCode).toBe(404);
      const { Id } = await create('true');
      expect(await call('GET', `/containers/${Id}/attach/ws?stream=1`)).toMatchObject({ status: 400 });
    });
  });
});
