import { chmodSync, chownSync, lstatSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { TscomposeError } from '../../../base/errors.js';
import type { CleanupStack } from '../../../base/cleanup-stack.js';
import type { OciMount } from '../../oci/index.js';
import type { ChainId } from '../../snapshots/index.js';
import { mount, unmount } from '../../sys/index.js';
import { ignoreNothing } from '../../../base/ignore-rules.js';
import { resolveInRoot, type ScopedPath } from '../context/scoped-path.js';
import { select, type SourceTree } from '../context/selection.js';
import type { MountPoint } from '../rootfs/mount-points.js';
import { root0 } from '../rootfs/owner.js';
import { transfer } from '../rootfs/transfer.js';
import { plainFileDigests } from '../context/file-digests.js';
import type { CacheSeed } from './cache-mounts.js';
import type { StepDependencies } from './dependencies.js';
import type { RunMount, RunMountOf } from './mount-flag.js';
import { relayAgent } from './ssh-agent.js';

export interface PreparedMount {
  readonly mount: OciMount;
  readonly point: MountPoint;
}

/** What a mount's files are taken from. */
export type MountSource = SourceTree | { readonly id: ChainId | undefined };

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'build/secret-missing': { readonly id: string };
    'build/ssh-missing': { readonly id: string };
  }
}

/**
 * Makes the sources of RUN's mounts; `undo` takes them away again.
 * @throws `build/source-missing`, `build/secret-missing`, `build/ssh-missing`
 */
export async function prepareMounts(
  dependencies: StepDependencies,
  mounts: readonly { readonly mount: RunMount; readonly source: MountSource }[],
  undo: CleanupStack,
  signal: AbortSignal,
): Promise<PreparedMount[]> {
  const prepared: PreparedMount[] = [];
  for (const { mount: wanted, source } of mounts) {
    switch (wanted.type) {
      case 'tmpfs': {
        const size = wanted.sizeBytes === undefined ? [] : [`size=${wanted.sizeBytes}`];
        prepared.push({
          mount: { destination: wanted.target, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', ...size] },
          point: { path: wanted.target, type: 'directory' },
        });
        break;
      }
      case 'cache': {
        const seed = wanted.from === undefined ? undefined : cacheSeed(dependencies, wanted, source, undo, signal);
        const { path, release } = await dependencies.cacheMounts.take(wanted, signal, seed);
        undo.defer(release);
        prepared.push(bind(path, wanted.target, wanted.readOnly));
        break;
      }
      case 'secret': {
        const value = await dependencies.secrets(wanted.id, signal);
        if (value === undefined) {
          if (!wanted.required) break;
          throw new TscomposeError({
            code: 'build/secret-missing',
            message: `secret ${wanted.id} is required by RUN --mount and was not given`,
            facts: { id: wanted.id },
          });
        }
        if (wanted.target === '') break;
        prepared.push(bind(await writeSecret(dependencies, wanted, value, undo), wanted.target, true));
        break;
      }
      case 'ssh': {
        const agent = await dependencies.ssh(wanted.id, signal);
        if (agent === undefined) {
          if (!wanted.required) break;
          throw new TscomposeError({
            code: 'build/ssh-missing',
            message: `the ssh agent ${wanted.id} is required by RUN --mount and was not given`,
            facts: { id: wanted.id },
          });
        }
        const directory = await dependencies.layers.scratch();
        undo.defer(() => rm(directory, { recursive: true, force: true }));
        prepared.push(bind(await relayAgent(agent, `${directory}/agent`, wanted, undo), wanted.target, true));
        break;
      }
      case 'bind': {
        const path = await bindSource(dependencies, wanted, source, undo, signal);
        prepared.push(bind(path, wanted.target, wanted.readOnly));
        break;
      }
    }
  }
  return prepared;
}

function bind(source: string, destination: string, readOnly: boolean): PreparedMount {
  return {
    mount: { destination, type: 'bind', source, options: ['rbind', 'rprivate', readOnly ? 'ro' : 'rw'] },
    point: { path: destination, type: lstatSync(source).isDirectory() ? 'directory' : 'file' },
  };
}

/** In memory only: a tmpfs of its own. */
async function writeSecret(
  { layers }: StepDependencies,
  wanted: RunMountOf<'secret'>,
  value: Uint8Array,
  undo: CleanupStack,
): Promise<string> {
  const directory = await layers.scratch();
  undo.defer(() => rm(directory, { recursive: true, force: true }));
  mount({
    source: 'tmpfs',
    target: directory,
    fstype: 'tmpfs',
    flags: ['nosuid', 'nodev', 'noexec'],
    data: 'mode=0700',
  });
  undo.defer(() => unmount(directory, { detach: true }));
  const path = `${directory}/secret`;
  writeFileSync(path, value, { mode: 0o400 });
  chownSync(path, wanted.uid, wanted.gid);
  chmodSync(path, wanted.mode);
  return path;
}

/** The files a new cache starts with. A cache that starts with others is another one, though it has the same id. */
function cacheSeed(
  dependencies: StepDependencies,
  wanted: RunMountOf<'cache'>,
  source: MountSource,
  undo: CleanupStack,
  signal: AbortSignal,
): CacheSeed {
  return {
    key: JSON.stringify([wanted.source, 'root' in source ? source.root : (source.id ?? null)]),
    fill: async (directory) => {
      const mounted = await bindSource(dependencies, { ...wanted, readOnly: true }, source, undo, signal);
      const tree = { root: mounted, kind: 'snapshot', ignore: ignoreNothing, digests: plainFileDigests } as const;
      const items = await select({ tree, patterns: ['.'], exclude: [], parents: false, signal });
      const destination = { path: '/', isDirectory: true };
      await transfer({ tree, items, root: directory, destination, owner: 'keep', createdOwner: root0, signal });
    },
  };
}

/** A path of a root file system as one of this machine. */
function wholeIn(root: string, path: string): ScopedPath {
  const found = resolveInRoot(root, path, 'follow-last');
  return { ...found, path: found.path === '' ? root : `${root}/${found.path}` };
}

async function bindSource(
  dependencies: StepDependencies,
  wanted: Pick<RunMountOf<'bind'>, 'source' | 'target' | 'readOnly'>,
  source: MountSource,
  undo: CleanupStack,
  signal: AbortSignal,
): Promise<string> {
  const { layers } = dependencies;
  const scratch = async (): Promise<string> => {
    const path = await layers.scratch();
    undo.defer(() => rm(path, { recursive: true, force: true }));
    return path;
  };
  if ('root' in source && (source.ignore !== ignoreNothing || !wanted.readOnly)) {
    // What is ignored must not be seen, what is written must not reach the context.
    const copy = await scratch();
    const items = await select({ tree: source, patterns: [wanted.source], exclude: [], parents: false, signal });
    const destination = { path: items[0]?.isDirectory === true ? '/source' : '/source/', isDirectory: false };
    await transfer({ tree: source, items, root: copy, destination, owner: root0, createdOwner: root0, signal });
    return wholeIn(copy, '/source').path;
  }
  let from: string;
  if ('root' in source) {
    from = source.root;
  } else {
    const lower = layers.lowerDirs(source.id);
    from = await scratch();
    const upper = await scratch();
    const data = await layers.overlayData({ lower, upper, work: await scratch(), volatile: true });
    mount({ source: 'overlay', target: from, fstype: 'overlay', data });
    undo.defer(() => unmount(from, { detach: true }));
  }
  const { path, exists } = wholeIn(from, wanted.source);
  if (exists) return path;
  throw new TscomposeError({
    code: 'build/source-missing',
    message: `failed to mount ${wanted.source} at ${wanted.target}: stat ${wanted.source}: file does not exist`,
    facts: { source: wanted.source },
  });
}
