import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ProgressMessage, RegistryAuth } from '../../../src/api/image.js';
import type { Image } from '../../../src/engine/images/index.js';
import type { Platform } from '../../../src/registry/index.js';
import { tarOf } from '../snapshots/archives.js';
import { digestOf, RegistryServer } from '../../support/registry-server.js';
import { imported, openStores, type Stores } from './stores.js';

const signal = new AbortController().signal;
const nobody = { usedBy: () => [] };
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';
let stores: Stores;
let registry: RegistryServer;
let messages: ProgressMessage[];

beforeEach(async () => {
  stores = await openStores();
  registry = new RegistryServer();
  await registry.listen();
  messages = [];
});
afterEach(async () => {
  await registry.close();
  await stores.dispose();
});

function pull(
  name: string,
  more: { auth?: RegistryAuth; platform?: Platform; signal?: AbortSignal } = {},
): Promise<Image> {
  const onProgress = (message: ProgressMessage) => void messages.push(message);
  return stores.images.pull(`${registry.host}/${name}`, { signal, onProgress, ...more });
}

function push(name: string, auth?: RegistryAuth): Promise<void> {
  return stores.images.push(`${registry.host}/${name}`, {
    auth,
    signal,
    onProgress: (message) => void messages.push(message),
  });
}

function statuses(): string[] {
  return messages.flatMap(({ status }) => (status === undefined ? [] : [status]));
}

interface Published {
  readonly digest: string;
  readonly size: number;
  readonly configDigest: string;
}

/** Puts an image of gzipped layers into the registry. */
function publish(
  name: string,
  tag: string,
  tars: readonly Buffer[],
  options: { platform?: Platform; compress?: (tar: Buffer) => Buffer; mediaType?: string } = {},
): Published {
  const {
    platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch },
    compress = gzipSync,
  } = options;
  const { mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip' } = options;
  const layers = tars.map((tar) => ({ mediaType, ...registry.addBlob(compress(tar)) }));
  const config = { ...platform, config: { Cmd: ['sh'] }, rootfs: { type: 'layers', diff_ids: tars.map(digestOf) } };
  const stored = registry.addBlob(Buffer.from(JSON.stringify(config)));
  const document = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...stored },
    layers,
  };
  return { ...registry.addManifest(name, tag, document), configDigest: stored.digest };
}

const layerA = tarOf({ path: 'a', content: 'from a' }, { path: 'shared', content: 'a' });
const layerB = tarOf({ path: 'b', content: 'from b' }, { path: 'shared', content: 'b' });
const noise = tarOf({ path: 'noise', content: randomBytes(3 << 20) });

async function expectClean(): Promise<void> {
  expect(readdirSync(join(stores.dir, 'layers', 'staging'))).toEqual([]);
  expect(readdirSync(join(stores.dir, 'content', 'ingest'))).toEqual([]);
  expect(stores.images.list()).toEqual([]);
  await stores.images.collect(nobody);
  expect(stores.layers.list()).toEqual([]);
}

describe('pulling', () => {
  test('brings layers and config, names the image by tag and digest, and tells about it as Docker does', async () => {
    const { digest, configDigest } = publish('lib/app', '1', [layerA, layerB]);
    const image = await pull('lib/app:1');
    expect(image.id).toBe(configDigest);
    expect(image.tags).toEqual([`${registry.host}/lib/app:1`]);
    expect(image.repoDigests).toEqual([`${registry.host}/lib/app@${digest}`]);
    expect(readFileSync(join(stores.layers.lowerDirs(image.chainId)[0] ?? '', 'b'), 'utf8')).toBe('from b');
    expect(messages[0]).toEqual({ status: 'Pulling from lib/app', id: '1' });
    const seen = new Set(statuses());
    for (const status of ['Pulling fs layer', 'Download complete', 'Pull complete', `Digest: ${digest}`]) {
      expect(seen).toContain(status);
    }
    expect(statuses().at(-1)).toBe(`Status: Downloaded newer image for ${registry.host}/lib/app:1`);
    expect(stores.events).toEqual([
      {
        Type: 'image',
        Action: 'pull',
        Actor: { ID: `${registry.host}/lib/app:1`, Attributes: { name: `${registry.host}/lib/app` } },
      },
    ]);
  });

  test('again downloads no layer, and says that nothing is new', async () => {
    publish('app', 'latest', [layerA, layerB]);
    await pull('app');
    registry.requests.length = 0;
    messages = [];
    await pull('app');
    expect(registry.requests.filter((request) => request.includes('/blobs/'))).toHaveLength(1); // the config
    const news = statuses().filter((status) => !/^(?:Pulling from|Digest:)/.test(status));
    expect(news).toEqual([`Status: Image is up to date for ${registry.host}/app:latest`]); // of no layer, as dockerd
  });

  test('of another image says which layers are here', async () => {
    publish('app', '1', [layerA]);
    publish('app', '2', [layerA, layerB]);
    await pull('app:1');
    messages = [];
    await pull('app:2');
    expect(statuses().filter((status) => status === 'Already exists')).toHaveLength(1);
  });

  test('of all tags ends with what became of the repository', async () => {
    publish('app', '1', [layerA]);
    publish('app', '2', [layerB]);
    const pullAll = async () => {
      messages = [];
      const onProgress = (message: ProgressMessage) => void messages.push(message);
      await stores.images.pullAll(`${registry.host}/app`, { auth: undefined, signal, onProgress });
      return statuses().filter((status) => status.startsWith('Status: '));
    };
    await pull('app:1');
    expect(await pullAll()).toEqual([`Status: Downloaded newer image for ${registry.host}/app`]);
    expect(await pullAll()).toEqual([`Status: Image is up to date for ${registry.host}/app`]);
  });

  test('by digest gives no tag, and checks the manifest against it', async () => {
    const { digest } = publish('app', 'latest', [layerA]);
    const image = await pull(`app@${digest}`);
    expect([image.tags, image.repoDigests]).toEqual([[], [`${registry.host}/app@${digest}`]]);
    expect(stores.images.resolve(`${registry.host}/app@${digest}`).id).toBe(image.id);
  });

  test('chooses the platform from an index, the one asked for first', async () => {
    const ours = publish('app', 'ours', [layerA]);
    const other = publish('app', 'other', [layerB], { platform: { os: 'linux', architecture: 's390x' } });
    const entry = ({ digest, size }: Published, architecture: string) => ({
      mediaType: manifestType,
      digest,
      size,
      platform: { os: 'linux', architecture },
    });
    const manifests = [entry(other, 's390x'), entry(ours, process.arch === 'x64' ? 'amd64' : process.arch)];
    registry.addManifest('app', 'latest', { schemaVersion: 2, mediaType: indexType, manifests });
    expect((await pull('app')).id).toBe(ours.configDigest);
    expect((await pull('app', { platform: { os: 'linux', architecture: 's390x' } })).id).toBe(other.configDigest);
    await expect(pull('app', { platform: { os: 'linux', architecture: 'mips' } })).rejects.toThrow(
      'no matching manifest for linux/mips in the manifest list entries',
    );
    await expect(pull('app:ours', { platform: { os: 'linux', architecture: 's390x' } })).rejects.toThrow(
      'was found but does not match the specified platform: wanted linux/s390x',
    );
  });

  test('reads zstd and uncompressed layers', async () => {
    const compress = (tar: Buffer) => execFileSync('zstd', ['-c'], { input: tar });
    publish('app', 'zstd', [layerA], { compress, mediaType: 'application/vnd.oci.image.layer.v1.tar+zstd' });
    publish('app', 'plain', [layerB], { compress: (tar) => tar, mediaType: 'application/vnd.oci.image.layer.v1.tar' });
    await pull('app:zstd');
    await pull('app:plain');
    expect(
      stores.layers
        .list()
        .map(({ diffId }) => diffId)
        .sort(),
    ).toEqual([digestOf(layerA), digestOf(layerB)].sort());
  });

  test('many layers come in the right order', async () => {
    const tars = Array.from({ length: 12 }, (_, number) => tarOf({ path: 'top', content: String(number) }));
    publish('app', 'latest', tars);
    const { chainId } = await pull('app');
    expect(readFileSync(join(stores.layers.lowerDirs(chainId)[0] ?? '', 'top'), 'utf8')).toBe('11');
  });
});

describe('logging in', () => {
  test.each([false, true])('with a name and a password (tokens: %s)', async (tokens) => {
    registry.login = 'me:secret';
    registry.tokens = tokens;
    publish('app', 'latest', [layerA]);
    const auth = { username: 'me', password: 'secret' };
    expect((await pull('app', { auth })).tags).toHaveLength(1);
    await expect(pull('app', { auth: { username: 'me', password: 'wrong' } })).rejects.toMatchObject({
      code: 'registry/access-denied',
    });
    await expect(pull('app')).rejects.toThrow(
      `pull access denied for ${registry.host}/app, repository does not exist or may require 'docker login': unauthorized: authentication required`,
    );
  });

  test('a password does not follow a redirect to another host', async () => {
    const elsewhere = new RegistryServer();
    await elsewhere.listen();
    const authorizations: (string | undefined)[] = [];
    try {
      registry.login = 'me:secret';
      publish('app', 'latest', [layerA]);
      for (const blob of registry.blobs.values()) elsewhere.addBlob(blob);
      elsewhere.misbehave = (request) => {
        authorizations.push(request.headers.authorization);
        return false;
      };
      registry.misbehave = (request, response) => {
        if (request.url?.includes('/blobs/') !== true) return false;
        response
          .writeHead(307, { location: `http://localhost:${elsewhere.host.split(':')[1] ?? ''}${request.url}` })
          .end();
        return true;
      };
      await pull('app', { auth: { username: 'me', password: 'secret' } });
      expect(authorizations.length).toBeGreaterThan(0);
      expect(new Set(authorizations)).toEqual(new Set([undefined]));
    } finally {
      await elsewhere.close();
    }
  });
});

describe('a registry that fails', () => {
  test('says what is missing in the words of Docker', async () => {
    await expect(pull('app:nosuch')).rejects.toThrow(
      `manifest for ${registry.host}/app:nosuch not found: manifest unknown: manifest unknown`,
    );
    registry.misbehave = (_, response) => {
      response
        .writeHead(403)
        .end(JSON.stringify({ errors: [{ code: 'DENIED', message: 'requested access to the resource is denied' }] }));
      return true;
    };
    await expect(pull('app')).rejects.toThrow(
      `pull access denied for ${registry.host}/app, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
    );
  });

  test('is not there', async () => {
    const { host } = registry;
    await registry.close();
    await expect(stores.images.pull(`${host}/app`, { signal, onProgress: () => undefined })).rejects.toMatchObject({
      code: 'registry/unreachable',
      message: `cannot reach the registry ${host}: connection refused (http://${host}/v2/)`,
    });
    await registry.listen(); // for the end of the test
  });

  test('breaks connections in the middle of a blob, and the rest is fetched from there', async () => {
    const { configDigest } = publish('app', 'latest', [noise]);
    const layer = [...registry.blobs.values()].find(({ length }) => length > 1 << 20) ?? Buffer.alloc(0);
    let breaks = 0;
    registry.misbehave = (request, response) => {
      if (!request.url?.endsWith(digestOf(layer)) || breaks === 3) return false;
      breaks += 1;
      const from = Number(/(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from === 0 ? 200 : 206, { 'content-length': layer.length - from });
      response.write(layer.subarray(from, from + (700 << 10)), () => response.destroy());
      return true;
    };
    expect((await pull('app')).id).toBe(configDigest);
    expect(breaks).toBe(3);
  });

  test('answers 503 and 429 for a while', async () => {
    publish('app', 'latest', [layerA]);
    let refused = 0;
    registry.misbehave = (request, response) => {
      if (request.url === '/v2/' || refused === 3) return false;
      refused += 1;
      response.writeHead(refused === 1 ? 429 : 503, refused === 1 ? { 'retry-after': '0' } : {}).end();
      return true;
    };
    expect((await pull('app')).tags).toHaveLength(1);
  });

  test('stops at once when the user does', async () => {
    publish('app', 'latest', [layerA]);
    const abort = new AbortController();
    registry.misbehave = (request) => {
      if (request.url?.includes('/blobs/') !== true) return false;
      setTimeout(() => abort.abort(new Error('enough')), 20);
      return true; // and never answers
    };
    await expect(pull('app', { signal: abort.signal })).rejects.toThrow('enough');
    await expectClean();
  });
});

describe('a hostile registry', () => {
  test.each<[string, string[], (layer: Buffer) => Buffer]>([
    [
      'other bytes of the same length',
      ['content/digest-mismatch', 'layer/bad-archive'], // whichever is seen first: the forged gzip is cut short
      (layer) => gzipSync(tarOf({ path: 'bad', content: randomBytes(layer.length) })).subarray(0, layer.length),
    ],
    ['a longer body', ['content/size-mismatch'], (layer) => Buffer.concat([layer, Buffer.alloc(1 << 20)])],
    ['a shorter body', ['registry/unreachable', 'layer/bad-archive'], (layer) => layer.subarray(0, layer.length - 10)],
    ['no archive', ['layer/bad-archive'], (layer) => randomBytes(layer.length)],
    [
      'another archive of the same length',
      ['content/digest-mismatch'],
      (layer) => {
        const other = tarOf({ path: 'bad' });
        return Buffer.concat([other, Buffer.alloc(layer.length - other.length)]);
      },
    ],
  ])('sends %s', async (_, codes, forge) => {
    publish('app', 'latest', [noise]);
    const layer = [...registry.blobs.values()].find(({ length }) => length > 1 << 20) ?? Buffer.alloc(0);
    registry.blobs.set(digestOf(layer), forge(layer));
    const failure = await pull('app').catch((error: unknown) => error);
    expect(codes).toContain((failure as { code: string }).code);
    await expectClean();
  });

  test('promises another diff than it sends', async () => {
    const { configDigest } = publish('app', 'latest', [layerA]);
    const config = registry.blobs.get(configDigest)?.toString() ?? '';
    const forged = registry.addBlob(Buffer.from(config.replace(digestOf(layerA), digestOf(layerB))));
    const layer = [...registry.blobs].find(([, bytes]) => bytes[0] === 0x1f);
    registry.addManifest('app', 'latest', {
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: 'x', ...forged },
      layers: [{ mediaType: 'x', digest: layer?.[0], size: layer?.[1].length }],
    });
    await expect(pull('app')).rejects.toMatchObject({ code: 'content/digest-mismatch' });
    await expectClean();
  });

  test('sends another manifest than the digest asked for', async () => {
    const { digest } = publish('app', 'latest', [layerA]);
    registry.misbehave = (request, response) => {
      if (request.url?.includes('/manifests/') !== true) return false;
      response.writeHead(200, { 'content-type': manifestType }).end('{"schemaVersion":2,"layers":[],"config":{}}');
      return true;
    };
    await expect(pull(`app@${digest}`)).rejects.toMatchObject({ code: 'content/digest-mismatch' });
  });

  test('sends a manifest without end', async () => {
    registry.misbehave = (request, response) => {
      if (request.url?.includes('/manifests/') !== true) return false;
      const more = () => {
        while (response.write(Buffer.alloc(64 << 10, ' ')));
        response.once('drain', more);
      };
      more();
      return true;
    };
    await expect(pull('app')).rejects.toMatchObject({ code: 'content/size-mismatch' });
  });

  test.each([
    ['round and round', (host: string) => `http://${host}/v2/app/manifests/latest`, 'redirects'],
    ['to a file', () => 'file:///etc/passwd', 'a redirect to file:'],
  ])('redirects %s', async (_, target, message) => {
    registry.misbehave = (request, response) => {
      if (request.url?.includes('/manifests/') !== true) return false;
      response.writeHead(302, { location: target(registry.host) }).end();
      return true;
    };
    await expect(pull('app')).rejects.toThrow(message);
  });

  test.each([
    [
      'an index within itself',
      {
        schemaVersion: 2,
        mediaType: indexType,
        manifests: [{ mediaType: indexType, digest: `sha256:${'0'.repeat(64)}`, size: 1, platform: {} }],
      },
    ],
    ['schema 1', { schemaVersion: 1, mediaType: 'application/vnd.docker.distribution.manifest.v1+json', fsLayers: [] }],
    [
      'a layer with a path for a digest',
      { schemaVersion: 2, mediaType: manifestType, config: { digest: '../../etc', size: 1 }, layers: [] },
    ],
    [
      'a negative size',
      {
        schemaVersion: 2,
        mediaType: manifestType,
        config: { digest: `sha256:${'0'.repeat(64)}`, size: -1 },
        layers: [],
      },
    ],
  ])('publishes %s', async (_, document) => {
    registry.addManifest('app', 'latest', document);
    await expect(pull('app')).rejects.toMatchObject({ code: expect.stringMatching(/^(image|registry)\//) as string });
    await expectClean();
  });
});

describe('pushing', () => {
  test('sends layers, config and manifest, and what comes back is the same image', async () => {
    const image = await imported(stores, `${registry.host}/mine/app:1`, { path: 'f', content: 'mine' });
    await push('mine/app:1');
    const diffId = image.config.rootfs.diff_ids[0] ?? '';
    expect(messages.filter(({ status }) => status === 'Preparing' || status === 'Pushed')).toMatchObject([
      { status: 'Preparing', id: diffId.slice('sha256:'.length, 19) },
      { status: 'Pushed', id: diffId.slice('sha256:'.length, 19) },
    ]);
    expect(statuses()).toContain(`The push refers to repository [${registry.host}/mine/app]`);
    const aux = messages.find((message) => message.aux !== undefined)?.aux as {
      Tag: string;
      Digest: string;
      Size: number;
    };
    expect(statuses()).toContain(`1: digest: ${aux.Digest} size: ${aux.Size}`);
    expect(registry.manifests.get('mine/app')?.has(aux.Digest)).toBe(true);
    expect(stores.images.resolve(image.id).repoDigests).toEqual([`${registry.host}/mine/app@${aux.Digest}`]);
    await stores.images.remove(`${registry.host}/mine/app:1`, nobody);
    expect(stores.images.list()).toEqual([]);
    expect((await pull('mine/app:1')).id).toBe(image.id);
  });

  test('sends nothing twice: a layer that is there, or in another repository', async () => {
    await imported(stores, `${registry.host}/one:1`, { path: 'f', content: 'mine' });
    await push('one:1');
    await stores.images.tag(`${registry.host}/one:1`, `${registry.host}/one:2`);
    messages = [];
    await push('one:2');
    expect(statuses()).toContain('Layer already exists');
    await stores.images.tag(`${registry.host}/one:1`, `${registry.host}/two:1`);
    const uploads = () =>
      registry.requests.filter((request) => request.startsWith('PUT') && request.includes('/blobs/')).length;
    const before = uploads();
    const seen = new Set<string>();
    registry.misbehave = (request, response) => {
      // Each repository knows only its own blobs, as in a real registry.
      if (request.method !== 'HEAD' || request.url?.includes('/two/') !== true || seen.has(request.url)) return false;
      seen.add(request.url);
      response.writeHead(404).end();
      return true;
    };
    messages = [];
    await push('two:1');
    expect(statuses()).toContain('Mounted from one');
    expect(uploads() - before).toBeLessThanOrEqual(1); // the config
  });

  test.each([
    { others: 'may be read', status: 'Mounted from one' },
    { others: 'may not be read', status: 'Pushed' },
  ])('with tokens to a registry where other repositories $others', async ({ others, status }) => {
    registry.tokens = true;
    await imported(stores, `${registry.host}/one:1`, { path: 'f', content: 'mine' });
    await push('one:1');
    await stores.images.tag(`${registry.host}/one:1`, `${registry.host}/two:1`);
    if (others === 'may not be read') registry.forbidden.add('one');
    registry.misbehave = ({ method, url = '' }, response) => {
      if (method !== 'HEAD' || !url.includes('/two/')) return false; // it knows only its own blobs
      response.writeHead(404).end();
      return true;
    };
    messages = [];
    await push('two:1');
    expect(statuses()).toContain(status);
    expect(registry.manifests.get('two')?.has('1')).toBe(true);
  });

  test('without a tag sends every tag of the repository', async () => {
    await imported(stores, `${registry.host}/app:1`, { path: 'f', content: 'mine' });
    await stores.images.tag(`${registry.host}/app:1`, `${registry.host}/app:2`);
    await push('app');
    expect([...(registry.manifests.get('app')?.keys() ?? [])].filter((key) => !key.includes(':')).sort()).toEqual([
      '1',
      '2',
    ]);
    await expect(push('nosuch')).rejects.toMatchObject({ code: 'image/not-found' });
  });

  test('goes on when a line breaks during an upload', async () => {
    await imported(stores, `${registry.host}/app:1`, { path: 'f', content: randomBytes(2 << 20) });
    let broken = 0;
    registry.misbehave = (request) => {
      if (request.method !== 'PUT' || request.url?.includes('/uploads/') !== true || broken === 1) return false;
      broken += 1;
      request.once('data', () => request.destroy());
      return true;
    };
    await push('app:1');
    expect(broken).toBe(1);
    expect(registry.manifests.get('app')?.has('1')).toBe(true);
  });

  test('shares a layer with another push at the same time, whichever ends first', async () => {
    await imported(stores, `${registry.host}/one:1`, { path: 'f', content: 'shared' });
    await stores.images.tag(`${registry.host}/one:1`, `${registry.host}/two:1`);
    const held = new Map<string, () => void>();
    registry.misbehave = ({ method, url = '' }, response) => {
      const [repository = ''] = /one|two/.exec(url) ?? [];
      if (method !== 'HEAD' || !url.includes('/blobs/') || held.has(repository)) return false;
      held.set(repository, () => response.writeHead(404).end());
      if (held.size === 2) held.get('one')?.(); // both have the layer's bytes now
      return true;
    };
    const two = push('two:1');
    await push('one:1');
    held.get('two')?.();
    await two;
    expect(registry.manifests.get('two')?.has('1')).toBe(true);
    expect((await stores.content.list()).length).toBe(1); // the config
  });

  test('for which the disk is too full holds nothing of the image', async () => {
    const name = `${registry.host}/app:1`;
    await imported(stores, name, { path: 'f', content: randomBytes(4 << 20) });
    vi.spyOn(stores.content, 'write').mockImplementationOnce(async (source) => {
      for await (const chunk of source) throw new Error(`no space for ${chunk.length} bytes`);
      throw new Error('nothing to write');
    });
    await expect(push('app:1')).rejects.toThrow('no space');
    await stores.images.remove(name, nobody);
    const left = async () => {
      await stores.images.collect(nobody);
      return stores.layers.list();
    };
    await expect.poll(left).toEqual([]);
  });

  test('is refused without the right password', async () => {
    registry.login = 'me:secret';
    await imported(stores, `${registry.host}/app:1`, { path: 'f', content: 'x' });
    await expect(push('app:1')).rejects.toMatchObject({ code: 'registry/access-denied' });
    await push('app:1', { username: 'me', password: 'secret' });
  });
});
