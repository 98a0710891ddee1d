import { existsSync, lstatSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { readIfPresent, replaceFile } from '../../base/durable-file.js';
import { TscomposeError, messageOf } from '../../base/errors.js';
import { cgroupLayout, readOnlyFile } from '../sys/index.js';
import { composeSpec } from './bundle.js';
import { parseBoundingSet } from './capabilities.js';
import { newProbeId } from './container-id.js';
import './errors.js';
import { waitForExit } from './exit-file.js';
import { createMonitored } from './monitor.js';
import { programEnvironment } from './program.js';
import { renderSpec } from './render.js';
import { type RuntimeProgram, deleteContainer, readVersion, startContainer } from './runtime.js';
import { openCgroup } from './cgroups.js';
import { openSeccompCache } from './seccomp-cache.js';
import type { OciMount } from './spec.js';

export interface ProbeOptions {
  /** Runtime state goes to `<runtimeDir>/crun` or `/runc`, caches to `<runtimeDir>/cache`. */
  readonly runtimeDir: string;
  readonly cgroupParent: string;
  readonly signal: AbortSignal;
}

export const kinds = ['crun', 'runc'] as const;

/**
 * The first of crun and runc that really runs a container here, under a monitor, with the default filter and limits; the
 * answer is kept until the host restarts or a program changes.
 * @throws `oci/no-runtime` with what each of them said, `oci/no-monitor`
 */
export async function probeRuntime(options: ProbeOptions): Promise<RuntimeProgram> {
  const cache = join(options.runtimeDir, 'cache');
  await mkdir(cache, { recursive: true, mode: 0o700 });
  const key = probeKey();
  const known = await readKnown(join(cache, 'probe.json'), key);
  if (known !== undefined) {
    await mkdir(known.root, { recursive: true, mode: 0o700 });
    return opened(known, cache);
  }
  const tried: { runtime: string; reason: string }[] = [];
  for (const kind of kinds) {
    const path = findProgram(kind);
    if (path === undefined) {
      tried.push({ runtime: kind, reason: 'not installed' });
      continue;
    }
    const root = join(options.runtimeDir, kind);
    await mkdir(root, { recursive: true, mode: 0o700 });
    const version = (await readVersion(path, root)) ?? 'unknown';
    for (const way of kind === 'crun' ? waysOfCrun : [plainWay]) {
      const known: KnownRuntime = { kind, path, version, root, ...way };
      try {
        const runtime = opened(known, cache);
        await tryOut(runtime, options);
        await replaceFile(join(cache, 'probe.json'), JSON.stringify({ key, runtime: known }), { strength: 'atomic' });
        return runtime;
      } catch (error) {
        options.signal.throwIfAborted();
        if (error instanceof TscomposeError && error.code === 'oci/no-monitor') throw error;
        if (way === plainWay) tried.push({ runtime: kind, reason: messageOf(error) });
      }
    }
  }
  throw new TscomposeError({
    code: 'oci/no-runtime',
    message: `no container runtime works on this host (cgroup layout ${cgroupLayout()}): ${tried
      .map(({ runtime, reason }) => `${runtime}: ${reason}`)
      .join('; ')}`,
    facts: { tried },
    hint: tried.every(({ reason }) => reason === 'not installed') ? 'install the package crun (or runc)' : undefined,
  });
}

/** What is kept of the answer: a read-only path lives as long as the process that made it. */
type KnownRuntime = Omit<RuntimeProgram, 'readOnlyPath'> & { readonly guarded: boolean };

const plainWay = { fastStart: false, guarded: false };
/** The quickest first; a host may refuse to run what lies in no tree. */
const waysOfCrun = [{ fastStart: true, guarded: true }, { fastStart: true, guarded: false }, plainWay];

function opened({ guarded, ...runtime }: KnownRuntime, dir: string): RuntimeProgram {
  if (!guarded) return runtime;
  try {
    return { ...runtime, readOnlyPath: readOnlyFile(runtime.path, dir) };
  } catch {
    return runtime; // it then guards itself, at each call
  }
}

export function findProgram(name: string): string | undefined {
  const folders = (programEnvironment['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Changes with the boot, the programs and the cgroup mounts. */
function probeKey(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const programs = [...kinds, 'conmon'].map((name) => {
    const path = findProgram(name);
    const found = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
    return found === undefined ? `${name}:none` : `${name}:${found.mtimeMs}:${found.size}`;
  });
  return [boot, cgroupLayout(), 'guarded', ...programs].join(' ');
}

async function readKnown(path: string, key: string): Promise<KnownRuntime | undefined> {
  const text = await readIfPresent(path);
  if (text === undefined) return undefined;
  const known: unknown = JSON.parse(text);
  if (typeof known !== 'object' || known === null || !('key' in known) || known.key !== key) return undefined;
  return 'runtime' in known ? (known.runtime as KnownRuntime) : undefined; // written below, in a folder only we can write
}

/** A container of the host's own programs, read-only, that runs `:` and must end with 0. */
async function tryOut(runtime: RuntimeProgram, { runtimeDir, cgroupParent, signal }: ProbeOptions): Promise<void> {
  const id = newProbeId();
  const bundle = join(runtimeDir, id);
  const rootfs = join(bundle, 'rootfs');
  const exits = join(bundle, 'exits');
  const cgroup = openCgroup(`${cgroupParent}/${id}`);
  const canLimit = cgroupLayout() !== 'v2' || existsSync(join(openCgroup(cgroupParent).folder('pids'), 'pids.max'));
  await mkdir(rootfs, { recursive: true, mode: 0o700 });
  await mkdir(exits);
  try {
    const spec = composeSpec({
      rootfs,
      args: ['/bin/sh', '-c', ':'],
      env: ['PATH=/usr/bin:/bin'],
      cwd: '/',
      tty: false,
      user: { uid: 0, gid: 0, additionalGids: [], home: '/' },
      hostname: 'probe',
      domainname: '',
      namespaces: { network: 'private', ipc: 'private', pid: 'private', uts: 'private', cgroup: 'private' },
      mounts: hostPrograms(rootfs),
      // What of it cannot be had, a start tells.
      hostConfig: { ...(canLimit ? { PidsLimit: 64 } : {}), SecurityOpt: ['apparmor=unconfined'] },
      cgroupsPath: cgroup.path,
      availableCapabilities: availableCapabilities(),
    });
    await replaceFile(join(bundle, 'config.json'), renderSpec(spec), { strength: 'atomic' });
    const container = { id, name: id, bundle, exits, program: '/bin/sh', tty: false, stdin: false, stdinOnce: false };
    await createMonitored(runtime, { ...container, logPath: undefined }, signal);
    await openSeccompCache(join(runtimeDir, 'cache'), runtime).learn(spec, id);
    await startContainer(runtime, id);
    const code = await waitForExit(join(exits, id), AbortSignal.any([signal, AbortSignal.timeout(10_000)]));
    if (code !== 0) throw new Error(`a trial container ended with ${code}`);
  } finally {
    await deleteContainer(runtime, id);
    cgroup.kill();
    cgroup.remove();
    await rm(bundle, { recursive: true, force: true });
  }
}

/** The folders that hold programs and libraries; on most systems all but `/usr` are links. */
function hostPrograms(rootfs: string): OciMount[] {
  return ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'usr', 'nix', 'gnu'].flatMap((name) => {
    const found = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (found?.isSymbolicLink() === true) symlinkSync(readlinkSync(`/${name}`), join(rootfs, name));
    if (found?.isDirectory() !== true) return [];
    return [{ destination: `/${name}`, type: 'bind', source: `/${name}`, options: ['rbind', 'ro'] }];
  });
}

/** What this process may give to containers. */
export function availableCapabilities(): string[] {
  return parseBoundingSet(readFileSync('/proc/self/status', 'utf8'));
}
