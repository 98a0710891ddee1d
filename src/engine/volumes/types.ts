import type { Filters } from '../../api/common.js';
import type { PruneReport, VolumeCreateRequest, VolumeInspect, VolumeListResponse } from '../../api/volume.js';
import type { Log } from '../../base/log.js';
import type { EventHub } from '../events/index.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'volume/not-found': { readonly volume: string };
    'volume/invalid-name': { readonly volume: string };
    'volume/invalid-option': { readonly volume: string; readonly option: string };
    'volume/unknown-driver': { readonly driver: string };
    /** One of that name exists and is something else. */
    'volume/in-use': { readonly volume: string; readonly containerIds: readonly string[] };
    'volume/mount-failed': { readonly volume: string; readonly device: string };
    'volume/invalid-filter': { readonly filter: string; readonly value?: string };
  }
}

/** What one volume is. A change makes a new record. */
export interface Volume {
  readonly name: string;
  readonly driver: 'local';
  /** RFC 3339. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `type`, `o`, `device` ("local" driver options); a volume with a `device` is a mount, made while it is in use. */
  readonly options: Readonly<Record<string, string>>;
  /** Made without a name, for one container, and removed with it on request. */
  readonly anonymous: boolean;
  /** The container that was being created when this was made for it. */
  readonly madeFor?: string;
  /** `copying` while image content is being moved in; a crash leaves it so, and what is missing is moved in later. */
  readonly content: 'settled' | 'copying';
}

export interface VolumeStoreOptions {
  /** `<dir>/<name>/{_data/,volume.json}` */
  readonly dir: string;
  readonly events: EventHub;
  readonly log: Log;
  /** Ids of the containers, running or not, that have this volume. */
  readonly usedBy: (name: string) => readonly string[];
  /** Processes that have the volume mounted in a namespace of theirs, and at which path there. */
  readonly mountedBy: (name: string) => readonly { readonly pid: number; readonly path: string }[];
}

export interface VolumeStore {
  /**
   * Idempotent by name; a request without a name makes an anonymous volume.
   * @throws `volume/invalid-name`, `volume/invalid-option`, `volume/unknown-driver`
   */
  create(request: VolumeCreateRequest, options?: { readonly madeFor?: string }): Promise<Volume>;
  /** Removes the anonymous volumes of a container that did not come to be. */
  discardMadeFor(containerId: string): Promise<void>;
  /**
   * Keeps a volume, if it is there or once it is, from being removed while a container is made that is to use it. What is
   * made for the container has that from the start.
   */
  reserve(name: string, containerId: string): Promise<Volume | undefined>;
  /** The container is among those that `usedBy` tells, or did not come to be. */
  endReservations(containerId: string): void;
  /** @throws `volume/not-found` */
  get(name: string): Volume;
  find(name: string): Volume | undefined;
  /** @throws `volume/not-found` */
  inspect(name: string): VolumeInspect;
  /** Filters: dangling, driver, label, name. @throws `volume/invalid-filter` */
  list(filters: Filters): VolumeListResponse;
  /** With `force` an absent volume is no error. @throws `volume/not-found`, `volume/in-use` */
  remove(name: string, options: { readonly force: boolean }): Promise<void>;
  /** Filters: all, label, label!. Only anonymous volumes unless `all`. @throws `volume/invalid-filter` */
  prune(filters: Filters): Promise<PruneReport>;
  /** Like `inspect` for all of them, with bytes on disk (-1: not known) and containers; for `system df`. */
  usage(signal: AbortSignal): Promise<VolumeInspect[]>;
  /** Path of the content, whether there is a device mounted or not. */
  mountpoint(name: string): string;
  /**
   * Makes the content ready for a container, which means mounting a `device`.
   * @returns the path to bind
   * @throws `volume/not-found`, `volume/mount-failed`
   */
  acquire(name: string, containerId: string): Promise<string>;
  /** The container no longer uses it; the last one unmounts a `device`. Idempotent. */
  release(name: string, containerId: string): Promise<void>;
  /** Whether nothing is in it, or not all that was to be: then `populate` has something to do. */
  isEmpty(name: string): Promise<boolean>;
  /**
   * Fills an empty volume with what a folder of the image holds, including owners, modes, times and extended attributes,
   * those of the folder itself as well. Nothing that is in it is changed. Acquire it first.
   * @param folder - a path that a child process of ours can read
   */
  populate(name: string, folder: string, signal: AbortSignal): Promise<void>;
}
