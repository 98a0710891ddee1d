import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openRegistries, parseManifest, parseReference, RegistrySession } from '../../../src/registry/index.js';
import { isDigest } from '../../../src/base/digest.js';
import { digestOf, RegistryServer } from '../../support/registry-server.js';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const document = { schemaVersion: 2, mediaType: manifestType, layers: [] };
let registry: RegistryServer;
beforeEach(async () => {
  registry = new RegistryServer();
  await registry.listen();
});
afterEach(() => registry.close());

function session(host = registry.host, auth = {}): RegistrySession {
  const registries = openRegistries({
    environment: {},
    firstRetryDelayMs: 2,
    patience: { silenceMs: 150, minBytes: 1_000 },
  });
  const endpoint = { ...registries.ownEndpoint(host), baseUrls: [new URL(`http://${host}`)] };
  const reference = parseReference(`${host}/app:latest`);
  const signal = AbortSignal.timeout(10_000);
  return new RegistrySession({ registries, endpoint, reference, auth, access: 'pull', signal });
}

function descriptor(bytes: Buffer, size = bytes.length) {
  const digest = digestOf(bytes);
  if (!isDigest(digest)) throw new Error('bug: no digest');
  return { mediaType: 'x', digest, size };
}

async function received(blob: AsyncIterable<Buffer>): Promise<number> {
  let length = 0;
  for await (const chunk of blob) length += chunk.length;
  return length;
}

describe('a registry that is slow on purpose', () => {
  test('sends a manifest a byte at a time', async () => {
    registry.misbehave = (request, response) => {
      if (!String(request.url).includes('/manifests/')) return false;
      response.writeHead(200, { 'content-length': 100_000 });
      const timer = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(timer));
      return true;
    };
    await expect(session().manifest('latest')).rejects.toMatchObject({
      code: 'registry/unreachable',
      message: expect.stringContaining('timed out reading') as string,
    });
  });

  test('sends a layer a byte at a time', async () => {
    registry.misbehave = (_, response) => {
      response.writeHead(200, { 'content-length': 100_000 });
      const timer = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(timer));
      return true;
    };
    await expect(received(session().blob(descriptor(Buffer.alloc(100_000))))).rejects.toMatchObject({
      code: 'registry/unreachable',
    });
  });

  test('sends a layer a byte a connection', async () => {
    let connections = 0;
    registry.misbehave = (request, response) => {
      connections += 1;
      response.writeHead(request.headers.range === undefined ? 200 : 206, { 'content-length': 1_000_000 });
      response.write('x', () => response.destroy());
      return true;
    };
    await expect(received(session().blob(descriptor(Buffer.alloc(1_000_000))))).rejects.toMatchObject({
      code: 'registry/unreachable',
    });
    expect(connections).toBeLessThan(10);
  });

  test('never comes to the end of its headers', async () => {
    const sockets: Socket[] = [];
    const timers: NodeJS.Timeout[] = [];
    const server: Server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined); // the client goes
      socket.write('HTTP/1.1 200 OK\r\nX-Endless: ');
      timers.push(setInterval(() => socket.write('a'), 20));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      await expect(session(`127.0.0.1:${port}`).manifest('latest')).rejects.toMatchObject({
        code: 'registry/unreachable',
        message: expect.stringContaining('timed out waiting for an answer') as string,
      });
    } finally {
      timers.forEach(clearInterval);
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  test('answers 503 with a body without end', async () => {
    const open = new Set<unknown>();
    registry.misbehave = (_, response) => {
      open.add(response);
      response.once('close', () => open.delete(response));
      response.writeHead(503);
      const more = () => {
        while (response.write(Buffer.alloc(64 << 10)));
        response.once('drain', more);
      };
      more();
      return true;
    };
    await expect(session().manifest('latest')).rejects.toMatchObject({ code: 'registry/failed' });
    await expect.poll(() => open.size).toBe(0);
  });
});

describe('a line that breaks', () => {
  test('in a manifest makes us ask again', async () => {
    registry.addManifest('app', 'latest', document);
    let breaks = 0;
    registry.misbehave = (_, response) => {
      if (breaks === 3) return false;
      breaks += 1;
      response.writeHead(200, { 'content-length': 500 });
      response.write('{', () => response.destroy());
      return true;
    };
    expect((await session().manifest('latest')).mediaType).toBe(manifestType);
    expect(breaks).toBe(3);
  });

  test('to the token server makes us ask again, as its 429 does', async () => {
    registry.addManifest('app', 'latest', document);
    registry.tokens = true;
    let asked = 0;
    registry.misbehave = (request, response) => {
      if (!String(request.url).startsWith('/token')) return false;
      asked += 1;
      if (asked === 1) request.destroy();
      else if (asked === 2) response.writeHead(429, { 'retry-after': '0' }).end();
      return asked < 3;
    };
    expect((await session().manifest('latest')).mediaType).toBe(manifestType);
    expect(asked).toBe(3);
  });

  test('waits as long as Retry-After says', async () => {
    registry.addManifest('app', 'latest', document);
    const at: number[] = [];
    registry.misbehave = (_, response) => {
      at.push(performance.now());
      if (at.length === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      return at.length === 1;
    };
    await session().manifest('latest');
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThan(950);
  });
});

describe('tricks with addresses', () => {
  test.each(['nonsense', 'file:///etc/passwd', 'ftp://127.0.0.1/'])(
    'a token server at %s is not asked',
    async (realm) => {
      registry.misbehave = (_, response) => {
        response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
        return true;
      };
      await expect(session(undefined, { username: 'me', password: 'x' }).manifest('latest')).rejects.toMatchObject({
        code: 'registry/access-denied',
      });
    },
  );

  test.each(['file:///etc/passwd', 'http://[nonsense'])('an upload is not sent to %s', async (location) => {
    registry.misbehave = (_, response) => {
      response.writeHead(202, { location }).end();
      return true;
    };
    await expect(session().mountBlob(descriptor(Buffer.from('x')).digest, 'a')).rejects.toMatchObject({
      code: 'registry/unreachable',
    });
  });

  test('an upload elsewhere goes without the password', async () => {
    const elsewhere = new RegistryServer();
    await elsewhere.listen();
    const seen: (string | undefined)[] = [];
    elsewhere.misbehave = (request, response) => {
      seen.push(request.headers.authorization);
      request.resume().once('end', () => response.writeHead(201).end());
      return true;
    };
    try {
      registry.login = 'me:secret';
      registry.misbehave = (request, response) => {
        if (request.method !== 'POST' || request.headers.authorization === undefined) return false;
        response.writeHead(202, { location: `http://${elsewhere.host}/here` }).end();
        return true;
      };
      const bytes = Buffer.from('a layer');
      const { Readable } = await import('node:stream');
      const to = session(undefined, { username: 'me', password: 'secret' });
      await to.upload(undefined, { digest: descriptor(bytes).digest, sizeBytes: bytes.length }, () =>
        Promise.resolve(Readable.from([bytes])),
      );
      expect(seen).toEqual([undefined]);
    } finally {
      await elsewhere.close();
    }
  });
});

describe('documents', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  test.each([
    ['a size that is no number of bytes', JSON.stringify({ ...document, config: { digest, size: 1.5 } })],
    ['a size beyond all disks', JSON.stringify({ ...document, config: { digest, size: 1e300 } })],
    ['100,000 layers', JSON.stringify({ ...document, config: { digest, size: 1 }, layers: Array(100_000).fill(0) })],
    ['a million brackets', `${'['.repeat(1e6)}${']'.repeat(1e6)}`],
    ['the prototype for a config', '{"layers":[],"__proto__":{"config":{}}}'],
    ['bytes that are no text', '\xff\xfe'],
  ])('with %s are refused', (_, text) => {
    expect(() => parseManifest(Buffer.from(text, 'latin1'))).toThrow(
      expect.objectContaining({ code: 'image/bad-document' }) as Error,
    );
  });
});
