import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { unpackTree } from '../../../../src/engine/containers/unpack-tree.js';
import { folderPerTest } from '../../../support/test-folder.js';

let dir: string;
let root: string;
folderPerTest((path) => (dir = path));
beforeEach(() => {
  root = join(dir, 'root');
  mkdirSync(join(root, 'tmp'), { recursive: true });
});

/** An archive of what `make`, a shell script, leaves. */
function archive(make: string): Buffer {
  const folder = join(dir, 'archived');
  mkdirSync(folder);
  execFileSync('sh', ['-c', make], { cwd: folder });
  return execFileSync('tar', ['-c', '-C', folder, '.'], { maxBuffer: 1 << 26 });
}

const unpack = (tar: AsyncIterable<Uint8Array>) =>
  unpackTree(tar, {
    root,
    path: '/tmp',
    noOverwriteDirNonDir: false,
    owner: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 },
    signal: AbortSignal.timeout(10_000),
  });
async function* inOnePiece(tar: Buffer): AsyncGenerator<Buffer> {
  yield await Promise.resolve(tar);
}

describe('an archive that is unpacked into a container', () => {
  test('changes nothing outside when a link is put in the place of a file that is still coming', async () => {
    const victim = join(dir, 'victim');
    writeFileSync(victim, 'of the host', { mode: 0o600 });
    const tar = archive('head -c 3000000 /dev/zero >file; chmod 4755 file');
    const file = join(root, 'tmp/file');
    async function* whileSwapping(): AsyncGenerator<Buffer> {
      for (let at = 0; at < tar.length; at += 65_536) {
        yield await Promise.resolve(tar.subarray(at, at + 65_536));
        if (!existsSync(file) || lstatSync(file).isSymbolicLink()) continue;
        renameSync(file, join(root, 'tmp/moved'));
        symlinkSync(victim, file);
      }
    }
    await unpack(whileSwapping());
    expect(readlinkSync(file)).toBe(victim);
    expect((statSync(victim).mode & 0o7777).toString(8)).toBe('600');
    expect((statSync(join(root, 'tmp/moved')).mode & 0o7777).toString(8)).toBe('4755');
  });

  test('has owner, mode and time of all kinds of files', async () => {
    const made = 'mkdir folder; echo x >file; ln -s file link; ln file same; mkfifo -m 622 pipe; chmod 1711 folder';
    await unpack(inOnePiece(archive(`${made}; chmod 2640 file; touch -h -d @1000000 *`)));
    const seen = readdirSync(join(root, 'tmp')).map((name) => {
      const { mode, mtimeMs } = lstatSync(join(root, 'tmp', name));
      return [name, (mode & 0o7777).toString(8), mtimeMs];
    });
    const at = 1_000_000_000;
    expect(seen).toEqual([
      ['file', '2640', at],
      ['folder', '1711', at],
      ['link', '777', at],
      ['pipe', '622', at],
      ['same', '2640', at],
    ]);
  });

  test('takes the place of a folder with all that is in it, and of nothing its links name', async () => {
    const outside = join(dir, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'kept'), '');
    const folder = join(root, 'tmp/file');
    mkdirSync(join(folder, 'deep/er'), { recursive: true });
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/deep/er/not-utf8-`), Buffer.of(0xff)]), '');
    symlinkSync(outside, join(folder, 'deep/link'));
    await unpack(inOnePiece(archive('echo x >file')));
    expect(lstatSync(folder).isFile()).toBe(true);
    expect(existsSync(join(outside, 'kept'))).toBe(true);
  });
});
