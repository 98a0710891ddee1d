import type { Filters } from '../../api/common.js';
import type { NetworkCreateRequest, NetworkInspect } from '../../api/network.js';
import type { Log } from '../../base/log.js';
import type { Builder } from '../builder/index.js';
import type { Containers } from '../containers/index.js';
import type { EventHub } from '../events/index.js';
import type { ImageStore, ImageUser } from '../images/index.js';
import type { LayerStore } from '../snapshots/index.js';
import type { VolumeStore } from '../volumes/index.js';

/** What the routes stand on. */
export interface Rooms {
  readonly containers: Containers;
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly volumes: VolumeStore;
  readonly networks: NetworkRoutes;
  /** Loaded by the first build. */
  readonly builder: () => Promise<Builder>;
  readonly events: EventHub;
  readonly imageUsers: () => readonly ImageUser[];
  readonly log: Log;
}

/** Networks as the wire shows them: records together with the containers on them. */
export interface NetworkRoutes {
  create(request: NetworkCreateRequest): Promise<{ Id: string; Warning: string }>;
  /** @throws `network/not-found`, `network/ambiguous` */
  inspect(nameOrId: string): NetworkInspect;
  /** Filters: dangling, driver, id, label, name, scope, type. */
  list(filters: Filters): NetworkInspect[];
  remove(nameOrId: string): Promise<void>;
  prune(filters: Filters): Promise<{ NetworksDeleted: string[] }>;
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
  readonly runtime: { readonly name: string; readonly version: string; readonly path: string } | undefined;
  readonly cgroup: 'v1' | 'hybrid' | 'v2' | 'none';
  readonly idleTimeoutMs: number;
  /** Begins the ordered shutdown; does not wait for it. */
  readonly shutdown: () => void;
}
