import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { CleanupStack } from '../../base/cleanup-stack.js';
import type { Log } from '../../base/log.js';
import type { Builder } from '../builder/index.js';
import { openContainers } from '../containers/index.js';
import { openContentStore } from '../content/index.js';
import { createEventHub } from '../events/index.js';
import { openImageStore } from '../images/index.js';
import { openNetworks } from '../networks/index.js';
import { openOci } from '../oci/index.js';
import { openProjects } from '../projects/index.js';
import type { EngineFacts, Rooms } from '../server/index.js';
import { copyMounter, openLayerStore } from '../snapshots/index.js';
import { chooseOverlayDriver } from '../sys/index.js';
import { openVolumeStore } from '../volumes/index.js';
import { stepNetworks } from './step-network.js';
import { shortEngineId } from './engine-id.js';
import type { EngineSettings } from './settings.js';
import { wallClockNs } from './wall-clock.js';

export interface OpenRooms {
  readonly served: Rooms;
  readonly runtime: EngineFacts['runtime'];
  readonly storageDriver: EngineFacts['storageDriver'];
  /** Stops watching; containers go on. When none is left, takes everything of this engine off the host. */
  close(): Promise<void>;
}

export interface RoomsOptions {
  readonly settings: Pick<EngineSettings, 'dataRoot' | 'runtimeDir'> &
    Partial<Pick<EngineSettings, 'trust' | 'registrySettings' | 'storageDriver' | 'readyFd' | 'hostMountsFd'>>;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Opens the rooms from the ground up, and takes up what an earlier engine left: running, ended or half done. */
export async function openRooms({ settings, log, signal }: RoomsOptions): Promise<OpenRooms> {
  const { dataRoot, runtimeDir, trust, registrySettings, readyFd, hostMountsFd } = settings;
  const engineId = shortEngineId(dataRoot);
  const events = createEventHub(wallClockNs);
  const driver = chooseOverlayDriver(join(dataRoot, 'layers/staging'), copyMounter, settings.storageDriver); // swept below
  if (driver !== 'overlay') log.info('layers are not mounted by the kernel', { driver });
  await using undo = new CleanupStack();

  const [content, layers] = await Promise.all([
    openContentStore(join(dataRoot, 'content')),
    openLayerStore({ dir: join(dataRoot, 'layers'), log }),
  ]);
  undo.defer(() => layers.close());
  const networks = await openNetworks({ dir: join(dataRoot, 'networks'), runtimeDir, engineId, log, events });
  undo.defer(() => networks.stop());
  const [images, oci] = await Promise.all([
    openImageStore({
      content,
      layers,
      dir: join(dataRoot, 'images'),
      events,
      log,
      ...(trust === undefined ? {} : { trust }),
      registries: {
        environment: process.env,
        ...(registrySettings === undefined ? {} : { dockerDir: registrySettings }),
      },
      beforeCollect: async () => {
        await builder(); // it holds the layers of its cache
      },
    }),
    openOci({
      runtimeDir,
      engineId,
      layers,
      joinBridge: stepNetworks(networks),
      outlivesSession: readyFd !== undefined,
      log,
      signal,
    }),
  ]);
  const volumes = await openVolumeStore({
    dir: join(dataRoot, 'volumes'),
    events,
    log,
    usedBy: (name) => containers.usersOfVolume(name),
    mountedBy: (name) => containers.mountsOfVolume(name),
  });
  const projects = await openProjects({ dir: join(dataRoot, 'projects'), log });
  const containers = await openContainers({
    dir: join(dataRoot, 'containers'),
    runtimeDir,
    images,
    layers,
    networks,
    volumes,
    projects,
    oci,
    events,
    log,
    hostMounts: hostMountsFd === undefined ? undefined : keptToOurselves(hostMountsFd),
  });
  undo.defer(() => containers.close());
  signal.throwIfAborted();
  await networks.start(); // names and ports before anything that may take long
  await containers.recover(signal);
  undo.commit();

  const imageUsers = () => containers.imageUsers();
  let opened: Promise<Builder> | undefined;
  const builder = () => (opened ??= openBuilder());
  const openBuilder = async (): Promise<Builder> => {
    const { createBuilder } = await import('../builder/index.js'); // most engines never build
    const dir = join(dataRoot, 'build-cache');
    return await createBuilder({ images, layers, runStep: (step) => oci.runStep(step), usedBy: imageUsers, dir, log });
  };
  const { kind: name, version: said } = oci.runtimes.standard;
  const version = /\d+(?:\.\d+)+/.exec(said)?.[0] ?? said; // it says `crun version 1.8.1`
  return {
    storageDriver: driver,
    served: {
      containers,
      images,
      layers,
      volumes,
      networks,
      projects,
      events,
      imageUsers,
      log,
      builder,
    },
    runtime: { name, version, paths: oci.runtimes.paths },
    close: async () => {
      await using rest = new CleanupStack(); // from the last to the first, whatever fails
      rest.defer(() => layers.close());
      rest.defer(() => {
        if (containers.running() === 0) oci.close();
      });
      rest.defer(() => networks.stop());
      rest.defer(() => containers.close());
    },
  };
}

/** An inherited descriptor as a path that programs we start do not inherit: it would lead a container to the host's mounts. */
function keptToOurselves(inherited: number): string {
  const own = openSync(`/proc/self/fd/${inherited}`, 'r');
  closeSync(inherited);
  return `/proc/self/fd/${own}`;
}
