import type { StatsResponse } from '../../api/stats.js';
import { humanSize } from '../render/byte-size.js';

/** The members of `docker stats --format json`, in its order. */
export interface StatsRow {
  readonly BlockIO: string;
  readonly CPUPerc: string;
  readonly Container: string;
  readonly ID: string;
  readonly MemPerc: string;
  readonly MemUsage: string;
  readonly Name: string;
  readonly NetIO: string;
  readonly PIDs: string;
}

export interface StatsSubject {
  /** Cut to 12 digits unless it is to be whole. */
  readonly id: string;
  readonly name: string;
}

const unknown = '--';

/** @param sample - undefined: the container does not run, or has said nothing yet */
export function statsRow({ id, name }: StatsSubject, sample: StatsResponse | undefined): StatsRow {
  const about = { Container: id, ID: id, Name: name };
  if (sample === undefined) {
    const pair = `${unknown} / ${unknown}`;
    const none = { CPUPerc: unknown, MemPerc: unknown, MemUsage: pair, PIDs: unknown };
    return ordered({ ...about, ...none, BlockIO: unknown, NetIO: unknown });
  }
  const { usage, limit } = memoryOf(sample);
  const { read, written } = blockBytes(sample);
  const networks = Object.values(sample.networks ?? {});
  const received = networks.reduce((sum, { rx_bytes: bytes }) => sum + bytes, 0);
  const sent = networks.reduce((sum, { tx_bytes: bytes }) => sum + bytes, 0);
  return ordered({
    ...about,
    CPUPerc: `${cpuPercent(sample).toFixed(2)}%`,
    MemPerc: `${(limit === 0 ? 0 : (usage / limit) * 100).toFixed(2)}%`,
    MemUsage: `${binarySize(usage)} / ${binarySize(limit)}`,
    PIDs: String(sample.pids_stats.current ?? 0),
    BlockIO: `${humanSize(read)} / ${humanSize(written)}`,
    NetIO: `${humanSize(received)} / ${humanSize(sent)}`,
  });
}

function ordered(row: StatsRow): StatsRow {
  const { BlockIO, CPUPerc, Container, ID, MemPerc, MemUsage, Name, NetIO, PIDs } = row;
  return { BlockIO, CPUPerc, Container, ID, MemPerc, MemUsage, Name, NetIO, PIDs };
}

/** Of one processor: 200 % is two of them. */
function cpuPercent({ cpu_stats: now, precpu_stats: before }: StatsResponse): number {
  const used = now.cpu_usage.total_usage - before.cpu_usage.total_usage;
  const passed = (now.system_cpu_usage ?? 0) - (before.system_cpu_usage ?? 0);
  const processors = now.online_cpus ?? now.cpu_usage.percpu_usage?.length ?? 1;
  return used > 0 && passed > 0 ? (used / passed) * processors * 100 : 0;
}

/** Without the file cache that the kernel would give back first, as docker counts. */
function memoryOf({ memory_stats: memory }: StatsResponse): { readonly usage: number; readonly limit: number } {
  const { usage = 0, limit = 0, stats = {} } = memory;
  const cache = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0;
  return { usage: cache < usage ? usage - cache : usage, limit };
}

function blockBytes({ blkio_stats: blocks }: StatsResponse): { readonly read: number; readonly written: number } {
  const sum = (op: string): number =>
    (blocks.io_service_bytes_recursive ?? [])
      .filter((entry) => entry.op.toLowerCase() === op)
      .reduce((total, { value }) => total + value, 0);
  return { read: sum('read'), written: sum('write') };
}

const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Powers of 1024 and four digits, as docker writes memory: `23.58GiB`. */
function binarySize(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(binaryUnits.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** power).toPrecision(4))}${binaryUnits[power] ?? 'B'}`;
}
