import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, expect } from 'vitest';
import type { ContainerCreateRequest } from '../../../src/api/container.js';
import { createLog, type Log } from '../../../src/base/log.js';
import type { Containers, OutputChunk } from '../../../src/engine/containers/index.js';
import { openRooms, type OpenRooms } from '../../../src/engine/main/rooms.js';
import { prepareCgroups } from '../../../src/engine/oci/index.js';
import { makeRootfs } from '../oci/support.js';

export { missing } from '../oci/support.js';

export const soon = (): AbortSignal => AbortSignal.timeout(30_000);

/** Opens an engine for the tests of the block; what it warned of fails them at the end. */
export function engineForTests(take: (engine: Engine) => void): void {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.open();
    take(engine);
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    expect(engine.logLines).toEqual([]);
  });
}

/** An engine without its socket: all rooms over folders of its own, with an image `busybox`. */
export class Engine implements AsyncDisposable {
  readonly folder: string;
  readonly logLines: string[] = [];
  readonly #log: Log;
  #rooms: OpenRooms | undefined;

  private constructor(folder: string) {
    this.folder = folder;
    this.#log = createLog((line) => this.logLines.push(line), 'warn');
  }

  static async open(): Promise<Engine> {
    prepareCgroups({ vouched: true });
    const engine = new Engine(mkdtempSync(join(tmpdir(), 'tsc-containers-')));
    await engine.reopen();
    const rootfs = makeRootfs(join(engine.folder, 'rootfs'));
    mkdirSync(join(rootfs, 'data/sub'), { recursive: true });
    execFileSync('sh', ['-c', 'echo seeded > data/file; chown -R 1000:1000 data; chmod 750 data'], { cwd: rootfs });
    const tar = execFileSync('tar', ['-c', '.'], { cwd: rootfs, maxBuffer: 1 << 28 });
    const changes = ['CMD ["sh"]', 'ENV FROM_IMAGE=yes', 'LABEL image=busybox'];
    await engine.rooms.images.importTar(Readable.from([tar]), {
      repo: 'busybox',
      tag: 'latest',
      changes,
      signal: soon(),
    });
    return engine;
  }

  get rooms(): OpenRooms['served'] {
    if (this.#rooms === undefined) throw new Error('the engine is closed');
    return this.#rooms.served;
  }

  get containers(): Containers {
    return this.rooms.containers;
  }

  get dirs(): { dataRoot: string; runtimeDir: string } {
    return { dataRoot: join(this.folder, 'data'), runtimeDir: join(this.folder, 'run') };
  }

  /** The engine ends; what runs goes on. */
  async close(): Promise<void> {
    await this.#rooms?.close();
    this.#rooms = undefined;
  }

  /** A new engine over the same folders. */
  async reopen(): Promise<void> {
    await this.close();
    for (const dir of Object.values(this.dirs)) mkdirSync(dir, { recursive: true, mode: 0o711 });
    this.#rooms = await openRooms({ settings: this.dirs, log: this.#log, signal: AbortSignal.timeout(60_000) });
  }

  async create(request: Partial<ContainerCreateRequest>, name?: string): Promise<string> {
    const options = name === undefined ? {} : { name };
    const { Id } = await this.containers.create({ Image: 'busybox', ...request }, options, soon());
    return Id;
  }

  async start(request: Partial<ContainerCreateRequest>, name?: string): Promise<string> {
    const id = await this.create(request, name);
    await this.containers.start(id, soon());
    return id;
  }

  /** Runs to the end. */
  async run(request: Partial<ContainerCreateRequest>): Promise<{ id: string; exitCode: number; output: string }> {
    const id = await this.create(request);
    const { ended } = this.containers.wait(id, 'next-exit', soon());
    await this.containers.start(id, soon());
    const { StatusCode } = await ended;
    return { id, exitCode: StatusCode, output: await this.output(id) };
  }

  sh(
    script: string,
    request: Partial<ContainerCreateRequest> = {},
  ): Promise<{ id: string; exitCode: number; output: string }> {
    return this.run({ Cmd: ['sh', '-c', script], ...request });
  }

  async output(id: string): Promise<string> {
    const how = { follow: false, stdout: true, stderr: true, tail: 'all' as const, timestamps: false, details: false };
    return text(this.containers.logs(id, how, soon()).output);
  }

  async exec(id: string, cmd: string[]): Promise<{ exitCode: number | null; output: string }> {
    const { Id } = await this.containers.execCreate(id, { Cmd: cmd, AttachStdout: true, AttachStderr: true });
    const session = await this.containers.execStart(Id, {}, soon());
    const output = session === undefined ? '' : await text(session.output);
    return { output, exitCode: this.containers.execInspect(Id).ExitCode };
  }

  async removeAll(): Promise<void> {
    for (const { Id } of await this.containers.list({ all: true, size: false, filters: {} })) {
      await this.containers.remove(Id, { force: true, volumes: true }, soon());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#rooms === undefined) await this.reopen();
    await this.removeAll();
    await this.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function text(output: AsyncIterable<OutputChunk>): Promise<string> {
  let all = '';
  for await (const { payload } of output) all += payload.toString();
  return all;
}
