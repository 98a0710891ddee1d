import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockWatch } from '../../../src/cli/watch/session.js';
import { folderPerTest } from '../../support/test-folder.js';

let folder: string;
folderPerTest((path) => (folder = path));

test('a project is watched once, by each user in a folder of his own', () => {
  const environment = { TMPDIR: folder };
  const release = lockWatch('demo', environment);
  const [name = ''] = readdirSync(folder);
  expect(name).toBe(`tscompose-watch-${process.geteuid?.() ?? 0}`);
  expect(statSync(join(folder, name)).mode & 0o777).toBe(0o700);
  expect(() => lockWatch('demo', environment)).toThrow(`process with PID ${process.pid} is still running`);
  release();
  lockWatch('demo', environment)();
  expect(readdirSync(join(folder, name))).toEqual([]);
});

test('a lock whose watch was killed is taken over', () => {
  lockWatch('other', { XDG_RUNTIME_DIR: folder });
  writeFileSync(join(folder, 'tscompose-watch/demo.pid'), '4194305'); // above the kernel's highest number
  lockWatch('demo', { XDG_RUNTIME_DIR: folder });
  expect(readdirSync(join(folder, 'tscompose-watch'))).toEqual(['demo.pid', 'other.pid']);
});

test('where no lock can be made, that is told and not taken for a bug', () => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => lockWatch('demo', { XDG_RUNTIME_DIR: join(folder, 'file') })).toThrow(
    expect.objectContaining({ code: 'cli/cannot-lock' }),
  );
});
