import { availableParallelism } from 'node:os';
import { readFileSync } from 'node:fs';
import type { HostConfig } from '../../api/container.js';
import { invalidConfig } from './errors.js';

/** Limits out of range, in Docker's words. @throws `container/invalid-config` */
export function checkLimits(hostConfig: HostConfig): void {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, OomScoreAdj = 0, MemorySwappiness } = hostConfig;
  const cpus = availableParallelism();
  if (NanoCpus > cpus * 1e9) {
    throw invalidConfig(
      'NanoCpus',
      `Range of CPUs is from 0.01 to ${cpus.toFixed(2)}, as there are only ${cpus} CPUs available`,
    );
  }
  if (CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000)) {
    throw invalidConfig(
      'CpuPeriod',
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    );
  }
  if (CpuQuota > 0 && CpuQuota < 1000) {
    throw invalidConfig('CpuQuota', 'CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  if (OomScoreAdj < -1000 || OomScoreAdj > 1000) {
    throw invalidConfig('OomScoreAdj', `Invalid value ${OomScoreAdj}, range for oom score adj is [-1000, 1000]`);
  }
  if (MemorySwappiness != null && (MemorySwappiness < -1 || MemorySwappiness > 100)) {
    throw invalidConfig(
      'MemorySwappiness',
      `Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`,
    );
  }
  checkCpuset('CPUs', 'cpuset cpus', hostConfig.CpusetCpus ?? '', '/sys/devices/system/cpu/online');
  checkCpuset('memory nodes', 'cpuset mems', hostConfig.CpusetMems ?? '', '/sys/devices/system/node/online');
}

function checkCpuset(what: string, option: 'cpuset cpus' | 'cpuset mems', asked: string, online: string): void {
  if (asked === '') return;
  const wanted = parseList(asked);
  if (wanted === undefined)
    throw invalidConfig(option, `Invalid value ${asked} for ${option}: invalid format: ${asked}`);
  const text = readList(online);
  const available = parseList(text);
  if (available === undefined || wanted.every((one) => available.includes(one))) return;
  throw invalidConfig(option, `Requested ${what} are not available - requested ${asked}, available: ${text}`);
}

/** Empty where the kernel says nothing. */
function readList(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return ''; // a kernel without memory nodes
  }
}

/** The numbers of `0-2,7`; undefined for anything else. */
function parseList(text: string): number[] | undefined {
  if (!/^\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*$/.test(text)) return undefined;
  return text.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number);
    return Array.from({ length: Math.max(0, Math.min(to - from + 1, 65_536)) }, (_, index) => from + index);
  });
}
