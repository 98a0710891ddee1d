import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** Hands each test of the file a new folder, which goes after the test. To be called before other hooks that use it. */
export function folderPerTest(take: (path: string) => void): void {
  let path: string;
  beforeEach(() => {
    path = realpathSync(mkdtempSync(join(tmpdir(), 'tscompose-test-')));
    take(path);
  });
  afterEach(() => {
    rmSync(path, { recursive: true, force: true });
  });
}

/** Writes files, by their paths in `folder`, with the folders on the way. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}
