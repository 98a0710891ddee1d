import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mount, unmount } from '../../../src/engine/sys/index.js';
import { engineMissing } from '../../support/engine-sandbox.js';
import { EngineProcess } from '../server/engine-process.js';
import { openStores } from './stores.js';

const rounds = Number(process.env['TSCOMPOSE_FAULT_ROUNDS'] ?? 2);
const longMs = 60_000 + rounds * 5_000;
const soon = () => AbortSignal.timeout(longMs);

/** Writes a context whose steps copy, run and copy between stages; its content differs with every call. */
function writeContext(engine: EngineProcess, megabytes: number): string {
  const path = join(engine.folder, 'context');
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'noise'), randomBytes(megabytes << 20));
  const lines = [
    'FROM busybox AS made',
    'COPY noise /noise',
    'RUN cat /noise > /twice',
    'FROM busybox',
    'COPY --from=made /twice /twice',
    'CMD ["sleep", "1000"]',
  ];
  writeFileSync(join(path, 'Dockerfile'), lines.join('\n'));
  return path;
}

async function build({ client }: EngineProcess, path: string): Promise<void> {
  for await (const { error } of client.images.build({ kind: 'directory', path }, { tags: ['built'] }, soon())) {
    if (error !== undefined) throw new Error(error);
  }
}

const names = async ({ client }: EngineProcess) =>
  (await client.images.list({}, soon())).flatMap(({ RepoTags }) => RepoTags ?? []).sort();

describe.skipIf(engineMissing() !== undefined)('builds and commits', () => {
  test(
    'an engine killed at random moments of a build has a whole store when it starts again',
    async () => {
      await using engine = new EngineProcess();
      await engine.start();
      await engine.withBusybox();
      for (let round = 0; round < rounds; round += 1) {
        const path = writeContext(engine, 4);
        const building = build(engine, path).catch(() => undefined); // the connection ends with the engine
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 600));
        await engine.kill();
        await building;

        const stores = await openStores(engine.dataRoot);
        expect((await stores.images.verify(soon())).problems).toEqual([]);
        await stores.layers.close();

        await engine.start();
        await build(engine, path);
        expect((await engine.client.verify(soon())).problems).toEqual([]);
        expect(await names(engine)).toEqual(['built:latest', 'busybox:latest']);
      }
    },
    longMs,
  );

  test(
    'on a full disk they fail, leave nothing half, and succeed once there is room',
    async () => {
      await using engine = new EngineProcess();
      mkdirSync(engine.dataRoot, { recursive: true });
      mount({ source: 'tmpfs', target: engine.dataRoot, fstype: 'tmpfs', flags: [], data: 'size=64m' });
      const resize = (megabytes: number) => {
        execFileSync('mount', ['-o', `remount,size=${megabytes}m`, engine.dataRoot]);
      };
      try {
        await engine.start();
        await engine.withBusybox();
        const path = writeContext(engine, 5);
        for (const megabytes of [8, 14]) {
          resize(megabytes); // there is room for one copy of three, then for two
          await expect(build(engine, path)).rejects.toThrow(/no space left|returned a non-zero code/i);
          expect(await names(engine)).toEqual(['busybox:latest']);
          expect((await engine.client.verify(soon())).problems).toEqual([]);
        }
        resize(64);
        await build(engine, path);

        const { containers } = engine.client;
        const { Id } = await containers.create({ Image: 'built' }, { name: 'writer' }, soon());
        await containers.start(Id, soon());
        const exec = await engine.client.exec.create(
          Id,
          { Cmd: ['cp', '/twice', '/thrice'], AttachStdout: true },
          soon(),
        );
        for await (const { payload } of (await engine.client.exec.start(exec.Id, {}, soon())).output)
          expect(payload.toString()).toBe('');
        resize(24);
        await expect(containers.commit(Id, { repo: 'committed' }, soon())).rejects.toThrow(/no space left/i);
        expect(await names(engine)).toEqual(['built:latest', 'busybox:latest']);
        expect((await engine.client.verify(soon())).problems).toEqual([]);
        resize(64);
        await containers.commit(Id, { repo: 'committed' }, soon());
        expect(await names(engine)).toEqual(['built:latest', 'busybox:latest', 'committed:latest']);
        expect((await engine.client.verify(soon())).problems).toEqual([]);
        await containers.remove(Id, { force: true }, soon());
      } finally {
        await engine.kill('SIGTERM');
        unmount(engine.dataRoot, { detach: true });
      }
    },
    longMs,
  );
});
