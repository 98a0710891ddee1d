import { chmodSync, copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findInitProgram, isStatic } from '../../../../src/engine/oci/init-program.js';
import { folderPerTest } from '../../../support/test-folder.js';

let folder: string;
folderPerTest((path) => (folder = path));
const staticProgram = ['/bin/busybox', '/usr/bin/busybox'].find((path) => existsSync(path) && isStatic(path));

test('a program with a dynamic linker, or none at all, is passed over', () => {
  copyFileSync(process.execPath, join(folder, 'tini'));
  writeFileSync(join(folder, 'catatonit'), '#!/bin/sh\n', { mode: 0o755 });
  expect(isStatic(join(folder, 'tini'))).toBe(false);
  expect(() => findInitProgram([folder])).toThrow('no statically linked init program');
});

test.skipIf(staticProgram === undefined)('a static one is found by any of its names (needs a static busybox)', () => {
  copyFileSync(staticProgram ?? '', join(folder, 'tini-static'));
  chmodSync(join(folder, 'tini-static'), 0o755);
  expect(findInitProgram(['/nonexistent', folder])).toBe(join(folder, 'tini-static'));
});

test('the failure says what to install', () => {
  expect(() => findInitProgram([folder])).toThrow(
    expect.objectContaining({ code: 'oci/no-init', hint: 'install the package catatonit (or tini)' }) as Error,
  );
});
