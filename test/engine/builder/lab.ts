import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { CleanupStack } from '../../../src/base/cleanup-stack.js';
import { silentLog } from '../../../src/base/log.js';
import {
  type Builder,
  type BuildMessage,
  type BuildRequest,
  createBuilder,
} from '../../../src/engine/builder/index.js';
import { openContentStore } from '../../../src/engine/content/index.js';
import { type Image, type ImageStore, openImageStore } from '../../../src/engine/images/index.js';
import { openOci, prepareCgroups } from '../../../src/engine/oci/index.js';
import { type LayerStore, openLayerStore } from '../../../src/engine/snapshots/index.js';
import { mount, unmount } from '../../../src/engine/sys/index.js';
import { engineMissing } from '../../support/engine-sandbox.js';

/** Why these tests cannot run here, or undefined. */
export const missing = engineMissing();

/** A file's content, or what makes it something else. */
export type FileSpec =
  | string
  | {
      readonly content?: string;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
      readonly mtime?: number;
    }
  | { readonly link: string };

export interface Outcome {
  readonly image: Image;
  /** The classic builder's text. */
  readonly text: string;
  readonly messages: readonly BuildMessage[];
}

const requestDefaults = {
  tags: [],
  args: {},
  labels: {},
  noCache: false,
  pull: false,
  networkMode: 'none',
} as const;

/** A builder with stores and a runtime of its own, and an image `busybox` to build on. */
export class BuildLab implements AsyncDisposable {
  readonly folder: string;
  readonly images: ImageStore;
  readonly layers: LayerStore;
  readonly undo: CleanupStack;
  builder: Builder;
  readonly #makeBuilder: () => Promise<Builder>;

  private constructor(parts: {
    folder: string;
    images: ImageStore;
    layers: LayerStore;
    undo: CleanupStack;
    builder: Builder;
    makeBuilder: () => Promise<Builder>;
  }) {
    this.folder = parts.folder;
    this.images = parts.images;
    this.layers = parts.layers;
    this.undo = parts.undo;
    this.builder = parts.builder;
    this.#makeBuilder = parts.makeBuilder;
  }

  static async open(): Promise<BuildLab> {
    prepareCgroups({ vouched: true });
    const undo = new CleanupStack();
    const folder = mkdtempSync(join(tmpdir(), 'tsc-build-'));
    undo.defer(() => rmSync(folder, { recursive: true, force: true }));
    const layers = await openLayerStore({ dir: join(folder, 'layers') });
    undo.defer(() => layers.close());
    const content = await openContentStore(join(folder, 'content'));
    const images = await openImageStore({
      content,
      layers,
      dir: join(folder, 'images'),
      events: { publish: () => undefined },
    });
    const oci = await openOci({
      runtimeDir: join(folder, 'run'),
      engineId: randomBytes(4).toString('hex'),
      layers,
      log: silentLog,
      signal: AbortSignal.timeout(60_000),
    });
    undo.defer(() => oci.close());
    const makeBuilder = (): Promise<Builder> =>
      createBuilder({
        images,
        layers,
        runStep: (request) => oci.runStep(request),
        usedBy: () => [],
        dir: join(folder, 'build-cache'),
        log: silentLog,
      });
    const lab = new BuildLab({ folder, images, layers, undo, makeBuilder, builder: await makeBuilder() });
    await lab.#importBusybox();
    return lab;
  }

  async #importBusybox(): Promise<void> {
    const upperDir = await this.layers.scratch();
    writeTree(upperDir, busyboxFiles());
    chmodSync(upperDir, 0o755);
    const layer = await this.layers.commitDirectory({
      upperDir,
      ownership: 'take',
      signal: AbortSignal.timeout(30_000),
    });
    await this.images.create({
      config: {
        architecture: 'amd64',
        os: 'linux',
        created: '2020-01-01T00:00:00Z',
        config: {},
        history: [{ comment: 'base' }],
      },
      chainId: layer.chainId,
      tags: ['busybox:latest'],
    });
  }

  /** A builder that knows only what is on disk, as after a restart. */
  async reopen(): Promise<void> {
    this.builder = await this.#makeBuilder();
  }

  /** Writes a context; `undefined` removes a file that was there. */
  context(name: string, files: Record<string, FileSpec | undefined>): string {
    const path = join(this.folder, 'contexts', name);
    mkdirSync(path, { recursive: true });
    for (const [file, spec] of Object.entries(files))
      if (spec === undefined) rmSync(join(path, file), { recursive: true });
    writeTree(
      path,
      Object.fromEntries(Object.entries(files).flatMap(([file, spec]) => (spec === undefined ? [] : [[file, spec]]))),
    );
    return path;
  }

  async build(
    context: string,
    change: Partial<BuildRequest> & { signal?: AbortSignal; onProgress?: () => void } = {},
  ): Promise<Outcome> {
    const { signal = AbortSignal.timeout(60_000), onProgress, ...request } = change;
    const messages: BuildMessage[] = [];
    const { imageId } = await this.builder.build(
      {
        ...requestDefaults,
        context: { kind: 'directory', path: context },
        dockerfile: { kind: 'in-context', path: 'Dockerfile' },
        ...request,
      },
      {
        onProgress: (message) => {
          messages.push(message);
          onProgress?.();
        },
        signal,
      },
    );
    return { image: this.images.resolve(imageId), messages, text: textOf(messages) };
  }

  /** Builds a Dockerfile in a context of its own. */
  async dockerfile(lines: readonly string[], change: Partial<BuildRequest> = {}): Promise<Outcome> {
    return this.build(
      this.context(`c${randomBytes(6).toString('hex')}`, { Dockerfile: `${lines.join('\n')}\n` }),
      change,
    );
  }

  /** What an image holds below `path`: type, mode, owner, name and content, one line each. */
  async tree(image: Image, path = '/'): Promise<string[]> {
    const lower = this.layers.lowerDirs(image.chainId);
    const root = await this.layers.scratch();
    mount({
      source: 'overlay',
      target: root,
      fstype: 'overlay',
      flags: ['ro'],
      data: await this.layers.overlayData({ lower }),
    });
    try {
      return listTree(join(root, path));
    } finally {
      unmount(root, { detach: true });
      rmSync(root, { recursive: true });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.undo[Symbol.asyncDispose]();
  }
}

export function textOf(messages: readonly BuildMessage[]): string {
  return messages.map(({ stream = '' }) => stream).join('');
}

export function busyboxFiles(): Record<string, FileSpec> {
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n');
  return {
    ...Object.fromEntries(
      applets.filter((name) => name !== 'busybox').map((name) => [`bin/${name}`, { link: 'busybox' }]),
    ),
    'bin/busybox': { content: readFileSync('/bin/busybox', 'latin1'), mode: 0o755 },
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nbin:x:2:2:bin:/bin:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n',
    'etc/group': 'root:x:0:\nbin:x:2:\nstaff:x:50:alice\nalice:x:1000:\n',
    'tmp/': { mode: 0o1777 },
    'root/': { mode: 0o700 },
  };
}

export function writeTree(root: string, files: Record<string, FileSpec>): void {
  for (const [name, spec] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    if (typeof spec === 'object' && 'link' in spec) {
      rmSync(path, { force: true });
      symlinkSync(spec.link, path);
      continue;
    }
    const {
      content = '',
      mode,
      uid,
      gid,
      mtime,
    } = typeof spec === 'string'
      ? { content: spec }
      : { mode: undefined, uid: undefined, gid: undefined, mtime: undefined, ...spec };
    if (name.endsWith('/')) mkdirSync(path, { recursive: true });
    else writeFileSync(path, content, 'latin1');
    if (uid !== undefined || gid !== undefined) chownSync(path, uid ?? 0, gid ?? 0);
    if (mode !== undefined) chmodSync(path, mode);
    if (mtime !== undefined) utimesSync(path, mtime, mtime);
  }
}

export function listTree(root: string, path = ''): string[] {
  const whole = join(root, path);
  const stats = lstatSync(whole);
  const facts = `${(stats.mode & 0o7777).toString(8)} ${stats.uid}:${stats.gid} ${path === '' ? '.' : path}`;
  if (stats.isSymbolicLink()) return [`l ${stats.uid}:${stats.gid} ${path} -> ${readlinkSync(whole)}`];
  if (stats.isFile()) return [`f ${facts} ${shown(readFileSync(whole))}`];
  if (!stats.isDirectory()) return [`? ${facts}`];
  return [
    `d ${facts}`,
    ...readdirSync(whole)
      .sort()
      .flatMap((name) => listTree(root, join(path, name))),
  ];
}

function shown(content: Buffer): string {
  return content.length <= 60
    ? JSON.stringify(content.toString())
    : createHash('sha256').update(content).digest('hex').slice(0, 12);
}
