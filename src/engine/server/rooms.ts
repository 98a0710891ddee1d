import type { Log } from '../../base/log.js';
import type { Builder } from '../builder/index.js';
import type { Containers } from '../containers/index.js';
import type { EventHub } from '../events/index.js';
import type { ImageStore, ImageUser } from '../images/index.js';
import type { Networks } from '../networks/index.js';
import type { Projects } from '../projects/index.js';
import type { LayerStore } from '../snapshots/index.js';
import type { OverlayDriver } from '../sys/index.js';
import type { VolumeStore } from '../volumes/index.js';

/** What the routes stand on. */
export interface Rooms {
  readonly containers: Containers;
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly volumes: VolumeStore;
  readonly networks: Networks;
  readonly projects: Projects;
  /** Loaded by the first build. */
  readonly builder: () => Promise<Builder>;
  readonly events: EventHub;
  readonly imageUsers: () => readonly ImageUser[];
  readonly log: Log;
}

export interface RuntimeFacts {
  /** Of the one that containers have which name none. */
  readonly name: string;
  readonly version: string;
  /** Of all there are, by the names that containers may give. */
  readonly paths: Readonly<Record<string, string>>;
}

/** What the engine says of itself. */
export interface EngineFacts {
  /** Stable per data root; a UUID. */
  readonly id: string;
  readonly version: string;
  readonly dataRoot: string;
  readonly runtimeDir: string;
  readonly socket: string;
  readonly startedAt: Date;
  readonly runtime: RuntimeFacts | undefined;
  readonly storageDriver: OverlayDriver;
  readonly cgroup: 'v1' | 'hybrid' | 'v2' | 'none';
  readonly apparmor: boolean;
  /** 0: it stays. */
  readonly idleTimeoutMs: () => number;
  /** From now on idleness does not end it. */
  readonly stay: () => void;
  /** Begins the ordered shutdown; does not wait for it. */
  readonly shutdown: () => void;
}
