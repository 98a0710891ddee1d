import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox } from '../../support/engine-sandbox.js';

const missing =
  engineMissing() ?? (spawnSync('fuse-overlayfs', ['--version']).status === 0 ? undefined : 'fuse-overlayfs');

describe.skipIf(missing !== undefined)('where the kernel has no overlays, fuse-overlayfs serves', () => {
  test('builds, runs, compares and commits', async () => {
    await using sandbox = await new EngineSandbox({ TSCOMPOSE_STORAGE_DRIVER: 'fuse-overlayfs' }).withBusybox();
    const cwd = sandbox.project('fuse', {
      'compose.yaml': 'services: {app: {build: ., command: sleep 1000, network_mode: none, stop_grace_period: 0s}}\n',
      Dockerfile: [
        'FROM busybox',
        'RUN mkdir /old && echo a > /old/a && echo b > /gone',
        'RUN rm -r /old /gone && mkdir /old && echo new > /old/new',
        'COPY --from=busybox /bin/busybox /copy',
      ].join('\n'),
    });
    await sandbox.ok(['up', '-d', '--build'], { cwd });
    const sh = (script: string) => sandbox.ok(['exec', '-T', 'app', 'sh', '-c', script], { cwd });
    expect(await sh('ls -A /old; ls /gone 2>/dev/null || echo no; grep -c " / fuse" /proc/mounts')).toBe(
      'new\nno\n1\n',
    );
    await sh('rm -r /old && mkdir /old && echo newer > /old/newer && rm /copy');
    await sandbox.ok(['commit', 'app', 'committed'], { cwd });
    const image = sandbox.project('again', {
      'compose.yaml': 'services: {app: {image: committed, network_mode: none}}\n',
    });
    const shown = await sandbox.ok(['run', '--rm', '-T', 'app', 'sh', '-c', 'ls -A /old; ls /copy || echo no'], {
      cwd: image,
    });
    expect(shown).toBe('newer\nno\n');
    expect(await sandbox.ok(['engine', 'verify'])).toContain('all whole');
    await sandbox.ok(['down', '-t', '0'], { cwd });
  });
});
