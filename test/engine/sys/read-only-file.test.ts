import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listMountPoints, readOnlyFile } from '../../../src/engine/sys/index.js';
import { engineMissing } from '../../support/engine-sandbox.js';

const missing = engineMissing();

test.skipIf(missing !== undefined)(
  `a program can be run, and not be written, by its read-only path (needs ${missing ?? 'nothing more'})`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'read-only-'));
    copyFileSync('/bin/echo', join(folder, 'echo'));
    const place = join(folder, 'place');
    mkdirSync(place);
    const before = listMountPoints();
    const path = readOnlyFile(join(folder, 'echo'), place);
    expect(execFileSync(path, ['it', 'runs']).toString()).toBe('it runs\n');
    expect(() => openSync(path, 'r+')).toThrow('EROFS');
    expect(readdirSync(place)).toEqual([]);
    expect(listMountPoints()).toEqual(before);
    rmSync(folder, { recursive: true });
  },
);
