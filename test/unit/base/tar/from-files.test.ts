import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { membersOf, type FromFilesOptions } from '../../../../src/base/tar/from-files.js';
import { writeTar } from '../../../../src/base/tar/stream.js';
import { folderPerTest } from '../../../support/test-folder.js';

const { signal } = new AbortController();
let path: string;
folderPerTest((folder) => {
  path = join(folder, 'saved');
  writeFileSync(path, 'x'.repeat(1_000));
});

/** The content of the file in a tar, where something happens to it once its header has been made. */
async function archived(happens: () => void, options: Partial<FromFilesOptions> = {}): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of writeTar(membersOf(path, 'saved', { signal, ...options }))) {
    if (parts.push(chunk) === 1) happens();
  }
  return Buffer.concat(parts.slice(1)).toString('latin1', 0, 1_000);
}

test('a file that goes while it is read is there as it was', async () => {
  expect(await archived(() => rmSync(path))).toBe('x'.repeat(1_000));
});

test('a file that is cut while it is read fails the archive, or is filled up for who can do with that', async () => {
  const cut = (): void => truncateSync(path, 300);
  await expect(archived(cut)).rejects.toMatchObject({ code: 'tar/invalid' });
  writeFileSync(path, 'x'.repeat(1_000));
  expect(await archived(cut, { fillsUp: true })).toBe('x'.repeat(300) + '\0'.repeat(700));
});
