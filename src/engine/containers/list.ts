import type { ContainerSummary } from '../../api/container.js';
import type { Filters } from '../../api/common.js';
import type { Container } from './container.js';
import { extensionOf } from './crash-loop.js';
import { containerMatcher } from './list-filters.js';
import { commandOf } from './merge-config.js';
import type { Room } from './room.js';
import { sizesOf } from './sizes.js';
import { renderStatus } from './status-text.js';
import { nowNs, parseTime } from './time.js';
import { healthOf, listedPorts, networksOf, portMapOf, wireMounts, wireStatus } from './wire.js';

export interface ListOptions {
  readonly all: boolean;
  readonly limit?: number;
  readonly size: boolean;
  readonly filters: Filters;
}

/** "List containers", newest first. @throws `container/invalid-filter`, `container/not-found` for before and since */
export async function listContainers(
  room: Room,
  { all, limit, size, filters }: ListOptions,
): Promise<ContainerSummary[]> {
  const matches = containerMatcher(room, filters);
  // A status or exit code that was asked for is looked for among all containers, as is a limit.
  const everyone = all || limit !== undefined || 'status' in filters || 'exited' in filters;
  const found = room.registry
    .list()
    .filter((container) => !container.gone && (everyone || container.isLive || container.state.status === 'restarting'))
    .filter(matches)
    .slice(0, limit);
  const now = nowNs();
  const summaries = found.map((container) => summarize(room, container, now));
  if (!size) return summaries;
  const sizes: ContainerSummary[] = [];
  for (const [index, container] of found.entries()) {
    const summary = summaries[index];
    if (summary !== undefined) sizes.push({ ...summary, ...(await sizesOf(room, container)) });
  }
  return sizes;
}

function summarize(room: Room, container: Container, now: bigint): ContainerSummary {
  const { id, name, created, imageId, config, hostConfig, state } = container.record;
  const health = healthOf(container);
  return {
    Id: id,
    Names: [`/${name}`],
    Image: shownImage(room, container),
    ImageID: imageId,
    Command: commandOf(config).map(quoted).join(' '),
    Created: Number((parseTime(created) ?? 0n) / 1_000_000_000n),
    Ports: listedPorts(portMapOf(room, container)),
    Labels: { ...config.Labels },
    State: wireStatus(container),
    Status: renderStatus(state, health?.Status, now),
    HostConfig: {
      NetworkMode: hostConfig.NetworkMode ?? 'bridge',
      ...(hostConfig.Annotations == null ? {} : { Annotations: hostConfig.Annotations }),
    },
    ...(health === undefined ? {} : { Health: { Status: health.Status, FailingStreak: health.FailingStreak } }),
    NetworkSettings: { Networks: networksOf(room, container) },
    Mounts: wireMounts(container),
    ...extensionOf(room, container),
  };
}

/** The name it was made from, as long as that still means the same image. */
function shownImage(room: Room, { record }: Container): string {
  const reference = record.config.Image ?? '';
  const named = reference === '' ? undefined : room.images.find(reference);
  return named?.id === record.imageId ? reference : record.imageId;
}

function quoted(word: string): string {
  return /\s/.test(word) || word === '' ? `'${word}'` : word;
}
