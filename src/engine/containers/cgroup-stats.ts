import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import type { BlockIoEntry, CpuStats, NetworkStats, StatsResponse } from '../../api/stats.js';
import { type Cgroup, readOrEmpty } from '../oci/index.js';

type Sample = Pick<StatsResponse, 'cpu_stats' | 'memory_stats' | 'pids_stats' | 'blkio_stats'>;

const nsPerTick = 10_000_000; // USER_HZ is 100 on every architecture that we run on
const unlimited = 2 ** 60;

/** What the control group of a container has used so far. */
export function sampleCgroup(cgroup: Cgroup): Sample {
  return readOrEmpty(join(cgroup.folder('memory'), 'memory.current')) === '' ? sampleV1(cgroup) : sampleV2(cgroup);
}

/** The most memory it has had, in bytes; undefined where the kernel does not tell (cgroup v2 before Linux 5.19). */
export function memoryPeak(cgroup: Cgroup): number | undefined {
  const folder = cgroup.folder('memory');
  const peak = readOrEmpty(join(folder, 'memory.peak')) || readOrEmpty(join(folder, 'memory.max_usage_in_bytes'));
  return peak === '' ? undefined : Number(peak);
}

function sampleV1(cgroup: Cgroup): Sample {
  const read = (controller: string, file: string) => readOrEmpty(join(cgroup.folder(controller), file));
  const cpu = pairs(read('cpuacct', 'cpuacct.stat'));
  const throttling = pairs(read('cpu', 'cpu.stat'));
  const perCpu = read('cpuacct', 'cpuacct.usage_percpu').trim().split(/\s+/).filter(isNumber).map(Number);
  const limit = Number(read('memory', 'memory.limit_in_bytes'));
  return {
    cpu_stats: cpuStats(
      {
        total_usage: Number(read('cpuacct', 'cpuacct.usage')),
        ...(perCpu.length === 0 ? {} : { percpu_usage: perCpu }),
        usage_in_kernelmode: (cpu['system'] ?? 0) * nsPerTick,
        usage_in_usermode: (cpu['user'] ?? 0) * nsPerTick,
      },
      {
        periods: throttling['nr_periods'] ?? 0,
        throttled_periods: throttling['nr_throttled'] ?? 0,
        throttled_time: throttling['throttled_time'] ?? 0,
      },
    ),
    memory_stats: {
      usage: Number(read('memory', 'memory.usage_in_bytes')),
      max_usage: Number(read('memory', 'memory.max_usage_in_bytes')),
      stats: pairs(read('memory', 'memory.stat')),
      failcnt: Number(read('memory', 'memory.failcnt')),
      limit: limit === 0 || limit > unlimited ? totalmem() : limit,
    },
    pids_stats: pidsStats(read('pids', 'pids.current'), read('pids', 'pids.max')),
    blkio_stats: {
      io_service_bytes_recursive: blockIoV1(read('blkio', 'blkio.throttle.io_service_bytes_recursive')),
      io_serviced_recursive: blockIoV1(read('blkio', 'blkio.throttle.io_serviced_recursive')),
    },
  };
}

function sampleV2(cgroup: Cgroup): Sample {
  const read = (file: string) => readOrEmpty(join(cgroup.folder(''), file));
  const cpu = pairs(read('cpu.stat'));
  const events = pairs(read('memory.events'));
  const limit = read('memory.max').trim();
  return {
    cpu_stats: cpuStats(
      {
        total_usage: (cpu['usage_usec'] ?? 0) * 1000,
        usage_in_kernelmode: (cpu['system_usec'] ?? 0) * 1000,
        usage_in_usermode: (cpu['user_usec'] ?? 0) * 1000,
      },
      {
        periods: cpu['nr_periods'] ?? 0,
        throttled_periods: cpu['nr_throttled'] ?? 0,
        throttled_time: (cpu['throttled_usec'] ?? 0) * 1000,
      },
    ),
    memory_stats: {
      usage: Number(read('memory.current')),
      stats: pairs(read('memory.stat')),
      failcnt: events['oom'] ?? 0,
      limit: limit === 'max' || limit === '' ? totalmem() : Number(limit),
    },
    pids_stats: pidsStats(read('pids.current'), read('pids.max')),
    blkio_stats: {
      io_service_bytes_recursive: blockIoV2(read('io.stat'), { rbytes: 'read', wbytes: 'write' }),
      io_serviced_recursive: blockIoV2(read('io.stat'), { rios: 'read', wios: 'write' }),
    },
  };
}

function cpuStats(usage: CpuStats['cpu_usage'], throttling: CpuStats['throttling_data']): CpuStats {
  return { cpu_usage: usage, system_cpu_usage: hostCpuNs(), online_cpus: cpus().length, throttling_data: throttling };
}

/** Sum of the first seven fields of the `cpu` line (proc_stat(5)), as dockerd counts. */
function hostCpuNs(): number {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const ticks = line.split(/\s+/).slice(1, 8).map(Number);
  return ticks.reduce((sum, count) => sum + count, 0) * nsPerTick;
}

function pidsStats(current: string, max: string): StatsResponse['pids_stats'] {
  const limit = max.trim();
  return {
    ...(isNumber(current.trim()) ? { current: Number(current) } : {}),
    ...(isNumber(limit) ? { limit: Number(limit) } : {}),
  };
}

/** `8:0 Read 4096` */
function blockIoV1(text: string): BlockIoEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, major = '', minor = '', op = '', value = ''] = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line) ?? [];
    return op === ''
      ? []
      : [{ major: Number(major), minor: Number(minor), op: op.toLowerCase(), value: Number(value) }];
  });
}

/** `8:0 rbytes=4096 wbytes=0 rios=1 …` */
function blockIoV2(text: string, names: Readonly<Record<string, string>>): BlockIoEntry[] {
  return text.split('\n').flatMap((line) => {
    const [device = '', ...words] = line.split(' ');
    const [major = '', minor = ''] = device.split(':');
    return words.flatMap((word) => {
      const [key = '', value = ''] = word.split('=');
      const op = names[key];
      return op === undefined ? [] : [{ major: Number(major), minor: Number(minor), op, value: Number(value) }];
    });
  });
}

function pairs(text: string): Record<string, number> {
  const words = text.split('\n').map((line) => line.split(' '));
  return Object.fromEntries(words.flatMap(([key = '', value = '']) => (isNumber(value) ? [[key, Number(value)]] : [])));
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

/** Counters of every link in a process's network namespace but the loopback (proc_pid_net(5)). */
export function sampleNetworks(pid: number): Record<string, NetworkStats> {
  const links: Record<string, NetworkStats> = {};
  for (const line of readOrEmpty(`/proc/${pid}/net/dev`).split('\n')) {
    const [, name = '', rest = ''] = /^\s*([^:]+):\s*(.*)$/.exec(line) ?? [];
    if (name === '' || name === 'lo') continue;
    const [
      rxBytes = 0,
      rxPackets = 0,
      rxErrors = 0,
      rxDropped = 0,
      ,
      ,
      ,
      ,
      txBytes = 0,
      txPackets = 0,
      txErrors = 0,
      txDropped = 0,
    ] = rest.split(/\s+/).map(Number);
    links[name] = {
      rx_bytes: rxBytes,
      rx_packets: rxPackets,
      rx_errors: rxErrors,
      rx_dropped: rxDropped,
      tx_bytes: txBytes,
      tx_packets: txPackets,
      tx_errors: txErrors,
      tx_dropped: txDropped,
    };
  }
  return links;
}
