import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../src/base/log.js';
import {
  availableCapabilities,
  type BundleRequest,
  composeSpec,
  type MonitoredContainer,
  type Oci,
  openCgroup,
  openOci,
  prepareCgroups,
  readExitCode,
} from '../../../src/engine/oci/index.js';
import type { LayerStore } from '../../../src/engine/snapshots/index.js';
import { engineMissing, eventually } from '../../support/engine-sandbox.js';

/** Why these tests cannot run here, or undefined. */
export const missing = engineMissing();

function overlayData(dirs: { lower: readonly string[]; upper?: string; work?: string }): string {
  const writable = dirs.upper === undefined ? '' : `,upperdir=${dirs.upper},workdir=${dirs.work ?? ''}`;
  return `lowerdir=${dirs.lower.join(':')}${writable}`;
}

/** Overlays by the kernel. */
export const layers: Pick<LayerStore, 'overlayData' | 'settle'> = {
  overlayData: (dirs) => Promise.resolve(overlayData(dirs)),
  settle: () => Promise.resolve(),
};

/** A root file system of busybox in `folder`. */
export function makeRootfs(folder: string): string {
  for (const name of ['bin', 'etc', 'tmp', 'root', 'home/app']) mkdirSync(join(folder, name), { recursive: true });
  copyFileSync('/bin/busybox', join(folder, 'bin/busybox'));
  const applets =
    'sh ls cat echo sleep ps id env mount touch stat head true false kill stty seq dd hostname ulimit mkdir';
  for (const name of applets.split(' ')) symlinkSync('busybox', join(folder, 'bin', name));
  writeFileSync(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n');
  writeFileSync(join(folder, 'etc/group'), 'root:x:0:\nwheel:x:10:root,app\napp:x:1000:\n');
  writeFileSync(join(folder, 'not-a-program'), 'x', { mode: 0o644 });
  return folder;
}

/** An oci room with folders and a control group of its own. */
export class Lab implements AsyncDisposable {
  readonly folder: string;
  readonly oci: Oci;
  readonly rootfs: string;
  readonly exits: string;
  readonly #ids: string[] = [];

  constructor(folder: string, oci: Oci) {
    this.folder = folder;
    this.oci = oci;
    this.rootfs = makeRootfs(join(folder, 'rootfs'));
    this.exits = join(folder, 'exits');
  }

  static async open(): Promise<Lab> {
    prepareCgroups({ vouched: true });
    const folder = mkdtempSync(join(tmpdir(), 'tsc-oci-'));
    const engineId = randomBytes(4).toString('hex');
    const signal = AbortSignal.timeout(60_000);
    const options = { runtimeDir: join(folder, 'run'), engineId, layers, log: silentLog, signal };
    return new Lab(folder, await openOci(options));
  }

  spec(change: Partial<BundleRequest> & { id: string }): ReturnType<typeof composeSpec> {
    return composeSpec({
      rootfs: this.rootfs,
      args: ['sh', '-c', ':'],
      env: ['PATH=/bin'],
      cwd: '/',
      tty: false,
      user: { uid: 0, gid: 0, additionalGids: [], home: '/root' },
      hostname: 'lab',
      domainname: '',
      namespaces: { network: 'private', ipc: 'private', pid: 'private', uts: 'private', cgroup: 'private' },
      mounts: [],
      hostConfig: {},
      cgroupsPath: `${this.oci.cgroupParent}/${change.id}`,
      availableCapabilities: availableCapabilities(),
      ...change,
    });
  }

  newId(): string {
    const id = randomBytes(32).toString('hex');
    this.#ids.push(id);
    return id;
  }

  monitored(id: string, change: Partial<MonitoredContainer> = {}): MonitoredContainer {
    const bundle = join(this.folder, 'b', id);
    mkdirSync(bundle, { recursive: true });
    return {
      id,
      name: id,
      bundle,
      exits: this.exits,
      logPath: join(bundle, 'log'),
      tty: false,
      stdin: false,
      stdinOnce: false,
      program: 'sh',
      ...change,
    };
  }

  async exitCode(id: string): Promise<number> {
    let code: number | undefined;
    await eventually(`the end of ${id}`, async () => (code = await readExitCode(join(this.exits, id))) !== undefined);
    return code ?? -1;
  }

  /** Runs a command to its end. @returns its exit code and its log, each line `stream text` */
  async run(change: Partial<BundleRequest>): Promise<{ exitCode: number; output: string[] }> {
    const id = this.newId();
    const container = this.monitored(id);
    await this.oci.create(container, this.spec({ id, ...change }), AbortSignal.timeout(30_000));
    await this.oci.start(id);
    const exitCode = await this.exitCode(id);
    await this.oci.discard(id, { monitor: false });
    const lines = readFileSync(container.logPath ?? '', 'utf8')
      .trim()
      .split('\n');
    return { exitCode, output: lines.filter((line) => line !== '').map((line) => line.split(' ').slice(1).join(' ')) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of this.#ids) await this.oci.discard(id, { monitor: true });
    openCgroup(this.oci.cgroupParent).remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
