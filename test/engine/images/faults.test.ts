import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { digestOf } from '../../../src/base/digest.js';
import { mount, unmount } from '../../../src/engine/sys/index.js';
import { BreakingProxy } from '../../support/breaking-proxy.js';
import { RegistryServer } from '../../support/registry-server.js';
import { EngineProcess } from '../server/engine-process.js';
import { tarOf } from '../snapshots/archives.js';
import { openStores, type Stores } from './stores.js';

/** How often each fault is tried; more with TSCOMPOSE_FAULT_ROUNDS. */
const rounds = Number(process.env['TSCOMPOSE_FAULT_ROUNDS'] ?? 4);
const signal = new AbortController().signal;
const quiet = { signal, onProgress: () => undefined };
const manifestType = 'application/vnd.oci.image.manifest.v1+json';
let registry: RegistryServer;

beforeEach(async () => {
  registry = new RegistryServer();
  await registry.listen();
});
afterEach(() => registry.close());

/** An image of layers that do not compress, so that its bytes take their time. */
function publish(layerBytes: number, layerCount: number): string {
  const tars = Array.from({ length: layerCount }, (_, n) =>
    tarOf({ path: `noise-${n}`, content: randomBytes(layerBytes) }),
  );
  const layers = tars.map((tar) => ({ mediaType: 'tar+gzip', ...registry.addBlob(gzipSync(tar, { level: 1 })) }));
  const rootfs = { type: 'layers', diff_ids: tars.map((tar) => digestOf(tar)) };
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const config = registry.addBlob(Buffer.from(JSON.stringify({ os: 'linux', architecture, rootfs })));
  const document = { schemaVersion: 2, mediaType: manifestType, config: { mediaType: 'config', ...config }, layers };
  registry.addManifest('app', 'latest', document);
  return config.digest;
}

/** Everything in the store is what its name says, and every image is whole. */
async function verify({ dir, images }: Stores): Promise<void> {
  expect(readdirSync(join(dir, 'content', 'ingest'))).toEqual([]);
  expect(readdirSync(join(dir, 'layers', 'staging'))).toEqual([]);
  expect((await images.verify(signal)).problems).toEqual([]);
}

test('a line cut at random offsets leaves no half of an image, and the repeated command succeeds', async () => {
  const id = publish(1 << 20, 3);
  await using proxy = new BreakingProxy(Number(registry.host.split(':')[1]));
  const host = await proxy.listen();
  const pushed: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const stores = await openStores();
    try {
      proxy.cutAfter = () => Math.floor(Math.random() * (round % 2 === 0 ? 2_000_000 : 40_000));
      const bad = await stores.images.pull(`${host}/app`, quiet).catch((error: unknown) => error);
      if (bad instanceof Error) {
        expect(bad).toMatchObject({ code: 'registry/unreachable' });
        expect(stores.images.list()).toEqual([]);
      }
      await verify(stores);
      proxy.cutAfter = () => Infinity;
      expect((await stores.images.pull(`${host}/app`, quiet)).id).toBe(id);

      await stores.images.tag(id, `${host}/copy-${round}:1`);
      registry.blobs.delete(id); // something is to be sent
      proxy.cutAfter = () => Math.floor(Math.random() * 3_000);
      const refused = await stores.images.push(`${host}/copy-${round}:1`, quiet).catch((error: unknown) => error);
      if (refused instanceof Error) {
        expect(refused).toMatchObject({ code: 'registry/unreachable' });
        expect(registry.manifests.get(`copy-${round}`)?.has('1') ?? false).toBe(false);
      }
      await verify(stores);
      proxy.cutAfter = () => Infinity;
      await stores.images.push(`${host}/copy-${round}:1`, quiet);
      expect(registry.manifests.get(`copy-${round}`)?.has('1')).toBe(true);
      pushed.push(`copy-${round}`);
    } finally {
      await stores.dispose();
    }
  }
  expect(pushed).toHaveLength(rounds);
  expect(proxy.cuts).toBeGreaterThan(rounds);
});

test('an engine killed at random moments of a pull, a push or a load has a whole store when it starts again', async () => {
  const id = publish(2 << 20, 3);
  const reference = `${registry.host}/app:latest`;
  await using engine = new EngineProcess();
  await engine.start();
  const archive = join(engine.folder, 'app.tar');
  const run = async (messages: AsyncIterable<unknown>) => {
    const iterator = messages[Symbol.asyncIterator]();
    while ((await iterator.next()).done !== true) continue; // its failure is thrown at the end
  };
  await run(engine.client.images.pull({ reference }, signal));
  execFileSync('sh', ['-c', 'cat > "$0"', archive], {
    input: Buffer.concat((await (await engine.client.images.save([reference], signal)).toArray()) as Buffer[]),
    maxBuffer: 1 << 28,
  });
  const works = [
    () => run(engine.client.images.pull({ reference }, signal)),
    () =>
      run(
        engine.client.images.load(Readable.from([execFileSync('cat', [archive], { maxBuffer: 1 << 28 })]), {}, signal),
      ),
    () => run(engine.client.images.push(reference, {}, signal)),
  ];
  for (let round = 0; round < rounds * works.length; round += 1) {
    const work = works[round % works.length] ?? (() => Promise.resolve());
    const isPush = round % works.length === 2;
    if (isPush) registry.blobs.delete(id);
    else await engine.client.images.remove(reference, { force: true }, signal);
    const working = work().catch(() => undefined); // the connection ends with the engine
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 250));
    await engine.kill();
    await working;

    const stores = await openStores(engine.dataRoot);
    await verify(stores);
    for (const image of stores.images.list()) expect(image.id).toBe(id);
    await stores.layers.close();

    await engine.start();
    await work();
    expect((await engine.client.images.inspect(reference, signal)).Id).toBe(id);
  }
});

test('a full disk leaves no half of an image, and the repeated command succeeds once there is room', async () => {
  const id = publish(3 << 20, 3);
  const reference = `${registry.host}/app:latest`;
  const root = mkdtempSync(join(tmpdir(), 'full-disk-'));
  mount({ source: 'tmpfs', target: root, fstype: 'tmpfs', flags: [], data: 'size=7m' });
  let stores: Stores | undefined;
  try {
    stores = await openStores(root);
    await expect(stores.images.pull(reference, quiet)).rejects.toMatchObject({
      code: 'layer/no-space',
      message: 'cannot unpack the layer: no space left on the device',
    });
    expect(stores.images.list()).toEqual([]);
    await verify(stores);
    resize(root, '12m');
    expect((await stores.images.pull(reference, quiet)).id).toBe(id);
    await verify(stores);

    // A push packs a layer on the disk before it is sent.
    const other = `${registry.host}/other:1`;
    await stores.images.importTar(Readable.from([tarOf({ path: 'f', content: randomBytes(1_600_000) })]), {
      repo: other,
      signal,
    });
    await expect(stores.images.push(other, quiet)).rejects.toThrow(/no space left/i);
    await verify(stores);
    expect(registry.manifests.has('other')).toBe(false);
    resize(root, '40m');
    await stores.images.push(other, quiet);
    expect(registry.manifests.get('other')?.has('1')).toBe(true);

    const saved = Buffer.concat((await stores.images.save([reference], { signal }).toArray()) as Buffer[]);
    await stores.images.prune({ filters: { dangling: ['false'] }, usedBy: () => [] });
    expect(stores.images.list()).toEqual([]);
    resize(root, '7m');
    await expect(stores.images.load(Readable.from([saved]), quiet)).rejects.toMatchObject({ code: 'layer/no-space' });
    expect(stores.images.list()).toEqual([]);
    await verify(stores);
    resize(root, '40m');
    await stores.images.load(Readable.from([saved]), quiet);
    expect(stores.images.resolve(reference).id).toBe(id);
    await verify(stores);
  } finally {
    await stores?.layers.close();
    unmount(root, { detach: true });
    rmSync(root, { recursive: true });
  }
});

function resize(target: string, size: string): void {
  execFileSync('mount', ['-o', `remount,size=${size}`, target]);
}
