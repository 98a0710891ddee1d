import { setTimeout as wait } from 'node:timers/promises';
import type { CpuStats, StatsResponse } from '../../api/stats.js';
import { sampleCgroup, sampleNetworks } from './cgroup-stats.js';
import type { Container } from './container.js';
import { never } from './record.js';
import { cgroupOf, type Room } from './room.js';
import { nowNs, renderTime } from './time.js';

const everyMs = 1_000;
/** A single sample says what was used since one taken so long before. */
const singleMs = 250;
const noCpu: CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

/**
 * One sample a second; without `stream` one, which comes a little later so that it has something to be compared with,
 * unless `oneShot`. A stream goes on over stops and starts and ends with the container.
 */
export async function* containerStats(
  room: Room,
  container: Container,
  { stream, oneShot }: { readonly stream: boolean; readonly oneShot: boolean },
  signal: AbortSignal,
): AsyncGenerator<StatsResponse> {
  let before: StatsResponse | undefined;
  if (!stream && !oneShot && container.isLive) {
    before = sample(room, container, undefined);
    await pause(singleMs, signal);
  }
  while (!signal.aborted && !container.gone) {
    const now = sample(room, container, before);
    yield now;
    if (!stream) return;
    before = now;
    await pause(everyMs, signal);
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined); // the reader left
}

function sample(room: Room, container: Container, before: StatsResponse | undefined): StatsResponse {
  const { id, name } = container.record;
  const base = {
    preread: before?.read ?? never,
    num_procs: 0,
    storage_stats: {},
    precpu_stats: before?.cpu_stats ?? noCpu,
    name: `/${name}`,
    id,
  };
  const pid = container.state.process?.pid;
  if (!container.isLive || pid === undefined) {
    return {
      ...base,
      read: never,
      pids_stats: {},
      blkio_stats: { io_service_bytes_recursive: null, io_serviced_recursive: null },
      cpu_stats: noCpu,
      memory_stats: {},
    };
  }
  const networks = sampleNetworks(pid);
  return {
    ...base,
    ...sampleCgroup(cgroupOf(room, container)),
    read: renderTime(nowNs()),
    ...(Object.keys(networks).length === 0 ? {} : { networks }),
  };
}
