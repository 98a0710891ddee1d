import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeHeader, endOfArchive } from '../../../src/base/tar/encode.js';
import type { TarEntry } from '../../../src/base/tar/entry.js';
import { BuildLab, missing } from './lab.js';

/** What Dockerfiles, contexts and servers of strangers try: nothing outside the image changes, nothing waits for ever. */
describe.skipIf(missing !== undefined)(`hostile builds (needs ${missing ?? 'nothing more'})`, () => {
  let lab: BuildLab;
  /** A file of this machine that nothing may make. */
  const outside = `/tmp/tsc-hostile-${randomBytes(6).toString('hex')}`;
  const up = '../'.repeat(20);
  beforeAll(async () => {
    lab = await BuildLab.open();
  });
  afterAll(async () => {
    rmSync(outside, { recursive: true, force: true });
    await lab[Symbol.asyncDispose]();
  });

  test('a heredoc cannot be called as a file of this machine', async () => {
    const mark = `${up}${outside.slice(1)}`;
    await lab.dockerfile(['FROM busybox', `COPY <<${mark} /o/`, 'x', mark]).catch(() => undefined);
    expect(existsSync(outside)).toBe(false);
  });

  test('a download cannot be called as a file of this machine', async () => {
    const server = createServer((_, response) => response.end('x'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const path = `${up}${outside.slice(1)}`.replaceAll('/', '%2f');
      const { image } = await lab.dockerfile(['FROM busybox', `ADD http://127.0.0.1:${port}/${path} /o/`]);
      expect(existsSync(outside)).toBe(false);
      expect(await lab.tree(image, '/o')).toEqual(['d 755 0:0 .', `f 600 0:0 ${basename(outside)} "x"`]);
    } finally {
      server.close();
    }
  });

  test('a link in the image leads no copy out of it, whatever is left out on the way', async () => {
    lab.context('outside', { 'sub/x': 'of this machine' });
    const victim = join(lab.folder, 'contexts', 'outside');
    const context = lab.context('readmitted', {
      Dockerfile: [
        'FROM busybox',
        `RUN mkdir /o && ln -s ${victim} /o/a`,
        'COPY --exclude=a --exclude=!a/sub/x src/ /o/',
      ].join('\n'),
      'src/a/sub/x': 'of the context',
      'src/a/sub/left-out': '',
    });
    const { image } = await lab.build(context);
    expect(readFileSync(join(victim, 'sub/x'), 'utf8')).toBe('of this machine');
    expect(readdirSync(victim)).toEqual(['sub']);
    expect(await lab.tree(image, '/o')).toEqual([
      'd 755 0:0 .',
      'd 755 0:0 a',
      'd 755 0:0 a/sub',
      'f 644 0:0 a/sub/x "of the context"',
    ]);
  });

  test.each([
    ['a link to a device', (path: string) => symlinkSync('/dev/zero', path)],
    ['a link to a fifo', (path: string) => symlinkSync('pipe', path)],
    ['a link out of the context', (path: string) => symlinkSync('/etc/passwd', path)],
  ])('an ignore file of a context that is %s is none', async (_, make) => {
    const folder = lab.context(`c${randomBytes(6).toString('hex')}`, {
      Dockerfile: 'FROM scratch\nCOPY a /o/\n',
      a: 'a',
    });
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    make(join(folder, '.dockerignore'));
    make(join(folder, 'Dockerfile.dockerignore'));
    const { image } = await lab.build(folder);
    expect(await lab.tree(image, '/o')).toEqual(['d 755 0:0 .', 'f 644 0:0 a "a"']);
  });

  test('an ignore file without an end is refused', async () => {
    const folder = lab.context('endless', { Dockerfile: 'FROM scratch\nCOPY a /o/\n', a: 'a', '.dockerignore': '' });
    truncateSync(join(folder, '.dockerignore'), 1e9);
    await expect(lab.build(folder)).rejects.toMatchObject({ code: 'build/bad-ignore-file' });
  });

  test.each([
    ['a fifo', 'mkfifo /etc/passwd'],
    ['a device', 'mknod /etc/passwd c 1 5'],
    ['a link to a device of this machine', 'ln -s /dev/zero /etc/passwd'],
  ])('users of an image are not looked up in %s', async (_, make) => {
    const lines = [
      'FROM busybox',
      `RUN --security=insecure rm /etc/passwd && ${make}`,
      'COPY --chown=alice Dockerfile /o/',
    ];
    const build = lab.dockerfile(lines, { entitlements: ['security.insecure'] });
    await expect(build).rejects.toMatchObject({ code: 'build/unknown-owner' });
  });

  test('an archive that swaps a directory for a link changes nothing behind it', async () => {
    const victim = lab.context('swapped', { 'b/f': 'of this machine' });
    utimesSync(join(victim, 'b'), 1e9, 1e9);
    const entry = (path: string, more: Partial<TarEntry>): Buffer =>
      encodeHeader({ type: 'directory', path, mode: 0o700, uid: 7, gid: 7, sizeBytes: 0, mtimeNs: 1n, ...more });
    const context = lab.context('swapping', { Dockerfile: 'FROM busybox\nADD evil.tar /o/\n' });
    const swap = [entry('a', {}), entry('a/b', {}), entry('a', { type: 'symlink', linkPath: victim })];
    writeFileSync(join(context, 'evil.tar'), Buffer.concat([...swap, endOfArchive]));
    await lab.build(context);
    writeFileSync(
      join(context, 'evil.tar'),
      Buffer.concat([...swap, entry('a/b/f', { type: 'symlink', linkPath: 'x' }), endOfArchive]),
    );
    await lab.build(context);
    expect(statSync(join(victim, 'b'))).toMatchObject({ mtimeMs: 1e12, uid: 0 });
    expect(readFileSync(join(victim, 'b/f'), 'utf8')).toBe('of this machine');
  });
});
