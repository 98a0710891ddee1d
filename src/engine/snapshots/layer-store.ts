import { availableParallelism } from 'node:os';
import { lstatSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { FilesystemChange } from '../../api/container.js';
import type { Digest } from '../../base/digest.js';
import { TscomposeError } from '../../base/errors.js';
import { type Log, silentLog } from '../../base/log.js';
import { fileName } from '../../base/tar/names.js';
import { overlayMounter, setTimes } from '../sys/index.js';
import { type ChainId, extendChain } from './chain-id.js';
import { copyMounter } from './copy-mount.js';
import { copyMetadata } from './copy-metadata.js';
import { exportTar } from './export-layer.js';
import type { LayerMode } from './extractor.js';
import { layerNotFound } from './failures.js';
import { currentBoot, LayerDisk } from './layer-disk.js';
import { layerOf, type LayerRecord } from './layer-record.js';
import { isWhiteout } from './layer-tree.js';
import { LowerView } from './lower-view.js';
import { OverlayOptions } from './overlay-options.js';
import type {
  AppliedLayer,
  ApplyOptions,
  CommitOptions,
  Layer,
  LayerStore,
  OverlayDirectories,
  StagedLayer,
} from './types.js';
import { type SettleJob, workOf } from './settle-job.js';
import type { UnpackResult } from './unpack-job.js';
import { createJobRunner, type JobRunner, locateWorker } from './worker-pool.js';

const syncDelayMs = 2_000;
const nothingSpecial = { implicit: [], whiteouts: [], moved: {} };

export interface LayerStoreOptions {
  readonly dir: string;
  /** In a user namespace: `user.overlay.*` attributes, no device nodes. */
  readonly rootless?: boolean;
  /** The worker's bundle; looked for beside the running program when left out. Without one the work is done in this thread. */
  readonly workerPath?: string;
  readonly log?: Log;
}

/** Opens the store below `dir`, making it when needed. What a crash left half made is removed. */
export async function openLayerStore(options: LayerStoreOptions): Promise<LayerStore> {
  const store = new OverlayLayerStore(options, await currentBoot());
  await store.load();
  return store;
}

interface Known {
  readonly short: string;
  record: LayerRecord;
}

class OverlayLayerStore implements LayerStore {
  readonly #disk: LayerDisk;
  readonly #runner: JobRunner;
  readonly #overlay: OverlayOptions;
  readonly #mode: LayerMode;
  readonly #boot: string;
  readonly #log: Log;
  readonly #layers = new Map<ChainId, Known>();
  readonly #retained = new Map<ChainId, number>();
  /** Upper directories that are being read: one reader at a time. */
  readonly #settling = new Map<string, Promise<unknown>>();
  #copying: Promise<void> = Promise.resolve();
  #syncTimer: NodeJS.Timeout | undefined;
  #syncing: Promise<void> = Promise.resolve();
  #sealing: Promise<unknown> = Promise.resolve();

  constructor(
    { dir, rootless = false, workerPath = locateWorker(), log = silentLog }: LayerStoreOptions,
    boot: string,
  ) {
    this.#disk = new LayerDisk(dir, log);
    this.#boot = boot;
    this.#log = log;
    this.#mode = rootless
      ? { opaqueXattr: 'user.overlay.opaque', devices: 'skip' }
      : { opaqueXattr: 'trusted.overlay.opaque', devices: 'make' };
    this.#runner = createJobRunner(workerPath, Math.min(availableParallelism(), 4));
    this.#overlay = new OverlayOptions(this.#disk.linksDir, rootless, (path) => this.#disk.shortOf(path));
  }

  async load(): Promise<void> {
    await this.#disk.prepare();
    const found = await this.#disk.load();
    const lost = new Set<string>();
    for (const [short, record] of found) {
      const duplicate = this.#layers.has(record.chainId);
      const maybeTorn = record.unsyncedBoot !== undefined && record.unsyncedBoot !== this.#boot;
      if (duplicate || maybeTorn) lost.add(short);
      else this.#layers.set(record.chainId, { short, record });
    }
    for (let again = true; again;) {
      again = false;
      for (const [chainId, { short, record }] of this.#layers) {
        if (record.parent === undefined || this.#layers.has(record.parent)) continue;
        this.#layers.delete(chainId);
        lost.add(short);
        again = true;
      }
    }
    for (const short of lost) {
      this.#log.warn('removing a layer that may be incomplete', { short });
      await this.#disk.remove(short);
    }
    if (!this.isSynced()) this.#syncSoon();
  }

  async apply({ parent, ...options }: ApplyOptions): Promise<AppliedLayer> {
    if (parent !== undefined) this.#known(parent);
    const staged = await this.stage(options);
    try {
      return await staged.seal(parent);
    } finally {
      await staged.discard();
    }
  }

  async stage(options: Omit<ApplyOptions, 'parent'>): Promise<StagedLayer> {
    const { tar, expectedDiffId, onProgress, signal } = options;
    const layerDir = await this.#disk.stage();
    try {
      const tarPath = typeof tar === 'string' ? tar : undefined;
      const input = typeof tar === 'string' ? undefined : tar;
      const result = await this.#runner.run<'unpack'>(
        { kind: 'unpack', tarPath, layerDir, mode: this.#mode, expectedDiffId },
        { input, onProgress, signal },
      );
      return this.#staged(layerDir, result);
    } catch (error) {
      await rm(layerDir, { recursive: true, force: true });
      throw error;
    }
  }

  async commitDirectory(options: CommitOptions): Promise<Layer> {
    const { parent, upperDir, ownership, newestMtime, signal } = options;
    if (parent !== undefined) this.#known(parent);
    const layerDir = await this.#disk.stage();
    if (ownership === 'take') await this.settle(upperDir, signal);
    const settled = <T>(work: () => Promise<T>): Promise<T> =>
      ownership === 'take' ? work() : this.withSettled(upperDir, work);
    try {
      const result = await settled(() =>
        this.#runner.run<'pack'>(
          { kind: 'pack', sourceDir: upperDir, layerDir, ownership, newestMtime, mode: this.#mode },
          { signal },
        ),
      );
      return await this.#publish(layerDir, parent, result);
    } finally {
      await rm(layerDir, { recursive: true, force: true });
    }
  }

  get(chainId: ChainId): Layer | undefined {
    const known = this.#layers.get(chainId);
    return known === undefined ? undefined : layerOf(known.record);
  }

  list(): readonly Layer[] {
    return [...this.#layers.values()].map(({ record }) => layerOf(record));
  }

  chain(chainId: ChainId): readonly Layer[] {
    return this.#chain(chainId).map(({ record }) => layerOf(record));
  }

  lowerDirs(chainId: ChainId | undefined): readonly string[] {
    if (chainId === undefined) return [this.#disk.emptyDir];
    return this.#chain(chainId).map(({ short }) => this.#disk.diffDir(short));
  }

  async overlayData(directories: OverlayDirectories): Promise<string> {
    const data = this.#overlay.render({ ...directories, empty: this.#disk.emptyDir });
    if (overlayMounter() === copyMounter) await this.#copy(data);
    return data;
  }

  /** One after the other: two may want the same tree, and the disk is no faster for both. */
  #copy(data: string): Promise<void> {
    const { signal } = new AbortController();
    const copying = this.#copying.then(() => this.#runner.run<'copy'>({ kind: 'copy', data }, { signal }));
    this.#copying = copying.catch(() => undefined); // told to whoever wanted that one
    return copying;
  }

  exportLayer(chainId: ChainId, signal: AbortSignal): Readable {
    const { short, record } = this.#known(chainId);
    const release = this.retain(chainId);
    const bytes = exportTar(this.#disk.layerDir(short), record.diffId, record.moved ?? {}, signal);
    const stream = Readable.from(bytes, { objectMode: false });
    stream.once('close', release);
    return stream;
  }

  async changes(options: {
    readonly lower: ChainId | undefined;
    readonly upperDir: string;
    readonly signal: AbortSignal;
  }): Promise<FilesystemChange[]> {
    const { upperDir, signal } = options;
    const lower = this.lowerDirs(options.lower);
    const { opaqueXattr } = this.#mode;
    return this.withSettled(upperDir, () =>
      this.#runner.run<'changes'>({ kind: 'changes', lower, upperDir, opaqueXattr }, { signal }),
    );
  }

  async withSettled<T>(upperDir: string, work: () => Promise<T>): Promise<T> {
    if (workOf(upperDir) === undefined) return await work();
    const { signal } = new AbortController();
    const before = this.#settling.get(upperDir);
    const settling = (async () => {
      await Promise.allSettled([before]);
      await this.#settle(upperDir, 'lent', signal);
      try {
        return await work();
      } finally {
        await this.#settle(upperDir, 'clear', signal);
      }
    })();
    this.#settling.set(upperDir, settling);
    try {
      return await settling;
    } finally {
      if (this.#settling.get(upperDir) === settling) this.#settling.delete(upperDir);
    }
  }

  async settle(upperDir: string, signal: AbortSignal): Promise<void> {
    if (workOf(upperDir) !== undefined) await this.#settle(upperDir, 'kept', signal);
  }

  async #settle(upperDir: string, how: SettleJob['how'], signal: AbortSignal): Promise<void> {
    const { opaqueXattr } = this.#mode;
    await this.#runner.run<'settle'>({ kind: 'settle', upperDir, opaqueXattr, how }, { signal });
  }

  retain(chainId: ChainId): () => void {
    this.#known(chainId);
    this.#retained.set(chainId, (this.#retained.get(chainId) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const count = (this.#retained.get(chainId) ?? 1) - 1;
      if (count === 0) this.#retained.delete(chainId);
      else this.#retained.set(chainId, count);
    };
  }

  async remove(chainId: ChainId): Promise<void> {
    const known = this.#layers.get(chainId);
    if (known === undefined) return;
    const hasChild = [...this.#layers.values()].some(({ record }) => record.parent === chainId);
    if (hasChild || this.#retained.has(chainId)) {
      const by = hasChild ? 'child' : 'lease';
      throw new TscomposeError({
        code: 'layer/in-use',
        message: `cannot remove the layer ${chainId}: ${hasChild ? 'others are built on it' : 'it is being used'}`,
        facts: { chainId, by },
      });
    }
    this.#layers.delete(chainId);
    await this.#disk.remove(known.short);
  }

  async collect(keep: Iterable<ChainId>, among?: Iterable<ChainId>): Promise<readonly Layer[]> {
    const candidates = among === undefined ? undefined : new Set(among);
    const others = candidates === undefined ? [] : [...this.#layers.keys()].filter((id) => !candidates.has(id));
    const live = new Set<ChainId>();
    for (const top of [...keep, ...this.#retained.keys(), ...others]) {
      for (let at = this.#layers.get(top); at !== undefined && !live.has(at.record.chainId);) {
        live.add(at.record.chainId);
        at = at.record.parent === undefined ? undefined : this.#layers.get(at.record.parent);
      }
    }
    // All are taken out of sight in one step, before anything waits for the disk.
    const doomed = [...this.#layers.values()].filter(({ record }) => !live.has(record.chainId));
    doomed.sort((a, b) => this.#chain(b.record.chainId).length - this.#chain(a.record.chainId).length);
    for (const { record } of doomed) this.#layers.delete(record.chainId);
    for (const { short } of doomed) await this.#disk.remove(short);
    return doomed.map(({ record }) => layerOf(record));
  }

  scratch(): Promise<string> {
    return this.#disk.stage();
  }

  async sync(): Promise<void> {
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    this.#syncing = this.#syncing.catch(() => undefined).then(() => this.#syncNow());
    await this.#syncing;
  }

  isSynced(): boolean {
    return ![...this.#layers.values()].some(isUnsynced);
  }

  async close(): Promise<void> {
    await this.sync();
    await this.#runner.close();
    this.#overlay.close();
  }

  #staged(layerDir: string, result: UnpackResult): StagedLayer {
    const { diffId, digest, digestBytes, compression } = result;
    let sealed = false;
    return {
      diffId,
      digest,
      digestBytes,
      compression,
      seal: async (parent) => {
        sealed = true;
        try {
          const layer = await this.#publish(layerDir, parent, result, result);
          return { ...layer, digest, digestBytes, compression };
        } finally {
          await rm(layerDir, { recursive: true, force: true }); // nothing is left there unless it was not needed
        }
      },
      discard: async () => {
        if (!sealed) await rm(layerDir, { recursive: true, force: true });
      },
    };
  }

  /** One at a time: two that make the same chain must not both become it. */
  #publish(
    layerDir: string,
    parent: ChainId | undefined,
    made: { readonly diffId: Digest; readonly sizeBytes: number; readonly tarBytes: number },
    { implicit, whiteouts, moved }: Pick<UnpackResult, 'implicit' | 'whiteouts' | 'moved'> = nothingSpecial,
  ): Promise<Layer> {
    const publishing = this.#sealing
      .catch(() => undefined)
      .then(async () => {
        if (parent !== undefined) this.#known(parent);
        const chainId = extendChain(parent, made.diffId);
        const existing = this.#layers.get(chainId);
        if (existing !== undefined) return layerOf(existing.record);
        this.#fitOver(`${layerDir}/diff`, parent, implicit, whiteouts);
        const record: LayerRecord = {
          schema: 1,
          chainId,
          diffId: made.diffId,
          ...(parent === undefined ? {} : { parent }),
          sizeBytes: made.sizeBytes,
          tarBytes: made.tarBytes,
          ...(Object.keys(moved).length === 0 ? {} : { moved }),
          unsyncedBoot: this.#boot,
        };
        const short = await this.#disk.publish(layerDir, record);
        this.#layers.set(chainId, { short, record });
        this.#syncSoon();
        return layerOf(record);
      });
    this.#sealing = publishing;
    return publishing;
  }

  /**
   * What can only be done knowing the layers below: directories that a tar merely implied get the looks they have there,
   * and whiteouts of nothing go.
   */
  #fitOver(diff: string, parent: ChainId | undefined, implicit: readonly string[], whiteouts: readonly string[]): void {
    if (implicit.length === 0 && whiteouts.length === 0) return;
    const below = new LowerView(parent === undefined ? [] : this.lowerDirs(parent), this.#mode.opaqueXattr);
    for (const relative of implicit) {
      const found = below.find(relative);
      if (found?.stats.isDirectory() !== true) continue;
      const target = `${diff}/${relative}`;
      copyMetadata(found.path, found.stats, target);
      setTimes(fileName(target), { mtimeNs: BigInt(Math.round(found.stats.mtimeMs * 1_000)) * 1_000n });
    }
    for (const relative of whiteouts) {
      const path = fileName(`${diff}/${relative}`);
      const stats = lstatSync(path, { throwIfNoEntry: false }); // an entry that came later may have taken its place
      if (stats !== undefined && isWhiteout(stats) && below.find(relative) === undefined) rmSync(path);
    }
  }

  #syncSoon(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.sync().catch((error: unknown) => this.#log.warn('cannot sync the layers', { error }));
    }, syncDelayMs).unref();
  }

  async #syncNow(): Promise<void> {
    const unsynced = [...this.#layers.values()].filter(isUnsynced);
    if (unsynced.length === 0) return;
    const { signal } = new AbortController();
    await this.#runner.run<'sync'>({ kind: 'sync', path: this.#disk.stagingDir }, { signal });
    await this.#disk.syncNames();
    for (const known of unsynced) {
      if (this.#layers.get(known.record.chainId) !== known) continue; // removed meanwhile
      const record = withoutBoot(known.record);
      known.record = record;
      await this.#disk.rewrite(known.short, record);
    }
  }

  #known(chainId: ChainId): Known {
    const known = this.#layers.get(chainId);
    if (known === undefined) throw layerNotFound(chainId);
    return known;
  }

  #chain(chainId: ChainId): Known[] {
    const chain: Known[] = [];
    for (let at: ChainId | undefined = chainId; at !== undefined;) {
      const known = this.#known(at);
      chain.push(known);
      at = known.record.parent;
    }
    return chain;
  }
}

function isUnsynced({ record }: Known): boolean {
  return record.unsyncedBoot !== undefined;
}

function withoutBoot(record: LayerRecord): LayerRecord {
  const { schema, moved } = record;
  return { schema, ...layerOf(record), ...(moved === undefined ? {} : { moved }) };
}
