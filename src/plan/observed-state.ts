import type { ContainerStatus, HealthStatus } from '../api/container.js';
import type { MountType } from '../api/common.js';

/** What the engine has of a project, read once. Everything the planner knows of the world. */
export interface ObservedState {
  /** All that carry the project's label, one-offs too. */
  readonly containers: readonly ObservedContainer[];
  /** Those with the project's label, and those with a name the project uses. */
  readonly networks: readonly ObservedNetwork[];
  /** Those with the project's label, and those with a name the project uses. */
  readonly volumes: readonly ObservedVolume[];
  /** Containers of `pre_start` hooks that failed: kept to be looked at. */
  readonly hooks?: readonly ObservedContainer[];
  /** By reference as the project writes it; an absent key is an absent image. */
  readonly images: Readonly<Record<string, ObservedImage>>;
  /** Programs that run services which are no containers, by `provider.type`; an absent key is one that is not there. */
  readonly providers?: Readonly<Record<string, ObservedProvider>>;
}

export type ProviderAction = 'up' | 'down' | 'stop';

export interface ObservedProvider {
  /** Absolute path. */
  readonly program: string;
  /** It is a plugin of the docker CLI. */
  readonly isPlugin: boolean;
  /** Parameters that it knows, by action; undefined: it does not tell, and gets all there are. */
  readonly actions:
    | Readonly<Partial<Record<ProviderAction, readonly { readonly name: string; readonly required: boolean }[]>>>
    | undefined;
}

export interface ObservedContainer {
  readonly id: string;
  /** Without a slash. */
  readonly name: string;
  readonly service: string;
  /** Replica number; 0 where the label is missing, as on one-offs. */
  readonly number: number;
  readonly oneOff: boolean;
  readonly status: ContainerStatus;
  /** Of the last run; undefined while running or before the first. */
  readonly exitCode: number | undefined;
  /** Undefined when the container has no health check, or the engine's list does not say. */
  readonly health: HealthStatus | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Reference it was made from. */
  readonly image: string;
  readonly imageId: string;
  /** Ids by network name. */
  readonly networks: Readonly<Record<string, string>>;
  /**
   * Where it shares another's network namespace, on an engine that lets the namespace outlive its owner: the id that its
   * mode names, and the id of the container that stands there now.
   */
  readonly joined?: { readonly named: string; readonly owner: string };
  readonly mounts: readonly ObservedMount[];
  /** Host ports it holds while it runs. */
  readonly hostPorts: readonly { readonly port: number; readonly protocol: string }[];
  /** Unix seconds. */
  readonly createdS: number;
}

export interface ObservedMount {
  readonly type: MountType;
  /** Of a volume. */
  readonly name: string | undefined;
  readonly target: string;
}

export interface ObservedNetwork {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ObservedVolume {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ObservedImage {
  readonly id: string;
  /** `os/architecture` or `os/architecture/variant`. */
  readonly platform: string;
  /** Targets of its `VOLUME` instructions. */
  readonly volumes: readonly string[];
  readonly hasHealthCheck: boolean;
  /** Unix seconds when it last got its name, by a pull or build; absent where the engine does not say. */
  readonly taggedS?: number;
}

export const nothingObserved: ObservedState = { containers: [], networks: [], volumes: [], images: {} };
