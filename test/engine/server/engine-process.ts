import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { EngineReadiness } from '../../../src/api/tscompose.js';
import { connectEngine, type EngineClient } from '../../../src/client/index.js';

const engine = fileURLToPath(new URL('../../../dist/engine.cjs', import.meta.url));

/** The built engine with folders of its own, started as the CLI starts it. */
export class EngineProcess implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tsc-engine-'));
  readonly dataRoot: string;
  readonly runtimeDir: string;
  readonly socket: string;
  readonly host: string;
  readonly #env: Readonly<Record<string, string>>;
  #client: EngineClient | undefined;
  #child: ChildProcess | undefined;

  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#env = env;
    this.dataRoot = env['TSCOMPOSE_DATA_ROOT'] ?? join(this.folder, 'data');
    this.runtimeDir = env['TSCOMPOSE_RUNTIME_DIR'] ?? join(this.folder, 'run');
    this.socket = join(this.runtimeDir, 'engine.sock');
    this.host = `unix://${this.socket}`;
  }

  /** Starts it and resolves to the line it tells its readiness with. */
  async start(
    env: Readonly<Record<string, string>> = {},
    how: 'unshared' | 'plain' = 'unshared',
  ): Promise<EngineReadiness> {
    mkdirSync(this.folder, { recursive: true });
    const log = openSync(join(this.folder, 'log'), 'a');
    const hostMounts = openSync('/proc/self/ns/mnt', 'r');
    const unshare = how === 'plain' ? [] : ['unshare', '--mount', '--propagation', 'slave', '--'];
    const child = spawn('env', [...unshare, process.execPath, '--', engine, 'run'], {
      stdio: ['ignore', log, log, 'pipe', hostMounts],
      env: {
        ...process.env,
        TSCOMPOSE_DATA_ROOT: this.dataRoot,
        TSCOMPOSE_RUNTIME_DIR: this.runtimeDir,
        TSCOMPOSE_READY_FD: '3',
        TSCOMPOSE_HOST_MOUNTS_FD: '4',
        ...this.#env,
        ...env,
      },
    });
    for (const fd of [log, hostMounts]) closeSync(fd);
    const pipe = child.stdio[3];
    if (!(pipe instanceof Readable)) throw new Error('bug: no pipe');
    let line = '';
    for await (const piece of pipe) line += String(piece);
    if (line === '') throw new Error(`the engine said nothing\n${this.log()}`);
    const readiness = JSON.parse(line) as EngineReadiness;
    if ('ready' in readiness) this.#child = child;
    return readiness;
  }

  /** For another engine on the same folders. */
  folders(): Record<string, string> {
    return { TSCOMPOSE_DATA_ROOT: this.dataRoot, TSCOMPOSE_RUNTIME_DIR: this.runtimeDir };
  }

  get client(): EngineClient {
    return (this.#client ??= connectEngine({ host: this.host }));
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** What its links, rules and control groups carry in their names: eight digits of a hash of its data root. */
  engineId(): string {
    return createHash('sha256').update(realpathSync(this.dataRoot)).digest('hex').slice(0, 8);
  }

  log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  /** Resolves to how the process ended. */
  async ended(): Promise<{ exitCode: number | null; signal: string | null }> {
    const child = this.#child;
    if (child === undefined) throw new Error('bug: not started');
    if (child.exitCode === null && child.signalCode === null)
      await new Promise((resolve) => child.once('exit', resolve));
    return { exitCode: child.exitCode, signal: child.signalCode };
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child?.kill(signal);
    await this.ended();
    this.#client?.close();
    this.#client = undefined;
  }

  /** Gives it the image `busybox`. */
  async withBusybox(): Promise<this> {
    using root = new BusyboxRoot();
    const query = { repo: 'busybox', tag: 'latest', changes: ['CMD ["sh"]'] };
    const messages = this.client.images.importTar(root.tar(), query, AbortSignal.timeout(30_000));
    for await (const message of messages) expect(message.status).toMatch(/^sha256:/);
    return this;
  }

  /** Ends the process, if it is this one that serves, and forgets it. */
  async stopAlone(): Promise<void> {
    if (this.#child !== undefined) await this.kill('SIGTERM');
    this.#child = undefined;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Ends it with all its containers, and removes its folders. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child !== undefined) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) await this.start();
      const signal = AbortSignal.timeout(60_000);
      for (const { Id } of await this.client.containers.list({ all: true }, signal)) {
        await this.client.containers.remove(Id, { force: true, volumes: true }, signal);
      }
      await this.kill('SIGTERM');
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A root file system made of the host's static busybox. */
export class BusyboxRoot implements Disposable {
  readonly #root = mkdtempSync(join(tmpdir(), 'busybox-root-'));

  constructor() {
    for (const dir of ['bin', 'etc', 'tmp', 'root', 'proc', 'sys', 'dev']) mkdirSync(join(this.#root, dir));
    cpSync('/bin/busybox', join(this.#root, 'bin/busybox'));
    const names = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
    for (const name of names) if (name !== 'busybox') symlinkSync('busybox', join(this.#root, 'bin', name));
  }

  tar(): Readable {
    return spawn('tar', ['-C', this.#root, '-c', '.'], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout;
  }

  [Symbol.dispose](): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}
