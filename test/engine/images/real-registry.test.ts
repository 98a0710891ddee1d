import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BreakingProxy } from '../../support/breaking-proxy.js';
import { eventually } from '../../support/engine-sandbox.js';
import { imported, openStores, type Stores } from './stores.js';

/** The distribution's registry, where it is installed (Debian: docker-registry). */
const program = process.env['TSCOMPOSE_REGISTRY_PROGRAM'] ?? '/usr/bin/docker-registry';
const rounds = Number(process.env['TSCOMPOSE_FAULT_ROUNDS'] ?? 2);
const signal = new AbortController().signal;
const auth = { username: 'ann', password: 'secret' };
const options = { signal, auth, onProgress: () => undefined };
const certificates = fileURLToPath(new URL('../../unit/registry/certificates', import.meta.url));

describe.skipIf(!existsSync(program))('the registry of the distribution, over TLS with a password', () => {
  const folder = mkdtempSync(join(tmpdir(), 'registry-'));
  let registry: ChildProcess;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    writeFileSync(join(folder, 'htpasswd'), 'ann:$2b$04$yS61QyUWeY3bqyvak8RWeeGklHNJ3vVaqsyztH59K9guZm124z9Im\n');
    const config = {
      version: '0.1',
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
      auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } },
      http: {
        addr: `127.0.0.1:${port}`,
        secret: 'x',
        tls: { certificate: join(certificates, 'server.cert'), key: join(certificates, 'server.key') },
      },
    };
    writeFileSync(join(folder, 'config.yml'), JSON.stringify(config)); // JSON is YAML
    registry = spawn(program, ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
    await eventually('the registry listens', () => listens(port));
  });
  afterAll(() => {
    registry.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  test('takes an image, and gives the same one back, by tag and by digest', async () => {
    const host = `127.0.0.1:${port}`;
    const stores = await openStores();
    try {
      await expect(stores.images.push(await publish(stores, `${host}/a/app:1`), { ...options, auth: {} }))
        .rejects // no password
        .toMatchObject({ code: 'registry/access-denied' });
      await stores.images.push(`${host}/a/app:1`, options);
      const { id, repoDigests } = stores.images.resolve(`${host}/a/app:1`);
      const [byDigest = ''] = repoDigests;
      expect(await stores.images.distribution(`${host}/a/app:1`, { auth, signal })).toMatchObject({
        Descriptor: { digest: byDigest.split('@')[1] },
      });
      await stores.images.tag(`${host}/a/app:1`, `${host}/b/copy:1`);
      const said: unknown[] = [];
      await stores.images.push(`${host}/b/copy:1`, { ...options, onProgress: (message) => said.push(message.status) });
      expect(said).toEqual(expect.arrayContaining(['Mounted from a/app']));
      await stores.images.remove(`${host}/b/copy:1`, { usedBy: () => [] });
      await stores.images.remove(`${host}/a/app:1`, { usedBy: () => [], force: true });
      await stores.images.prune({ filters: { dangling: ['false'] }, usedBy: () => [] });
      expect(stores.images.list()).toEqual([]);
      for (const name of [`${host}/b/copy:1`, byDigest]) expect((await stores.images.pull(name, options)).id).toBe(id);
      await expect(stores.images.pull(`${host}/a/absent`, options)).rejects.toMatchObject({
        code: 'registry/manifest-unknown',
      });
      await expect(
        stores.images.pull(`${host}/a/app:1`, { ...options, auth: { ...auth, password: 'wrong' } }),
      ).rejects.toMatchObject({ code: 'registry/access-denied' });
    } finally {
      await stores.dispose();
    }
  });

  test('through lines that break at random offsets nothing half is seen, and the repeated command succeeds', async () => {
    await using proxy = new BreakingProxy(port);
    const host = await proxy.listen();
    for (let round = 0; round < rounds; round += 1) {
      const [mine, other] = [await openStores(), await openStores()];
      try {
        const name = `${host}/broken/app-${round}:1`;
        await publish(mine, name);
        proxy.cutAfter = () => Math.floor(Math.random() * (round % 2 === 0 ? 900_000 : 30_000));
        await failsCleanly(mine, () => mine.images.push(name, options));
        proxy.cutAfter = () => Infinity;
        await mine.images.push(name, options);

        proxy.cutAfter = () => Math.floor(Math.random() * (round % 2 === 0 ? 900_000 : 30_000));
        const pulled = await failsCleanly(other, () => other.images.pull(name, options));
        if (!pulled) expect(other.images.list()).toEqual([]);
        proxy.cutAfter = () => Infinity;
        expect((await other.images.pull(name, options)).id).toBe(mine.images.resolve(name).id);
        expect((await other.images.verify(signal)).problems).toEqual([]);
      } finally {
        await mine.dispose();
        await other.dispose();
      }
    }
    expect(proxy.cuts).toBeGreaterThan(rounds);
  });
});

/** @returns whether it succeeded after all */
async function failsCleanly(stores: Stores, work: () => Promise<unknown>): Promise<boolean> {
  const outcome = await work().then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome !== undefined) expect(outcome).toMatchObject({ code: 'registry/unreachable' });
  expect((await stores.images.verify(signal)).problems).toEqual([]);
  return outcome === undefined;
}

/** An image of its own under `name`, of bytes that do not compress. */
async function publish(stores: Stores, name: string): Promise<string> {
  await imported(stores, name, { path: 'noise', content: randomBytes(600_000) });
  return name;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
