import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGzip, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endOfArchive } from '../../../src/base/tar/encode.js';
import { digestOf } from '../../../src/base/digest.js';
import { engineMissing } from '../../support/engine-sandbox.js';
import { RegistryServer } from '../../support/registry-server.js';
import { report } from '../endurance/figures.js';
import { EngineProcess } from '../server/engine-process.js';
import { memberBytes, tarOf } from '../snapshots/archives.js';

const maxMegabytes = 300;
const patienceMs = 60_000;
const soon = () => AbortSignal.timeout(patienceMs);
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const block = Buffer.alloc(1 << 20, ' ');

/** Archives that ask for more memory, time or places than they should get; made as they are read. */
const archives: readonly (readonly [string, () => Iterable<Buffer>])[] = [
  ['an archive without end', () => endless(tarOf({ path: 'f' }), Buffer.alloc(1 << 20))],
  ['a name of a gigabyte', () => endless(headerOf('L', 1 << 30), block)],
  ['attributes of a gigabyte', () => endless(headerOf('x', 1 << 30), block)],
  ['documents without end', () => endless(memberBytes({ path: 'manifest.json', content: block }), documents(80))],
  ['entries without end', () => endless(Buffer.alloc(0), entries(1_000))],
  ['names of a megabyte without end', () => endless(Buffer.alloc(0), longName())],
  [
    'a document of a million lists',
    () => [tarOf({ path: 'manifest.json', content: `[${'[],'.repeat(2_500_000)}[]]` })],
  ],
  ['a manifest of eight megabytes of brackets', () => [tarOf({ path: 'manifest.json', content: '['.repeat(8 << 20) })]],
  ['a layer that climbs out', () => [image(tarOf({ path: '../../../../victim', content: 'bad' }))]],
  ['a layer that goes out through a link', () => [image(linkOut('victim'))]],
  ['a compressed layer of endless trailing bytes', () => endless(gzipSync(tarOf({ path: 'f' })), block)],
];

let victim = '';

describe.skipIf(engineMissing() !== undefined)('whatever is sent, the engine answers soon and stays small', () => {
  const engine = new EngineProcess({ TSCOMPOSE_IDLE_TIMEOUT: '600' });
  const registry = new RegistryServer();
  beforeAll(async () => {
    await engine.start();
    await registry.listen();
    victim = join(engine.folder, 'outside');
    mkdirSync(victim);
    writeFileSync(join(victim, 'victim'), 'untouched');
  });
  afterAll(async () => {
    await registry.close();
    await engine[Symbol.asyncDispose]();
  });

  const peakMegabytes = () =>
    Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${engine.pid}/status`, 'utf8'))?.[1]) / 1_024;
  async function isRefused(messages: AsyncIterable<{ readonly error?: string | undefined }>): Promise<void> {
    const outcome = await told(messages).catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(Error);
    expect(String(outcome)).not.toMatch(/timeout|aborted/i);
    expect(readdirSync(victim)).toEqual(['victim']);
    expect(readFileSync(join(victim, 'victim'), 'utf8')).toBe('untouched');
    expect(await engine.client.images.list({ all: true }, soon())).toEqual([]);
    expect(readdirSync(join(engine.dataRoot, 'layers/staging'))).toEqual([]);
    expect(peakMegabytes()).toBeLessThan(maxMegabytes);
  }

  test.each(archives)(
    'load: %s',
    async (_, bytes) => {
      await isRefused(engine.client.images.load(Readable.from(bytes()), {}, soon()));
    },
    patienceMs,
  );

  test(
    'load: a bomb of a hundred megabytes of zeros in a few kilobytes is only what it says',
    async () => {
      const bomb = Readable.from(endlessUntil(100)).pipe(createGzip({ level: 1 }));
      const chunks = (await bomb.toArray()) as Buffer[];
      await isRefused(engine.client.images.load(Readable.from([image(Buffer.concat(chunks))]), {}, soon()));
    },
    patienceMs,
  );

  const endlessBody = (response: ServerResponse) => {
    const more = () => {
      while (response.write(block));
      response.once('drain', more);
    };
    more();
    return true;
  };
  test.each<[string, RegExp, (response: ServerResponse) => boolean]>([
    ['a manifest without end', /\/manifests\//, endlessBody],
    ['a config without end', /\/blobs\//, endlessBody],
    [
      'a manifest of four megabytes of brackets',
      /\/manifests\//,
      (response) => answer(response, '['.repeat(4_000_000)),
    ],
    [
      'redirects round and round',
      /\/manifests\//,
      (response) => {
        response.writeHead(302, { location: `http://${registry.host}/v2/app/manifests/latest` }).end();
        return true;
      },
    ],
    [
      'headers without end',
      /\/manifests\//,
      (response) => {
        for (let sent = 0; sent < 64; sent += 1) response.setHeader(`x-${sent}`, 'y'.repeat(8_000));
        return answer(response, '{}');
      },
    ],
  ])(
    'pull: %s',
    async (_, path, misbehave) => {
      publish(registry);
      registry.misbehave = (request, response) => path.test(request.url ?? '') && misbehave(response);
      await isRefused(engine.client.images.pull({ reference: `${registry.host}/app` }, soon()));
    },
    patienceMs,
  );

  test(
    'pull: a layer longer than promised, without end',
    async () => {
      const layer = publish(registry);
      registry.misbehave = (request, response) => (request.url ?? '').includes(layer) && endlessBody(response);
      await isRefused(engine.client.images.pull({ reference: `${registry.host}/app` }, soon()));
      report('hostile archives and registries', { 'peak memory of the engine': `${Math.round(peakMegabytes())} MiB` });
    },
    patienceMs,
  );
});

/** Reads to the end, and throws what the last line tells of. */
async function told(messages: AsyncIterable<{ readonly error?: string | undefined }>): Promise<void> {
  for await (const { error } of messages) if (error !== undefined) throw new Error(error);
}

/** An image in an archive, of one layer. */
function image(layer: Buffer): Buffer {
  const config = JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    rootfs: { type: 'layers', diff_ids: [digestOf(randomBytes(1))] },
  });
  return tarOf(
    { path: 'layer.tar', content: layer },
    { path: 'config.json', content: config },
    {
      path: 'manifest.json',
      content: JSON.stringify([{ Config: 'config.json', RepoTags: ['bad:1'], Layers: ['layer.tar'] }]),
    },
  );
}

function linkOut(name: string): Buffer {
  return tarOf(
    { path: 'out', linkPath: victim },
    { path: `out/${name}`, type: 'hardlink', linkPath: `out/${name}` },
    { path: `out/${name}`, content: 'bad' },
  );
}

function publish(registry: RegistryServer): string {
  const tar = tarOf({ path: 'noise', content: randomBytes(1 << 16) });
  const layer = registry.addBlob(tar);
  const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] };
  const config = registry.addBlob(Buffer.from(JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs })));
  registry.addManifest('app', 'latest', {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: 'config', ...config },
    layers: [{ mediaType: 'tar', ...layer }],
  });
  return layer.digest;
}

function answer(response: ServerResponse, text: string): boolean {
  response.writeHead(200, { 'content-type': manifestType }).end(text);
  return true;
}

function headerOf(flag: string, size: number): Buffer {
  const header = memberBytes({ path: 'x', sizeBytes: 0 });
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write(flag, 156, 'latin1');
  header.fill(' ', 148, 156);
  const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header.subarray(0, 512);
}

/** Gives `first`, then `more` again and again until nobody wants it, or a gigabyte has gone. */
function* endless(first: Buffer, more: Buffer): Generator<Buffer, void, undefined> {
  yield first;
  for (let sent = 0; sent < 1 << 30; sent += more.length) yield more;
}

function documents(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, at) => memberBytes({ path: `d${at}.json`, content: block })));
}

function entries(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, at) => memberBytes({ path: `e${at}`, content: '' })));
}

function longName(): Buffer {
  const name = Buffer.alloc((1 << 20) - 512, 'n');
  return Buffer.concat([headerOf('L', name.length), name, memberBytes({ path: 'x', content: '' })]);
}

function* endlessUntil(megabytes: number): Generator<Buffer, void, undefined> {
  const header = headerOf('0', megabytes << 20);
  yield header;
  for (let sent = 0; sent < megabytes; sent += 1) yield Buffer.alloc(1 << 20);
  yield endOfArchive;
}
