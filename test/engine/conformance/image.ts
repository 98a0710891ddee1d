import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineClient } from '../../../src/client/index.js';
import { image } from './run.js';

const accounts = {
  passwd: ['root:x:0:0:root:/root:/bin/sh', 'app:x:1000:1001::/home/app:/bin/sh'],
  group: ['root:x:0:', 'wheel:x:10:root', 'audio:x:29:app', 'app:x:1001:', 'video:x:44:'],
};

/** Gives an engine the image of all entries: busybox, two users with groups, a seeded folder, and settings to override. */
export async function giveImage(client: EngineClient): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'tscompose-conformance-'));
  try {
    for (const folder of ['bin', 'etc', 'tmp', 'root', 'home/app', 'seeded/sub']) {
      mkdirSync(join(root, folder), { recursive: true });
    }
    cpSync('/bin/busybox', join(root, 'bin/busybox'));
    const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
    for (const name of applets) if (name !== 'busybox') symlinkSync('busybox', join(root, 'bin', name));
    for (const [name, lines] of Object.entries(accounts))
      writeFileSync(join(root, 'etc', name), `${lines.join('\n')}\n`);
    writeFileSync(join(root, 'seeded/file'), 'seed\n');
    writeFileSync(join(root, 'seeded/sub/inner'), 'inner\n');
    execFileSync('chown', ['-R', '1000:1001', join(root, 'seeded'), join(root, 'home/app')]);
    execFileSync('chmod', ['750', join(root, 'seeded')]);
    execFileSync('chmod', ['1777', join(root, 'tmp')]);
    const tar = spawn('tar', ['-C', root, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout;
    const [repo = '', tag = ''] = image.split(':');
    const changes = ['CMD ["echo","from image"]', 'ENV FROM=image', 'WORKDIR /home/app', 'STOPSIGNAL SIGINT'];
    for await (const { error } of client.images.importTar(tar, { repo, tag, changes }, AbortSignal.timeout(60_000))) {
      if (error !== undefined) throw new Error(`cannot import: ${error}`);
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
