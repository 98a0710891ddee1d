import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connectEngine } from '../../../src/client/index.js';
import { engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';

const missing = engineMissing();

/** What an image holds, with what a plain listing would not show. */
const script = [
  'mkdir /kinds; cd /kinds',
  'echo one > a; ln a b; ln -s a c; mkfifo p; mknod dev c 1 3',
  'truncate -s 5M sparse; chown 7:8 a; chmod 640 a; touch -d @1000000000 a',
].join(' && ');
const look =
  'cd /kinds && stat -c "%n %F %a %u:%g %h %Y" a b && readlink c && stat -c "%F %t" p dev && du -k sparse && cat b';

describe.skipIf(missing !== undefined)('where nothing can mount overlays, files are copied', () => {
  test('builds, runs, compares, commits and exports, and leaves nothing behind', async () => {
    const tools = mkdtempSync(join(tmpdir(), 'slow-copy-'));
    const [gate, waiting] = [join(tools, 'gate'), join(tools, 'waiting')];
    const slowly = `#!/bin/sh\nif [ -e ${gate} ]; then : > ${waiting}; while [ -e ${gate} ]; do sleep 0.05; done; fi\n`;
    writeFileSync(join(tools, 'cp'), `${slowly}exec /bin/cp "$@"\n`, { mode: 0o755 });
    await using sandbox = await new EngineSandbox({
      TSCOMPOSE_STORAGE_DRIVER: 'vfs',
      PATH: `${tools}:${process.env['PATH'] ?? ''}`,
    }).withBusybox();
    const cwd = sandbox.project('copies', {
      'compose.yaml': 'services: {app: {build: ., command: sleep 1000, network_mode: none, stop_grace_period: 0s}}\n',
      Dockerfile: [
        'FROM busybox',
        'RUN mkdir /old && echo a > /old/a && echo b > /gone',
        `RUN ${script}`,
        'RUN rm -r /old /gone && mkdir /old && echo new > /old/new',
        'COPY --from=busybox /bin/busybox /copy',
      ].join('\n'),
    });
    await sandbox.ok(['up', '-d', '--build'], { cwd });
    const sh = (text: string) => sandbox.ok(['exec', '-T', 'app', 'sh', '-c', text], { cwd });
    expect(await sh('ls -A /old; ls /gone 2>/dev/null || echo no; grep -c " / overlay" /proc/mounts || true')).toBe(
      'new\nno\n0\n',
    );
    const kinds = await sh(look);
    expect(kinds).toBe(
      'a regular file 640 7:8 2 1000000000\nb regular file 640 7:8 2 1000000000\na\n' +
        'fifo 0\ncharacter special file 1\n0\tsparse\none\n',
    );
    await sh(
      'rm -r /old && mkdir /old && echo newer > /old/newer && rm /copy && chmod 600 /etc/passwd; echo x >> /kinds/b',
    );
    const signal = AbortSignal.timeout(60_000);
    const client = connectEngine({ host: `unix://${(await sandbox.status()).socket}` });
    expect((await client.info(signal)).Driver).toBe('vfs');
    const id = (await sandbox.ok(['ps', '-q'], { cwd })).trim();
    const letters = ['C', 'A', 'D'];
    const changes = (await client.containers.changes(id, signal)).map(
      ({ Path, Kind }) => `${letters[Kind] ?? ''} ${Path}`,
    );
    expect(changes).toEqual([
      'D /copy',
      'C /etc',
      'C /etc/passwd',
      'C /kinds',
      'C /kinds/a',
      'C /kinds/b',
      'C /old',
      'D /old/new',
      'A /old/newer',
    ]);
    expect((await client.containers.inspect(id, signal, { size: true })).SizeRw).toBeLessThan(10_000);
    await sandbox.ok(['commit', 'app', 'committed'], { cwd });
    const image = sandbox.project('again', {
      'compose.yaml': 'services: {app: {image: committed, network_mode: none}}\n',
    });
    writeFileSync(gate, '');
    const running = sandbox.ok(
      ['run', '--rm', '-T', 'app', 'sh', '-c', `ls -A /old; ls /copy || echo no; stat -c %a /etc/passwd; ${look}`],
      { cwd: image },
    );
    try {
      await eventually('files are being copied', () => existsSync(waiting));
      expect((await client.info(signal)).Driver).toBe('vfs'); // meanwhile the engine serves others
    } finally {
      rmSync(gate);
    }
    const shown = await running;
    const withoutTimes = (text: string) => text.replaceAll(/(?<= 7:8 2) \d+/g, '');
    expect(withoutTimes(shown)).toBe(`newer\nno\n600\n${withoutTimes(kinds)}x\n`);
    await sandbox.ok(['export', '-o', 'root.tar', 'app'], { cwd });
    const names = execFileSync('tar', ['-tf', join(cwd, 'root.tar')], { encoding: 'utf8' }).split('\n');
    expect(names).toEqual(expect.arrayContaining(['old/newer', 'kinds/sparse']));
    expect(names.filter((name) => /\.wh\.|^copy$|old\/new$/.test(name))).toEqual([]);
    expect(await sandbox.ok(['engine', 'verify'])).toContain('all whole');
    await sandbox.ok(['down', '-t', '0'], { cwd });
    expect(readdirSync(join(sandbox.folder, 'data/layers/staging'))).toEqual([]);
    expect(readdirSync(join(sandbox.folder, 'data/containers')).filter((name) => /^[0-9a-f]{64}$/.test(name))).toEqual(
      [],
    );
    rmSync(tools, { recursive: true });
  });
});
