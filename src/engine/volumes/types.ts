import type { Filters } from '../../api/common.js';
import type { PruneReport, VolumeCreateRequest, VolumeInspect, VolumeListResponse } from '../../api/volume.js';
import type { Log } from '../../base/log.js';
import type { EventHub } from '../events/index.js';

/** What one volume is. A change makes a new record. */
export interface Volume {
  readonly name: string;
  readonly driver: 'local';
  /** RFC 3339. */
  readonly created: string;
  readonly labels: Readonly<Record<string, string>>;
  /** `type`, `o`, `device` ("local" driver options); a volume with `device` is a mount made while it is in use. */
  readonly options: Readonly<Record<string, string>>;
  /** Made for one container and removed with it on request. */
  readonly anonymous: boolean;
  /** `pending` until image content was offered to it; a crash in the middle of a copy leaves `copying`, which is redone. */
  readonly content: 'pending' | 'copying' | 'settled';
}

export interface VolumeStoreOptions {
  /** `<dir>/<name>/{_data/,volume.json}` */
  readonly dir: string;
  readonly events: EventHub;
  readonly log: Log;
  /** Ids of the containers, running or not, that have this volume. */
  readonly usedBy: (name: string) => readonly string[];
}

export interface VolumeStore {
  /**
   * Idempotent by name; a request without a name makes an anonymous volume.
   * @throws `volume/invalid-name`, `volume/invalid-option`, `volume/unknown-driver`, `volume/conflict`
   */
  create(request: VolumeCreateRequest): Promise<Volume>;
  /** @throws `volume/not-found` */
  get(name: string): Volume;
  find(name: string): Volume | undefined;
  /** @throws `volume/not-found` */
  inspect(name: string): VolumeInspect;
  /** Filters: dangling, driver, label, name. @throws `volume/invalid-filter` */
  list(filters: Filters): VolumeListResponse;
  /** With `force` an absent volume is no error. @throws `volume/not-found`, `volume/in-use` */
  remove(name: string, options: { readonly force: boolean }): Promise<void>;
  /** Filters: all, label, label!. Only anonymous volumes unless `all`. */
  prune(filters: Filters): Promise<PruneReport>;
  /** Bytes on disk and containers, for `system df`. */
  usage(signal: AbortSignal): Promise<VolumeInspect[]>;
  /** Path of the content, whether mounted or not. */
  mountpoint(name: string): string;
  /**
   * Makes the content ready for a container: mounts a `device`, and fills an empty new volume with `imageContent`, the
   * folder of the image that it hides, with owners, modes, times and extended attributes.
   * @returns the path to bind
   */
  prepare(name: string, holder: string, imageContent: string | undefined): Promise<string>;
  /** The holder no longer uses the volume; the last one unmounts a `device`. Idempotent. */
  release(name: string, holder: string): Promise<void>;
}
