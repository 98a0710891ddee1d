import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { TscomposeError, errnoOf } from '../../base/errors.js';
import { type CgroupLayout, cgroupLayout, mount, sendSignal } from '../sys/index.js';
import './errors.js';

const cgroupRoot = '/sys/fs/cgroup';
const unified = join(cgroupRoot, 'unified');

/**
 * Makes the cgroup mounts such that crun and runc work on them; call once at engine start, in the engine's own mount
 * namespace. On hybrid layouts crun refuses to run as long as it sees the unified mount, so that is hidden here.
 * @param vouched - the caller knows that the mount namespace is not the host's
 * @throws `oci/shared-mounts` when that would also hide it from the host
 */
export function prepareCgroups({ vouched = false }: { readonly vouched?: boolean } = {}): CgroupLayout {
  const layout = cgroupLayout();
  if (layout !== 'hybrid') return layout;
  if (!vouched && !hasOwnMountNamespace()) {
    throw new TscomposeError({
      code: 'oci/shared-mounts',
      message: 'the engine must run in a mount namespace of its own on a host with hybrid cgroups',
      facts: {},
      hint: 'start it with: unshare -m --propagation slave',
    });
  }
  // Over it and not in its place: it may be locked, and crun writes its share of files there, which must not stay behind
  // on the host's tmpfs below.
  mount({
    source: 'tmpfs',
    target: unified,
    fstype: 'tmpfs',
    flags: ['nosuid', 'nodev', 'noexec'],
    data: 'size=4m,mode=755',
  });
  return cgroupLayout();
}

/** Numbers that kernels give the first mount namespace: the fixed one, and the first ones given out at boot. */
const firstNamespaces = ['mnt:[4026531832]', 'mnt:[4026531840]', 'mnt:[4026531841]'];

/** Whether mounts made here stay here: our namespace is not that of process 1. */
export function hasOwnMountNamespace(): boolean {
  const own = readlinkSync('/proc/self/ns/mnt');
  try {
    return own !== readlinkSync('/proc/1/ns/mnt');
  } catch {
    return !firstNamespaces.includes(own); // process 1 may do more than we may, and is then not ours to look at
  }
}

/** One control group in every hierarchy, by its path below each root, such as `/tscompose-1a2b3c4d/<id>`. */
export interface Cgroup {
  readonly path: string;
  /** The folder of a v1 controller, or the only one on v2. */
  folder(controller: string): string;
  /** Processes in it and below, as this pid namespace numbers them. */
  pids(): number[];
  exists(): boolean;
  /** SIGKILL to all of them. @returns how many there were */
  kill(): number;
  /** Removes the folders with all below. @returns false when a process is still in one */
  remove(): boolean;
}

export function openCgroup(path: string): Cgroup {
  const single = cgroupLayout() === 'v2';
  const folders = (): string[] => (single ? [join(cgroupRoot, path)] : hierarchies().map((root) => join(root, path)));
  const folder = (controller: string) => (single ? join(cgroupRoot, path) : join(cgroupRoot, controller, path));
  const pids = () => pidsBelow(folder('pids')).concat(single ? [] : pidsBelow(folder('devices')));
  const unique = () => [...new Set(pids())];
  return {
    path,
    folder,
    pids: unique,
    exists: () => folders().some((one) => entriesOf(one) !== undefined),
    kill: () => {
      const found = unique();
      for (const pid of found) sendSignal(pid, 'SIGKILL');
      return found.length;
    },
    remove: () => folders().map(removeFolder).every(Boolean),
  };
}

/** The controllers of a v1 mount tree; also the tmpfs that hides the unified mount. */
function hierarchies(): string[] {
  return (entriesOf(cgroupRoot) ?? []).map((name) => join(cgroupRoot, name));
}

function pidsBelow(folder: string): number[] {
  const own = processesIn(folder).filter((pid) => pid > 0);
  return own.concat((entriesOf(folder) ?? []).flatMap((name) => pidsBelow(join(folder, name))));
}

/** 0 stands for each that is outside of our process namespace. */
function processesIn(folder: string): number[] {
  return readOrEmpty(join(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
}

/** Names of the sub-folders; undefined where there is no such folder. Links are not followed: `cpu` may be one. */
function entriesOf(folder: string): string[] | undefined {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENODEV'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** What stands for the hidden unified hierarchy is plain files. */
function removeFolder(folder: string): boolean {
  if (!folder.startsWith(`${unified}/`) || cgroupLayout() === 'hybrid') return removeTree(folder);
  rmSync(folder, { recursive: true, force: true });
  return true;
}

function removeTree(folder: string): boolean {
  const below = entriesOf(folder);
  if (below === undefined) return true;
  if (!below.map((name) => removeTree(join(folder, name))).every(Boolean)) return false;
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    if (errnoOf(error) === 'EBUSY' || errnoOf(error) === 'ENOTEMPTY') return false;
    throw error;
  }
}

/** Text of a control file; empty where there is none. */
export function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENODEV', 'ENOTDIR', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) return '';
    throw error;
  }
}

/** Takes the limit of processes off a group, which the runtimes have no word for that all of them know. */
export function liftPidsLimit(path: string): void {
  writeFileSync(join(openCgroup(path).folder('pids'), 'pids.max'), 'max');
}

/**
 * Takes this process, and with it all that it starts, out of the control group of the session that it was started in:
 * systemd ends what is in there when the user logs out (logind.conf(5), "KillUserProcesses"). Only on v2.
 * @param path - of a group for it alone
 * @returns takes the group away; this process and what it left there stays where it is
 */
export function leaveSession(path: string): () => void {
  if (cgroupLayout() !== 'v2') return () => undefined;
  mkdirSync(join(cgroupRoot, path), { recursive: true });
  if (!tryToMove(0, join(cgroupRoot, path))) return () => openCgroup(path).remove();
  return () => {
    if (tryToMove(0, cgroupRoot) || tryToMove(0, join(cgroupRoot, leaf))) openCgroup(path).remove();
  };
}

/** Where processes go that the uppermost group of a container may not have; its name is what others use, too. */
const leaf = 'init';

/**
 * Moves the processes of a v2 group to one below it. The uppermost group that a container sees is none to the kernel: it
 * can pass controllers on only when no process is in it (cgroups(7), "no internal processes").
 * @returns whether it may now; false when processes are left that are not ours to move
 */
export function vacateGroup(folder: string): boolean {
  if (!existsSync(join(folder, 'cgroup.type'))) return true; // the kernel's own root, which may have both
  for (let round = 0; round < 20; round += 1) {
    const pids = processesIn(folder);
    if (pids.length === 0) return true;
    mkdirSync(join(folder, leaf), { recursive: true });
    for (const pid of pids.filter((one) => one > 0)) tryToMove(pid, join(folder, leaf));
  }
  return processesIn(folder).length === 0;
}

/** @param pid - 0 for ourselves */
function tryToMove(pid: number, folder: string): boolean {
  try {
    writeFileSync(join(folder, 'cgroup.procs'), String(pid));
    return true;
  } catch {
    return false; // it has ended, or a container may not
  }
}

/** On v2 a group can limit only what its parent passes on; elsewhere nothing happens. */
export function prepareCgroupParent(path: string): void {
  if (cgroupLayout() !== 'v2') return;
  if (!vacateGroup(cgroupRoot)) {
    mkdirSync(join(cgroupRoot, path), { recursive: true });
    return; // with some controllers passed on and others not, the group below could hold no processes (cgroups(7))
  }
  let folder = cgroupRoot;
  for (const part of ['', ...path.split('/').filter((name) => name !== '')]) {
    folder = join(folder, part);
    mkdirSync(folder, { recursive: true });
    for (const controller of readOrEmpty(join(folder, 'cgroup.controllers')).trim().split(' ')) {
      if (controller === '') continue;
      try {
        writeFileSync(join(folder, 'cgroup.subtree_control'), `+${controller}`);
      } catch {
        // Not delegated to us: limits of it are then given up with a warning.
      }
    }
  }
}
