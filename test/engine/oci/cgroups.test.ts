import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { vacateGroup } from '../../../src/engine/oci/cgroups.js';
import { mount, unmount } from '../../../src/engine/sys/index.js';
import { eventually } from '../../support/engine-sandbox.js';
import { missing } from './support.js';

test.skipIf(missing !== undefined)('the uppermost group of a container is emptied into a leaf of it', async () => {
  const root = mkdtempSync(join(tmpdir(), 'tscompose-cgroup2-'));
  mount({ source: 'cgroup2', target: root, fstype: 'cgroup2', flags: ['nosuid', 'nodev', 'noexec'] });
  const group = join(root, `tscompose-vacated-${process.pid}`);
  const processes = (folder: string) => readFileSync(join(folder, 'cgroup.procs'), 'utf8');
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  try {
    mkdirSync(group);
    writeFileSync(join(group, 'cgroup.procs'), String(child.pid));
    expect(vacateGroup(group)).toBe(true);
    expect(processes(group)).toBe('');
    expect(processes(join(group, 'init'))).toBe(`${child.pid ?? 0}\n`);
    const inKernelRoot = processes(root);
    expect(vacateGroup(root)).toBe(true); // the kernel's own may have both
    expect(inKernelRoot).not.toBe('');
    expect(processes(root)).not.toBe('');
  } finally {
    child.kill('SIGKILL');
    await eventually('the child to end', () => processes(join(group, 'init')) === '');
    rmdirSync(join(group, 'init'));
    rmdirSync(group);
    unmount(root);
    rmdirSync(root);
  }
});
