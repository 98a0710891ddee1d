import { statfsSync } from 'node:fs';

export type CgroupLayout = 'v1' | 'hybrid' | 'v2' | 'none';

const CGROUP2_SUPER_MAGIC = 0x63677270;
const TMPFS_MAGIC = 0x01021994;

/** As crun decides it: by the file system types at /sys/fs/cgroup (statfs(2), cgroups(7)). */
export function cgroupLayout(): CgroupLayout {
  const type = filesystemType('/sys/fs/cgroup');
  if (type === CGROUP2_SUPER_MAGIC) return 'v2';
  if (type !== TMPFS_MAGIC) return 'none';
  return filesystemType('/sys/fs/cgroup/unified') === CGROUP2_SUPER_MAGIC ? 'hybrid' : 'v1';
}

function filesystemType(path: string): number | undefined {
  try {
    return statfsSync(path).type;
  } catch {
    return undefined; // nothing there, or nothing we may look at
  }
}
