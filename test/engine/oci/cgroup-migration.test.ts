import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { migrationAnnouncer } from '../../../src/engine/oci/cgroup-migration.js';
import { cgroupLayout } from '../../../src/engine/sys/index.js';
import { missing } from './support.js';

test.skipIf(missing !== undefined)('an announced migration moves us to the group that we are in by then', async () => {
  const root = cgroupLayout() === 'v2' ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
  const groups = () => readFileSync('/proc/self/cgroup', 'utf8');
  const before = groups();
  const home = /^\d+:(?:pids)?:(\/.*)$/m.exec(before)?.[1] ?? '/';
  const other = join(root, `tscompose-migration-${process.pid}`);
  const announce = migrationAnnouncer();
  mkdirSync(other);
  try {
    writeFileSync(join(other, 'cgroup.procs'), `${process.pid}`);
    const moved = groups();
    const watcher = watch(join(other, 'cgroup.procs'));
    const written = once(watcher, 'change', { signal: AbortSignal.timeout(10_000) });
    announce();
    await written;
    watcher.close();
    expect(moved).not.toBe(before);
    expect(groups()).toBe(moved);
  } finally {
    writeFileSync(join(root, home, 'cgroup.procs'), `${process.pid}`);
    rmdirSync(other);
  }
});
