import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Case, Seen } from './case.js';
import { busyboxFiles, listTree, writeTree } from './lab.js';

const run = promisify(execFile);

/** A real engine is compared with when DOCKER_HOST points to one and this asks for it. */
export const peerMissing =
  process.env['TSCOMPOSE_PEER'] === '1' && process.env['DOCKER_HOST'] !== undefined
    ? undefined
    : 'TSCOMPOSE_PEER=1 and DOCKER_HOST';

/** The two builders of a dockerd. */
export type PeerBuilder = 'classic' | 'buildkit';

/** Why dockerd's BuildKit cannot be compared with: the docker CLI reaches it through its plugin buildx alone. */
export const buildKitMissing =
  peerMissing ??
  (spawnSync('docker', ['buildx', 'version']).status === 0 ? undefined : 'the docker-buildx plugin in DOCKER_CONFIG');

/** Builds with the docker CLI on the engine of DOCKER_HOST. */
export class Peer implements AsyncDisposable {
  readonly #folder: string;
  readonly #images = new Set<string>();
  readonly #base: string;

  private constructor(folder: string, base: string) {
    this.#folder = folder;
    this.#base = base;
  }

  static async open(): Promise<Peer> {
    const folder = mkdtempSync(join(tmpdir(), 'tsc-peer-'));
    const rootfs = join(folder, 'rootfs');
    mkdirSync(rootfs);
    writeTree(rootfs, busyboxFiles());
    chmodSync(rootfs, 0o755);
    const archive = join(folder, 'base.tar');
    await run('tar', ['-C', rootfs, '--owner=0', '--group=0', '-cf', archive, '.']);
    const base = `tscompose-peer-base:${process.pid}`;
    await run('docker', ['import', archive, base]);
    return new Peer(folder, base);
  }

  async see(one: Case, builder: PeerBuilder): Promise<Seen> {
    const context = mkdtempSync(join(this.#folder, 'context-'));
    // The image has another name here, so that nobody's own is touched.
    const text = one.dockerfile
      .join('\n')
      .replace(/^(\s*FROM (?:--\S+ )?)busybox/gim, `$1${this.#base}`)
      .replace('--from=busybox', `--from=${this.#base}`)
      .replace('I=busybox', `I=${this.#base.split(':')[0] ?? ''}`)
      .replace('T=latest', `T=${process.pid}`);
    writeTree(context, { ...one.files, Dockerfile: `${text}\n` });
    const tag = `tscompose-peer-${process.pid}:${this.#images.size}`;
    const args = Object.entries(one.args ?? {}).flatMap(([name, value]) => [
      '--build-arg',
      value === null ? name : `${name}=${name === 'I' ? this.#base : value}`,
    ]);
    const labels = Object.entries(one.labels ?? {}).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
    const target = one.target === undefined ? [] : ['--target', one.target];
    const secrets = Object.entries(one.secrets ?? {}).flatMap(([id, value]) => {
      const src = join(this.#folder, `secret-${id}`);
      writeFileSync(src, value);
      return ['--secret', `id=${id},src=${src}`];
    });
    const contexts = Object.entries(one.contexts ?? {}).flatMap(([name, folder]) => [
      '--build-context',
      `${name}=${folder.startsWith('docker-image://') ? `docker-image://${this.#base}` : join(context, folder)}`,
    ]);
    const given = [...args, ...labels, ...target, ...secrets, ...contexts];
    const env = { ...process.env, DOCKER_BUILDKIT: builder === 'classic' ? '0' : '1' };
    try {
      await run('docker', ['build', '-q', '--network=none', '-t', tag, ...given, context], { env });
    } catch (error) {
      const { stderr } = error as { stderr: string };
      return { fails: (stderr.trimEnd().split('\n').at(-1) ?? '').replace('Error response from daemon: ', '') };
    }
    this.#images.add(tag);
    const { stdout: inspected } = await run('docker', ['image', 'inspect', tag]);
    const { stdout: past } = await run('docker', ['history', '--no-trunc', '--format', '{{.CreatedBy}}', tag]);
    const [image] = JSON.parse(inspected) as [{ Config: Record<string, unknown>; RootFS: { Layers: string[] } }];
    return {
      tree: await this.#tree(tag, one.look ?? '/o'),
      config: plainConfig(image.Config),
      history: past.replace(/\n$/, '').split('\n').reverse().slice(1),
    };
  }

  async #tree(tag: string, look: string): Promise<string[]> {
    const unpacked = mkdtempSync(join(this.#folder, 'tree-'));
    const archive = `${unpacked}.tar`;
    const { stdout } = await run('docker', ['create', tag, 'x']);
    try {
      await run('docker', ['export', '-o', archive, stdout.trim()]);
      await run('tar', ['-C', unpacked, '--numeric-owner', '-xpf', archive]);
      return listTree(join(unpacked, look));
    } catch {
      return [];
    } finally {
      await run('docker', ['rm', '-f', stdout.trim()]);
      rmSync(unpacked, { recursive: true });
      rmSync(archive, { force: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#images.size > 0) await run('docker', ['rmi', '-f', ...this.#images]);
    await run('docker', ['rmi', '-f', this.#base]);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** The members that say something; BuildKit's `ArgsEscaped` means something on Windows alone. */
function plainConfig(config: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).filter(
      ([name, value]) =>
        name !== 'Image' && name !== 'ArgsEscaped' && value !== null && value !== '' && value !== false,
    ),
  );
}
