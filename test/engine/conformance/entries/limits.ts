import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type Entry, readCgroup as cg } from '../entry.js';
import type { Run } from '../run.js';

const v2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
const ifVersion1 = (): string | undefined => (v2 ? 'cgroup v1' : undefined);
const disk = blockDevice();
const ifDisk = (): string | undefined => (disk === undefined ? 'a block device' : undefined);
const diskNumbers = disk === undefined ? '' : readFileSync(`/sys/class/block/${disk.slice(5)}/dev`, 'utf8').trim();

function hasBlkioWeight(): boolean {
  const files = ['blkio/blkio.bfq.weight', 'blkio/blkio.weight', 'io.bfq.weight', 'io.weight'];
  return files.some((file) => existsSync(`/sys/fs/cgroup/${file}`));
}

function blockDevice(): string | undefined {
  const names = existsSync('/sys/block') ? readdirSync('/sys/block') : [];
  const name = names.find((one) => /^(vd|sd|nvme|xvd)/.test(one) && existsSync(`/dev/${one}`));
  return name === undefined ? undefined : `/dev/${name}`;
}

/** Control groups and other limits (Compose file, "Isolation and limits"). */
export const limits: readonly Entry[] = [
  {
    attribute: 'mem_limit',
    fields: ['HostConfig.Memory'],
    effect: 'is the limit of the control group',
    service: { mem_limit: '64m' },
    script: `${cg} cg memory memory.limit_in_bytes memory.max`,
    expected: '67108864',
  },
  {
    attribute: 'mem_limit',
    fields: ['HostConfig.Memory'],
    effect: 'kills a process that takes more',
    service: { mem_limit: '16m', memswap_limit: '16m' },
    script: 'sh -c "dd if=/dev/zero of=/dev/null bs=64M count=1" 2>/dev/null; echo $?',
    expected: '137',
  },
  {
    attribute: 'deploy.resources.limits.memory',
    fields: ['HostConfig.Memory'],
    effect: 'is the limit of the control group',
    service: { deploy: { resources: { limits: { memory: '48M' } } } },
    script: `${cg} cg memory memory.limit_in_bytes memory.max`,
    expected: '50331648',
  },
  {
    attribute: 'mem_reservation',
    fields: ['HostConfig.MemoryReservation'],
    effect: 'is the soft limit of the control group',
    service: { mem_limit: '64m', mem_reservation: '32m' },
    script: `${cg} cg memory memory.soft_limit_in_bytes memory.low`,
    expected: '33554432',
  },
  {
    attribute: 'deploy.resources.reservations.memory',
    fields: ['HostConfig.MemoryReservation'],
    effect: 'is the soft limit of the control group',
    service: { deploy: { resources: { reservations: { memory: '24M' } } } },
    script: `${cg} cg memory memory.soft_limit_in_bytes memory.low`,
    expected: '25165824',
  },
  {
    attribute: 'memswap_limit',
    fields: ['HostConfig.MemorySwap'],
    effect: 'bounds memory and swap together',
    service: { mem_limit: '64m', memswap_limit: '96m' },
    script:
      'cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes 2>/dev/null || echo $(( $(cat /sys/fs/cgroup/memory.swap.max) + 67108864 ))',
    expected: '100663296',
  },
  {
    attribute: 'memswap_limit',
    fields: ['HostConfig.MemorySwap'],
    effect: 'is twice the memory when nothing is said',
    service: { mem_limit: '64m' },
    script:
      'cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes 2>/dev/null || echo $(( $(cat /sys/fs/cgroup/memory.swap.max) + 67108864 ))',
    expected: '134217728',
  },
  {
    attribute: 'mem_swappiness',
    fields: ['HostConfig.MemorySwappiness'],
    effect: 'is that of the control group',
    service: { mem_swappiness: 23 },
    script: 'cat /sys/fs/cgroup/memory/memory.swappiness',
    expected: '23',
    missing: ifVersion1,
  },
  {
    attribute: 'mem_swappiness',
    fields: ['HostConfig.MemorySwappiness'],
    effect: 'is left out where the kernel has none',
    service: { mem_swappiness: 23, oom_kill_disable: true },
    script: 'echo runs',
    expected: 'runs',
    missing: () => (v2 ? undefined : 'cgroup v2'),
  },
  {
    attribute: 'oom_kill_disable',
    fields: ['HostConfig.OomKillDisable'],
    effect: 'turns the killer off in the control group',
    service: { mem_limit: '64m', oom_kill_disable: true },
    script: 'grep oom_kill_disable /sys/fs/cgroup/memory/memory.oom_control',
    expected: 'oom_kill_disable 1',
    missing: ifVersion1,
  },
  {
    attribute: 'oom_score_adj',
    fields: ['HostConfig.OomScoreAdj'],
    effect: 'is that of the process',
    service: { oom_score_adj: 321 },
    script: 'cat /proc/self/oom_score_adj',
    expected: '321',
  },
  {
    attribute: 'cpus',
    fields: ['HostConfig.NanoCpus'],
    effect: 'is quota over period',
    service: { cpus: 0.25 },
    script:
      'cat /sys/fs/cgroup/cpu.max 2>/dev/null || echo $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us)',
    expected: '25000 100000',
  },
  {
    attribute: 'deploy.resources.limits.cpus',
    fields: ['HostConfig.NanoCpus'],
    effect: 'is quota over period',
    service: { deploy: { resources: { limits: { cpus: '0.5' } } } },
    script:
      'cat /sys/fs/cgroup/cpu.max 2>/dev/null || echo $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us)',
    expected: '50000 100000',
  },
  {
    attribute: 'cpu_quota, cpu_period',
    fields: ['HostConfig.CpuQuota', 'HostConfig.CpuPeriod'],
    effect: 'are those of the control group',
    service: { cpu_quota: 30000, cpu_period: 60000 },
    script:
      'cat /sys/fs/cgroup/cpu.max 2>/dev/null || echo $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us)',
    expected: '30000 60000',
  },
  {
    attribute: 'cpu_shares',
    fields: ['HostConfig.CpuShares'],
    effect: 'are the weight of the control group',
    service: { cpu_shares: 512 },
    script: `${cg} cg cpu cpu.shares cpu.weight`,
    expected: v2 ? '20' : '512',
  },
  {
    attribute: 'cpuset',
    fields: ['HostConfig.CpusetCpus'],
    effect: 'is where the processes may run',
    service: { cpuset: '0' },
    script: 'grep Cpus_allowed_list /proc/self/status | tr -s "\\t" " "',
    expected: 'Cpus_allowed_list: 0',
  },
  {
    attribute: '-',
    fields: ['HostConfig.CpusetMems'],
    effect: 'is which memory the processes may use',
    api: { HostConfig: { CpusetMems: '0' } },
    script: 'grep Mems_allowed_list /proc/self/status | tr -s "\\t" " "',
    expected: 'Mems_allowed_list: 0',
    missing: () =>
      readFileSync('/proc/self/status', 'utf8').includes('Mems_allowed') ? undefined : 'cpusets in the kernel',
  },
  {
    attribute: 'pids_limit',
    fields: ['HostConfig.PidsLimit'],
    effect: 'is the limit of the control group',
    service: { pids_limit: 42 },
    script: `${cg} cg pids pids.max pids.max`,
    expected: '42',
  },
  {
    attribute: 'pids_limit',
    fields: ['HostConfig.PidsLimit'],
    effect: '-1 is no limit',
    service: { pids_limit: -1 },
    script: `${cg} cg pids pids.max pids.max`,
    expected: 'max',
  },
  {
    attribute: '-',
    fields: ['HostConfig.PidsLimit', 'HostConfig.Memory', 'HostConfig.CpuShares'],
    effect: 'change by an update while it runs, and -1 lifts the one of processes',
    script: 'while :; do sleep 1; done',
    api: { HostConfig: { PidsLimit: 10, Memory: 32 << 20, MemorySwap: 64 << 20 } },
    act: async (run: Run): Promise<string> => {
      const id = await run.create({ HostConfig: { PidsLimit: 10, Memory: 32 << 20, MemorySwap: 64 << 20 } });
      await run.client.containers.start(id, AbortSignal.timeout(30_000));
      const read = `${cg} cg pids pids.max pids.max; cg memory memory.limit_in_bytes memory.max`;
      const before = await run.execIn(id, read);
      const changes = { PidsLimit: -1, Memory: 48 << 20, MemorySwap: 96 << 20 };
      await run.client.containers.update(id, changes, AbortSignal.timeout(30_000));
      return `${before}\n${await run.execIn(id, read)}`;
    },
    expected: '10\n33554432\nmax\n50331648',
  },
  {
    attribute: 'deploy.resources.limits.pids',
    fields: ['HostConfig.PidsLimit'],
    effect: 'is the limit of the control group',
    service: { deploy: { resources: { limits: { pids: 43 } } } },
    script: `${cg} cg pids pids.max pids.max`,
    expected: '43',
  },
  ...(['read_bps', 'write_bps', 'read_iops', 'write_iops'] as const).map((kind): Entry => ({
    attribute: `blkio_config.device_${kind}`,
    fields: [
      `HostConfig.BlkioDevice${kind.startsWith('read') ? 'Read' : 'Write'}${kind.endsWith('bps') ? 'Bps' : 'IOps'}`,
    ],
    effect: 'throttles the device in the control group',
    service: { blkio_config: { [`device_${kind}`]: [{ path: disk ?? '/dev/sda', rate: 1048576 }] } },
    script: v2 ? 'cat /sys/fs/cgroup/io.max' : `cat /sys/fs/cgroup/blkio/blkio.throttle.${kind}_device`,
    expected: v2 ? /1048576/ : `${diskNumbers} 1048576`,
    missing: ifDisk,
  })),
  {
    attribute: 'blkio_config.weight',
    fields: ['HostConfig.BlkioWeight'],
    effect: 'is that of the control group',
    service: { blkio_config: { weight: 300 } },
    script: `${cg} cg blkio blkio.bfq.weight io.bfq.weight`,
    expected: '300',
    missing: () => (hasBlkioWeight() ? undefined : 'the bfq scheduler in the kernel'),
  },
  {
    attribute: 'blkio_config.weight',
    fields: ['HostConfig.BlkioWeight'],
    effect: 'is left out where the kernel has none',
    service: { blkio_config: { weight: 300 } },
    script: 'echo runs',
    expected: 'runs',
    missing: () => (hasBlkioWeight() ? 'a kernel without the bfq scheduler' : undefined),
  },
  {
    attribute: 'ulimits',
    fields: ['HostConfig.Ulimits'],
    effect: 'are soft and hard limits of the process',
    service: { ulimits: { nofile: { soft: 100, hard: 200 }, nproc: 300, core: -1 } },
    script: 'grep -E "open files|Max processes|core file" /proc/self/limits | tr -s " "',
    expected:
      'Max core file size unlimited unlimited bytes\nMax processes 300 300 processes\nMax open files 100 200 files',
  },
  {
    attribute: 'sysctls',
    fields: ['HostConfig.Sysctls'],
    effect: 'are set in the namespaces of the container',
    service: {
      sysctls: { 'net.core.somaxconn': 77, 'kernel.msgmax': 9000, 'net.ipv4.ip_unprivileged_port_start': 80 },
    },
    script: 'cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_unprivileged_port_start',
    expected: '77\n9000\n80',
  },
  {
    attribute: 'shm_size',
    fields: ['HostConfig.ShmSize'],
    effect: 'is the size of /dev/shm',
    service: { shm_size: '8m' },
    script: 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2',
    expected: '8192',
  },
  {
    attribute: 'shm_size',
    fields: ['HostConfig.ShmSize'],
    effect: 'is 64 MB when nothing is said',
    script: 'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2',
    expected: '65536',
  },
  {
    attribute: 'cgroup_parent',
    fields: ['HostConfig.CgroupParent'],
    effect: 'is the group above that of the container',
    service: { cgroup_parent: '/tscconf-parent', cgroup: 'host' },
    script: 'grep -c /tscconf-parent/ /proc/self/cgroup | grep -v ^0 >/dev/null && echo below',
    expected: 'below',
  },
];
