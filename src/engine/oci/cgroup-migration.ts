import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupLayout } from '../sys/index.js';

/**
 * Announces to the kernel that a process will soon change its control group, as the first process of every container and
 * every `exec` do. The first to change it in a while waits for an RCU grace period, 10 to 20 ms in which nothing happens
 * (percpu_rw_semaphore, `cgroup_threadgroup_rwsem`); who comes shortly after does not. Begun as soon as a request shows
 * that it will be needed, the wait passes beside the other work. It is begun by moving ourselves to where we are.
 * @returns does so, once at a time; never throws
 */
export function migrationAnnouncer(): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    void moveNowhere().finally(() => (waiting = false));
  };
}

async function moveNowhere(): Promise<void> {
  try {
    const procs = procsOf(await readFile('/proc/self/cgroup', 'utf8'));
    if (procs !== undefined) await writeFile(procs, '0', { flag: 'r+' }); // 0: the writer itself (cgroups(7))
  } catch {
    // We may not: the runtime then waits as long as it did.
  }
}

/** The list of processes of our group, in the one hierarchy of v2 or in a v1 one: the lock is the same. */
function procsOf(groups: string): string | undefined {
  const controller = cgroupLayout() === 'v2' ? '' : 'pids';
  const [, path] = new RegExp(`^\\d+:${controller}:(/.*)$`, 'm').exec(groups) ?? [];
  return path === undefined ? undefined : join('/sys/fs/cgroup', controller, path, 'cgroup.procs');
}
