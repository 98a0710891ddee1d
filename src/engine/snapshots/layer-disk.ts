import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readIfPresent, replaceFile, syncDirectory } from '../../base/durable-file.js';
import { errnoOf } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import { sweepEach } from '../../base/sweep.js';
import { type LayerRecord, parseLayerRecord } from './layer-record.js';

const shortIdLength = 5;
const recordFile = 'layer.json';

/**
 * `layers/<short>/{diff,tar-index,layer.json}`, `links/<short>` → its diff, `staging/` for what is not whole yet or not
 * whole any more, `empty`. A layer appears and disappears by one rename.
 */
export class LayerDisk {
  readonly emptyDir: string;
  readonly linksDir: string;
  readonly stagingDir: string;
  readonly #layersDir: string;
  readonly #log: Log;

  constructor(dir: string, log: Log) {
    this.#log = log;
    this.#layersDir = join(dir, 'layers');
    this.linksDir = join(dir, 'links');
    this.stagingDir = join(dir, 'staging');
    this.emptyDir = join(dir, 'empty');
  }

  layerDir(short: string): string {
    return join(this.#layersDir, short);
  }

  diffDir(short: string): string {
    return join(this.#layersDir, short, 'diff');
  }

  /** The short id of a layer whose `diffDir` is `path`. */
  shortOf(path: string): string | undefined {
    const short = basename(dirname(path));
    return path === this.diffDir(short) ? short : undefined;
  }

  async prepare(): Promise<void> {
    for (const dir of [this.#layersDir, this.linksDir, this.stagingDir]) {
      await mkdir(dir, { recursive: true, mode: 0o711 }); // no more than passing through: setuid files lie below
    }
    await mkdir(this.emptyDir, { recursive: true, mode: 0o755 });
    await this.#sweep(await readdir(this.stagingDir));
  }

  /** Every directory with a valid record; the others are removed. @throws `data/newer` */
  async load(): Promise<Map<string, LayerRecord>> {
    const records = new Map<string, LayerRecord>();
    for (const short of (await readdir(this.#layersDir)).sort()) {
      const path = join(this.#layersDir, short, recordFile);
      const text = await readIfPresent(path);
      const record = text === undefined ? undefined : parseLayerRecord(text, path);
      if (record === undefined) await this.remove(short);
      else records.set(short, record);
    }
    for (const short of await readdir(this.linksDir)) {
      if (!records.has(short)) await rm(join(this.linksDir, short), { force: true, recursive: true });
    }
    for (const short of records.keys()) await this.#link(short);
    return records;
  }

  async stage(): Promise<string> {
    const dir = join(this.stagingDir, randomUUID());
    await mkdir(dir, { mode: 0o700 });
    return dir;
  }

  /** Moves a staged layer into place under a new short id. */
  async publish(staged: string, record: LayerRecord): Promise<string> {
    await replaceFile(join(staged, recordFile), JSON.stringify(record), { strength: 'atomic' });
    for (;;) {
      const short = randomBytes(8).readBigUInt64BE().toString(36).slice(0, shortIdLength);
      try {
        // A directory with a file in it is never replaced by rename(2), so that a taken id fails.
        await rename(staged, this.layerDir(short));
      } catch (error) {
        if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') continue;
        throw error;
      }
      await this.#link(short);
      return short;
    }
  }

  async rewrite(short: string, record: LayerRecord): Promise<void> {
    await replaceFile(join(this.layerDir(short), recordFile), JSON.stringify(record), { strength: 'atomic' });
  }

  async remove(short: string): Promise<void> {
    const doomed = randomUUID();
    await rm(join(this.linksDir, short), { force: true });
    try {
      await rename(this.layerDir(short), join(this.stagingDir, doomed));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    await this.#sweep([doomed]);
  }

  #sweep(staged: readonly string[]): Promise<void> {
    return sweepEach('files of a layer', staged, this.#log, (name) =>
      rm(join(this.stagingDir, name), { recursive: true, force: true }),
    );
  }

  async syncNames(): Promise<void> {
    await syncDirectory(this.#layersDir);
  }

  async #link(short: string): Promise<void> {
    const path = join(this.linksDir, short);
    const target = `../layers/${short}/diff`;
    try {
      await symlink(target, path);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
      if ((await readlink(path)) === target) return;
      await rm(path, { force: true });
      await symlink(target, path);
    }
  }
}

/** Differs after every start of the machine (random(4)). */
export async function currentBoot(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
}
