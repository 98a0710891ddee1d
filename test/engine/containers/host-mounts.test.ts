import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { engineMissing, eventually } from '../../support/engine-sandbox.js';
import { EngineProcess } from '../server/engine-process.js';

const missing = engineMissing();
const soon = () => AbortSignal.timeout(30_000);

let shared: string;
beforeEach(() => {
  shared = mkdtempSync(join(tmpdir(), 'shared-'));
  if (missing !== undefined) return;
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', shared]);
  execFileSync('mount', ['--make-shared', shared]);
});
afterEach(() => {
  if (missing === undefined) execFileSync('umount', ['--recursive', shared]);
  rmSync(shared, { recursive: true });
});

test.skipIf(missing !== undefined)(
  `mounts below a shared path are seen by the host and by the container, and outlive it (needs ${missing ?? 'nothing more'})`,
  async () => {
    await using engine = new EngineProcess();
    await engine.start();
    await engine.withBusybox();
    mkdirSync(join(shared, 'host'));
    const request = {
      Image: 'busybox',
      Cmd: [
        'sh',
        '-c',
        'mkdir /data/own; mount -t tmpfs tmpfs /data/own; echo inside >/data/own/file; until test -e /data/host/file; do sleep 0.05; done; touch /data/own/seen; sleep 600',
      ],
      StopSignal: 'SIGKILL',
      HostConfig: { NetworkMode: 'none', Privileged: true, Binds: [`${shared}:/data:rshared`] },
    };
    const { Id } = await engine.client.containers.create(request, {}, soon());
    await engine.client.containers.start(Id, soon());
    const own = join(shared, 'own/file');
    await eventually('the host sees what the container mounted', () => existsSync(own));

    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(shared, 'host')]);
    writeFileSync(join(shared, 'host/file'), 'outside\n');
    await eventually('the container sees what the host mounted', () => existsSync(join(shared, 'own/seen')));

    await engine.client.containers.remove(Id, { force: true }, soon());
    expect(readFileSync(own, 'utf8')).toBe('inside\n');
    expect(readFileSync(join(shared, 'host/file'), 'utf8')).toBe('outside\n');
    await engine.kill();
    await engine.start();
    expect(readFileSync(own, 'utf8')).toBe('inside\n');
    expect(engine.log()).not.toContain('"level":"error"');
  },
);
