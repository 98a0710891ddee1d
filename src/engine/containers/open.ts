import type { Log } from '../../base/log.js';
import type { EventHub } from '../events/index.js';
import type { ImageStore } from '../images/index.js';
import type { Networks } from '../networks/index.js';
import type { Oci } from '../oci/index.js';
import type { LayerStore } from '../snapshots/index.js';
import type { Projects } from '../projects/index.js';
import { openRecords } from '../store/index.js';
import type { VolumeStore } from '../volumes/index.js';
import { archiveGet, archivePut, archiveStat, exportContainer } from './archive.js';
import { attachContainer, resizeContainer } from './attach.js';
import { createContainer } from './create.js';
import { Execs } from './exec.js';
import { watchExits } from './exit-watch.js';
import { inspectContainer } from './inspect.js';
import { createLimiter } from './limiter.js';
import { listContainers } from './list.js';
import { readLogs } from './logs.js';
import { mergedLogs } from './merged-logs.js';
import { connectNetwork, disconnectNetwork } from './networking.js';
import { heldStill, pauseContainer, unpauseContainer } from './pause.js';
import { containerSchema, parseContainerRecord } from './record.js';
import { recoverContainers } from './recover.js';
import { Registry } from './registry.js';
import { pruneContainers, removeContainer } from './remove.js';
import { renameContainer } from './rename.js';
import { publish, type Room, upperOf } from './room.js';
import { createScheduler } from './scheduler.js';
import { startContainer } from './start.js';
import { containerStats } from './stats.js';
import { killContainer, restartContainer, stopContainer } from './stop.js';
import { topContainer } from './top.js';
import type { Containers } from './types.js';
import { updateContainer } from './update.js';
import { portMapOf } from './wire.js';

export interface ContainersOptions {
  /** `<data root>/containers` */
  readonly dir: string;
  /** The same as the oci room's. */
  readonly runtimeDir: string;
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly networks: Networks;
  readonly volumes: VolumeStore;
  readonly projects: Projects;
  readonly oci: Oci;
  readonly events: EventHub;
  readonly log: Log;
  /** The host's mount namespace as a file; undefined where the engine lives in it, or does not know it. */
  readonly hostMounts?: string | undefined;
}

/** Three at a time keep two cores busy: while one waits for its runtime the next is prepared. */
const startsAtOnce = 3;

/** Reads the records. Nothing happens to any container before `recover`. */
export async function openContainers(options: ContainersOptions): Promise<Containers> {
  const { dir, log } = options;
  const records = await openRecords({
    dir,
    schema: containerSchema,
    nestedFile: 'container.json',
    parse: parseContainerRecord,
    log,
  });
  const closing = new AbortController();
  const room: Room = {
    ...options,
    registry: new Registry(records, log),
    scheduler: createScheduler(() => room),
    starts: createLimiter(startsAtOnce),
    unmounting: new Map(),
    closing: closing.signal,
  };
  const execs = new Execs(room);
  const find = (reference: string) => room.registry.resolve(reference);
  let stopWatching: (() => void) | undefined;

  return {
    create: (request, names, signal) => createContainer(room, request, names, signal),
    start: async (reference, signal) => {
      const container = find(reference);
      try {
        return await startContainer(room, container, signal);
      } catch (error) {
        if (container.record.hostConfig.AutoRemove === true && container.state.status === 'created') {
          await removeContainer(room, container, { force: false, volumes: true }, room.closing);
        }
        throw error;
      }
    },
    stop: (reference, how, signal) => stopContainer(room, find(reference), how, signal),
    restart: (reference, how, signal) => restartContainer(room, find(reference), how, signal),
    kill: (reference, signalName, signal) => killContainer(room, find(reference), signalName, signal),
    pause: (reference) => pauseContainer(room, find(reference)),
    unpause: (reference) => unpauseContainer(room, find(reference)),
    rename: (reference, name) => renameContainer(room, find(reference), name),
    update: (reference, request) => updateContainer(room, find(reference), request),
    remove: (reference, how, signal) => removeContainer(room, find(reference), how, signal),
    prune: (filters, signal) => pruneContainers(room, filters, signal),
    wait: (reference, condition, signal) => {
      const container = find(reference);
      const isBetweenRuns = condition === 'not-running' && container.state.status === 'restarting'; // it is about to run
      const ended = container.wait(isBetweenRuns ? 'next-exit' : condition, signal);
      ended.catch(() => undefined); // a reader that leaves before it waits is no failure of ours
      return { ended };
    },

    inspect: async (reference, { size }) => {
      const container = find(reference);
      return inspectContainer(room, container, { size, execIds: execs.idsOf(container) });
    },
    list: (how) => listContainers(room, how),
    ports: (reference) => portMapOf(room, find(reference)),
    top: async (reference, psArgs, signal) => topContainer(room, find(reference), psArgs, signal),
    stats: (reference, how, signal) => containerStats(room, find(reference), how, signal),

    logs: (reference, how, signal) => readLogs(room, find(reference), how, signal),
    mergedLogs: (references, how, signal) =>
      mergedLogs(
        room,
        references.map((reference) => room.registry.find(reference)),
        how,
        signal,
      ),
    attach: async (reference, how, signal) => {
      const container = find(reference);
      await container.idle();
      return attachContainer(room, container, how, signal);
    },
    resize: async (reference, size) => {
      const container = find(reference);
      await container.idle();
      resizeContainer(room, container, size);
    },

    execCreate: async (reference, request) => {
      const container = find(reference);
      await container.idle();
      return execs.create(container, request);
    },
    execStart: (id, request, signal) => execs.start(id, request, signal),
    execResize: async (id, size) => {
      await Promise.resolve();
      execs.resize(id, size);
    },
    execInspect: (id) => execs.inspect(id),

    changes: async (reference) => {
      const { record } = find(reference);
      const upperDir = upperOf(room, record.id);
      return room.layers.changes({ lower: record.chainId, upperDir, signal: closing.signal });
    },
    export: async (reference, signal) => exportContainer(room, find(reference), signal),
    archiveStat: async (reference, path) => archiveStat(room, find(reference), path),
    archiveGet: async (reference, path, signal) => archiveGet(room, find(reference), path, signal),
    archivePut: async (reference, path, tar, how, signal) =>
      archivePut(room, find(reference), { path, tar, ...how }, signal),

    connectNetwork: (reference, network, endpoint) => connectNetwork(room, find(reference), network, endpoint),
    disconnectNetwork: (reference, network) => disconnectNetwork(room, find(reference), network),
    commitSource: (reference) => {
      const container = find(reference);
      const { id, imageId, config } = container.record;
      const upperDir = upperOf(room, id);
      return {
        containerId: id,
        imageId,
        config,
        upperDir,
        hold: async (how, work) => {
          const result = await heldStill(room, container, how, work);
          publish(room, container, 'commit');
          return result;
        },
      };
    },

    imageUsers: () =>
      [...room.registry.values()].map(({ id, record, isLive }) => ({
        containerId: id,
        imageId: record.imageId,
        chainId: record.chainId,
        running: isLive,
      })),
    mountsOfVolume: (name) =>
      room.registry
        .list()
        .flatMap(({ isLive, record, state }) =>
          record.mounts.flatMap(({ name: own, subpath, destination: path }) =>
            isLive && state.process !== undefined && own === name && subpath === undefined
              ? [{ pid: state.process.pid, path }]
              : [],
          ),
        ),
    usersOfVolume: (name) =>
      [...room.registry.values()]
        .filter(({ record }) => record.mounts.some((one) => one.name === name))
        .map(({ id }) => id),
    usersOfNetwork: (networkId) => {
      const named = room.networks.list().find(({ id }) => id === networkId);
      const isIt = (reference: string) => reference === networkId || reference === named?.name;
      return [...room.registry.values()]
        .filter(({ record }) => Object.keys(record.endpoints).some(isIt))
        .map(({ id }) => id);
    },
    running: () =>
      execs.running() +
      [...room.registry.values()].filter(
        ({ isLive, state }) => isLive || ['starting', 'restarting'].includes(state.status),
      ).length,

    reconcile: (project) => {
      room.scheduler.look(project);
    },
    recover: async (signal) => {
      stopWatching = watchExits(room); // first, so that no exit falls between the look and the watch
      await recoverContainers(room, signal);
    },
    close: async () => {
      closing.abort(new Error('the engine ends'));
      stopWatching?.();
      await room.scheduler.close();
      for (const container of room.registry.values()) {
        clearTimeout(container.restartTimer);
        container.health?.stop();
        await container.idle();
        await container.writeAgain();
      }
    },
  };
}
