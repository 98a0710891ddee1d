import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Filters } from '../../api/common.js';
import type { PruneReport, VolumeCreateRequest, VolumeInspect } from '../../api/volume.js';
import { errnoOf, TscomposeError, messageOf } from '../../base/errors.js';
import { hasLabel } from '../../base/label-filter.js';
import { runTool } from '../../base/spawn.js';
import { sweepEach } from '../../base/sweep.js';
import { openRecords, type Records } from '../store/index.js';
import { bindForeignMount, canBindForeignMounts, isMountPoint, mount, unmount } from '../sys/index.js';
import { fillFolder, isEmptyFolder } from './fill.js';
import { matchesVolume, readBoolean } from './match.js';
import { checkOptions, flagsOf, isMemory, mountsOf } from './options.js';
import type { Volume, VolumeStore, VolumeStoreOptions } from './types.js';

const schema = 1;
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const anonymousLabel = 'com.docker.volume.anonymous';
const pruneBoth = ['all', 'label', 'label!'];

/** How a volume is called while its content is being removed. */
const trash = '.removed-';

/** Reads the volumes under `dir`. A folder with content that has no record was put there by the user, and becomes one. */
export async function openVolumeStore(options: VolumeStoreOptions): Promise<VolumeStore> {
  const { dir, log } = options;
  const records = await openRecords<Volume>({ dir, schema, nestedFile: 'volume.json', parse: parseVolume, log });
  const folders = (await readdir(dir, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const strays = folders.map(({ name }) => name).filter((name) => records.get(name) === undefined);
  await sweepEach('a volume without record', strays, log, async (name) => {
    if (name.startsWith(trash)) await rm(join(dir, name), { recursive: true, force: true });
    if (!namePattern.test(name)) return; // a lost+found, say
    const found = await readdir(join(dir, name));
    if (found.some((file) => file.endsWith('.corrupt'))) return; // somebody's data under a record we cannot read
    if ((await removeIfEmpty(join(dir, name, '_data'))) && (await removeIfEmpty(join(dir, name)))) return;
    if (!found.includes('_data')) {
      log.warn('a folder among the volumes is none, and is left alone', { folder: name });
      return;
    }
    const { birthtime } = await stat(join(dir, name, '_data'));
    const plain = { driver: 'local', labels: {}, options: {}, anonymous: false, content: 'settled' } as const;
    log.info('taking up a volume without record', { volume: name });
    await records.put(name, { ...plain, name, created: birthtime.toISOString() }, 'durable');
  });
  return new LocalVolumes(options, records);
}

/** What a crash in `create` leaves is empty. @returns whether it is gone */
async function removeIfEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    if (['ENOTEMPTY', 'EEXIST', 'EBUSY'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

function parseVolume(value: unknown): Volume {
  if (typeof value !== 'object' || value === null || !('name' in value) || typeof value.name !== 'string') {
    throw new Error('not a volume record');
  }
  return value as Volume; // written by us, and versioned
}

class LocalVolumes implements VolumeStore {
  readonly #options: VolumeStoreOptions;
  readonly #records: Records<Volume>;
  /** Containers that have a volume in place, by its name. */
  readonly #holders = new Map<string, Set<string>>();
  /** Volumes of containers that are being made, by the container's id. */
  readonly #reserved = new Map<string, Set<string>>();
  /** Work on one volume goes one after the other. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: VolumeStoreOptions, records: Records<Volume>) {
    this.#options = options;
    this.#records = records;
  }

  async create(request: VolumeCreateRequest, { madeFor }: { readonly madeFor?: string } = {}): Promise<Volume> {
    const driver = request.Driver === undefined || request.Driver === '' ? 'local' : request.Driver;
    if (driver !== 'local') {
      throw new TscomposeError({
        code: 'volume/unknown-driver',
        message: `create ${request.Name ?? ''}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
        facts: { driver },
        hint: 'volumes of this engine use the driver "local"',
      });
    }
    const anonymous = request.Name === undefined || request.Name === '';
    const name = anonymous ? randomBytes(32).toString('hex') : (request.Name ?? '');
    checkName(name);
    if (madeFor !== undefined) this.#reserve(name, madeFor);
    const options = { ...request.DriverOpts };
    return this.#inTurn(name, async () => {
      const existing = this.#records.get(name);
      if (existing !== undefined) return existing; // whatever else is asked for, as dockerd does
      checkOptions(name, options);
      const volume: Volume = {
        name,
        driver: 'local',
        created: new Date().toISOString(),
        labels: { ...request.Labels, ...(anonymous ? { [anonymousLabel]: '' } : {}) },
        options,
        anonymous,
        ...(madeFor === undefined ? {} : { madeFor }),
        content: 'settled',
      };
      await mkdir(this.mountpoint(name), { recursive: true });
      await chmod(join(this.#options.dir, name), 0o701);
      await chmod(this.mountpoint(name), 0o755);
      await this.#records.put(name, volume, 'durable');
      this.#publish('create', name, {});
      return volume;
    });
  }

  reserve(name: string, containerId: string): Promise<Volume | undefined> {
    this.#reserve(name, containerId);
    return this.#inTurn(name, () => Promise.resolve(this.find(name))); // after a removal that has begun
  }

  endReservations(containerId: string): void {
    this.#reserved.delete(containerId);
  }

  async discardMadeFor(containerId: string): Promise<void> {
    this.endReservations(containerId);
    for (const { name, anonymous, madeFor } of this.#records.list()) {
      if (anonymous && madeFor === containerId) await this.remove(name, { force: true });
    }
  }

  find(name: string): Volume | undefined {
    return this.#records.get(name);
  }

  get(name: string): Volume {
    const volume = this.find(name);
    if (volume !== undefined) return volume;
    throw new TscomposeError({
      code: 'volume/not-found',
      message: `get ${name}: no such volume`,
      facts: { volume: name },
    });
  }

  inspect(name: string): VolumeInspect {
    return this.#render(this.get(name));
  }

  list(filters: Filters): { Volumes: VolumeInspect[]; Warnings: null } {
    const allowed = ['dangling', 'driver', 'label', 'name'];
    for (const value of filters['dangling'] ?? []) readBoolean('dangling', value); // also where there is no volume
    const found = this.#records
      .list()
      .filter((volume) => matchesVolume(volume, filters, { allowed, dangling: this.#isDangling }));
    return { Volumes: found.map((volume) => this.#render(volume)), Warnings: null };
  }

  async remove(name: string, { force }: { readonly force: boolean }): Promise<void> {
    if (force && this.find(name) === undefined) return;
    await this.#inTurn(name, async () => {
      this.get(name);
      const containerIds = this.#usersOf(name);
      if (containerIds.length > 0) {
        throw new TscomposeError({
          code: 'volume/in-use',
          message: `remove ${name}: volume is in use - [${containerIds.join(', ')}]`,
          facts: { volume: name, containerIds },
        });
      }
      this.#unmountDevice(name);
      const doomed = join(this.#options.dir, `${trash}${randomUUID()}`);
      await rename(join(this.#options.dir, name), doomed); // record and content in one step, whatever happens then
      await this.#records.delete(name);
      await rm(doomed, { recursive: true, force: true });
      this.#publish('destroy', name, {});
    });
  }

  async prune(filters: Filters): Promise<PruneReport> {
    const all = (filters['all'] ?? []).some((value) => readBoolean('all', value));
    const removed: string[] = [];
    let bytes = 0;
    for (const volume of this.#records.list()) {
      if (!matchesVolume(volume, filters, { allowed: pruneBoth, dangling: this.#isDangling })) continue;
      if (!this.#isDangling(volume) || !(all || volume.anonymous || hasLabel(volume.labels, anonymousLabel))) continue;
      if (Object.keys(volume.options).length > 0) continue; // a device that is mounted: its data is not ours
      let size: number;
      try {
        size = await this.#sizeOf(volume, new AbortController().signal);
        await this.remove(volume.name, { force: false });
      } catch (error) {
        this.#options.log.warn('cannot prune a volume', { volume: volume.name, error }); // in use since we looked
        continue;
      }
      bytes += Math.max(size, 0);
      removed.push(volume.name);
    }
    const total = { reclaimed: String(bytes) };
    this.#options.events.publish({ Type: 'volume', Action: 'prune', Actor: { ID: '', Attributes: total } });
    return { VolumesDeleted: removed, SpaceReclaimed: bytes };
  }

  async usage(signal: AbortSignal): Promise<VolumeInspect[]> {
    const all: VolumeInspect[] = [];
    for (const volume of this.#records.list()) {
      if (Object.keys(volume.options).length > 0) continue; // a device that is mounted: not our disk
      const Size = await this.#sizeOf(volume, signal);
      all.push({ ...this.#render(volume), UsageData: { Size, RefCount: this.#usersOf(volume.name).length } });
    }
    return all;
  }

  mountpoint(name: string): string {
    return join(this.#options.dir, name, '_data');
  }

  async acquire(name: string, containerId: string): Promise<string> {
    return this.#inTurn(name, async () => {
      const volume = this.get(name);
      const target = this.mountpoint(name);
      await this.#mountDevice(volume, target);
      const holders = this.#holders.get(name) ?? new Set();
      this.#holders.set(name, holders.add(containerId));
      return target;
    });
  }

  async release(name: string, containerId: string): Promise<void> {
    await this.#inTurn(name, () => {
      const holders = this.#holders.get(name);
      holders?.delete(containerId);
      if (holders?.size === 0) {
        this.#holders.delete(name);
        this.#unmountDevice(name);
      }
      return Promise.resolve();
    });
  }

  async isEmpty(name: string): Promise<boolean> {
    return this.get(name).content === 'copying' || isEmptyFolder(this.mountpoint(name));
  }

  async populate(name: string, folder: string, signal: AbortSignal): Promise<void> {
    await this.#inTurn(name, async () => {
      const volume = this.get(name);
      const target = this.mountpoint(name);
      if (volume.content === 'settled' && !(await isEmptyFolder(target))) return;
      await fillFolder(target, folder, signal, () =>
        this.#records.put(name, { ...volume, content: 'copying' }, 'durable'),
      );
      await this.#records.put(name, { ...volume, content: 'settled' }, 'durable');
    });
  }

  readonly #isDangling = ({ name }: Volume): boolean => this.#usersOf(name).length === 0;

  #reserve(name: string, containerId: string): void {
    this.#reserved.set(containerId, (this.#reserved.get(containerId) ?? new Set()).add(name));
  }

  #usersOf(name: string): string[] {
    const coming = [...this.#reserved].flatMap(([containerId, names]) => (names.has(name) ? [containerId] : []));
    return [...new Set([...this.#options.usedBy(name), ...coming])];
  }

  async #mountDevice({ name, options }: Volume, target: string): Promise<void> {
    const device = options['device'] ?? '';
    if (device === '' || isMountPoint(target)) return;
    if (isMemory(options) && this.#takeOver(name, options, target)) return;
    let done = 0;
    try {
      for (const request of await mountsOf(options, target)) {
        mount(request);
        done += 1;
      }
    } catch (cause) {
      if (done > 0) unmount(target, { detach: true });
      throw new TscomposeError({
        code: 'volume/mount-failed',
        message: `error while mounting volume '${target}': failed to mount local volume ${device}: ${messageOf(cause)}`,
        facts: { volume: name, device },
        cause,
      });
    }
  }

  /**
   * What an earlier engine mounted went with that engine's namespace, but running containers still have it. Mounted anew
   * a volume that lies in memory would be another one.
   * @returns whether there was one to take it from
   */
  #takeOver(name: string, options: Volume['options'], target: string): boolean {
    if (!canBindForeignMounts()) return false;
    for (const { pid, path } of this.#options.mountedBy(name)) {
      try {
        bindForeignMount({ namespace: `/proc/${pid}/ns/mnt`, source: path, target, recursive: false });
        mount({ target, flags: ['bind', 'remount', ...flagsOf(options)] }); // the container may have it read-only
        return true;
      } catch (error) {
        this.#options.log.warn('cannot take a volume over from a running container', { volume: name, error });
        if (isMountPoint(target)) unmount(target, { detach: true });
      }
    }
    return false;
  }

  #unmountDevice(name: string): void {
    const target = this.mountpoint(name);
    if ((this.find(name)?.options['device'] ?? '') === '') return;
    while (isMountPoint(target)) unmount(target, { detach: true });
  }

  /** -1 where du(1) cannot tell in time. What goes away while it looks makes it fail, with a sum all the same. */
  async #sizeOf(volume: Volume, signal: AbortSignal): Promise<number> {
    if ((volume.options['device'] ?? '') !== '') return 0; // not our disk
    try {
      const args = ['-s', '-B1', '--', this.mountpoint(volume.name)];
      const { stdout } = await runTool('du', args, { signal, alsoGood: [1] });
      return Number(/^\d+(?=\t)/.exec(stdout)?.[0] ?? -1);
    } catch (error) {
      signal.throwIfAborted();
      this.#options.log.warn('cannot tell the size of a volume', { volume: volume.name, error });
      return -1;
    }
  }

  #render({ name, driver, created, labels, options }: Volume): VolumeInspect {
    return {
      CreatedAt: created.replace(/\.\d+(?=Z$)/, ''), // in seconds, as clients know it
      Driver: driver,
      Labels: Object.keys(labels).length === 0 ? null : { ...labels },
      Mountpoint: this.mountpoint(name),
      Name: name,
      Options: Object.keys(options).length === 0 ? null : { ...options },
      Scope: 'local',
    };
  }

  #publish(action: string, name: string, attributes: Readonly<Record<string, string>>): void {
    const Actor = { ID: name, Attributes: { driver: 'local', ...attributes } };
    this.#options.events.publish({ Type: 'volume', Action: action, Actor });
  }

  #inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(work, work);
    this.#turns.set(name, turn);
    const clear = () => {
      if (this.#turns.get(name) === turn) this.#turns.delete(name);
    };
    turn.then(clear, clear);
    return turn;
  }
}

function checkName(name: string): void {
  if (Buffer.byteLength(name) === 1) {
    throw new TscomposeError({
      code: 'volume/invalid-name',
      message: `create ${name}: volume name is too short, names should be at least two alphanumeric characters`,
      facts: { volume: name },
    });
  }
  if (namePattern.test(name) && name.length <= 200) return;
  throw new TscomposeError({
    code: 'volume/invalid-name',
    message:
      `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]"` +
      ' are allowed. If you intended to pass a host directory, use absolute path',
    facts: { volume: name },
  });
}
