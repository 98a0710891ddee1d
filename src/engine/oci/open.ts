import { existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Log } from '../../base/log.js';
import { sweepEach } from '../../base/sweep.js';
import { isMountPoint, sendSignal, unmountBelow } from '../sys/index.js';
import { requireProfile } from './apparmor.js';
import { migrationAnnouncer } from './cgroup-migration.js';
import { leaveSession, openCgroup, prepareCgroupParent } from './cgroups.js';
import { isContainerId, isPassingId } from './container-id.js';
import type { OciEnvironment } from './environment.js';
import { type ExecProcess, type ExecRequest, execInContainer } from './exec.js';
import { type CreatedContainer, createMonitored, type MonitoredContainer } from './monitor.js';
import { probeRuntime } from './probe.js';
import { renderSpec } from './render.js';
import {
  deleteContainer,
  pauseContainer,
  readState,
  resumeContainer,
  type RuntimeState,
  startContainer,
  updateContainer,
} from './runtime.js';
import type { OverlayLayers } from './init-layer.js';
import { openRuntimes, type Runtimes } from './runtimes.js';
import { openSeccompCache } from './seccomp-cache.js';
import type { OciResources, OciSpec } from './spec.js';
import { runStep, type StepRequest } from './step.js';

export interface OciOptions {
  /** On a tmpfs; bundles, sockets and the runtime's state live below it. */
  readonly runtimeDir: string;
  /** 8 hex digits that tell engines on one host apart. */
  readonly engineId: string;
  readonly layers: OverlayLayers;
  /** Puts a build step on the default bridge. */
  readonly joinBridge?: OciEnvironment['joinBridge'];
  /** Whether the engine was started from somebody's session and is to outlive it; a service stays in its own unit. */
  readonly outlivesSession?: boolean;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface DiscardOptions {
  readonly monitor: boolean;
  /** Of its control group, where that is not below the common parent. */
  readonly cgroupsPath?: string;
}

/** Containers as the kernel has them: no names, no images, no policies. */
export interface Oci {
  readonly runtimes: Runtimes;
  readonly cgroupParent: string;
  /**
   * Writes the bundle and creates the container under its monitor; it waits for `start`. What follows goes to the same
   * runtime by the id alone.
   * @throws `oci/create-failed`, after which nothing of it is left
   */
  create(container: MonitoredContainer, spec: OciSpec, signal: AbortSignal): Promise<CreatedContainer>;
  start(id: string): Promise<void>;
  /** To be called as soon as it is known that `create` or `exec` will be: they then end earlier. */
  announceMigration(): void;
  exec(request: ExecRequest, signal: AbortSignal): Promise<ExecProcess>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  update(id: string, resources: OciResources): Promise<void>;
  state(id: string): Promise<RuntimeState | undefined>;
  /**
   * Forgets a container whose first process has ended, or ends it: its processes, state and control group. With
   * `monitor: true` its monitor and a `create` that is still under way go first. Idempotent.
   */
  discard(id: string, options: DiscardOptions): Promise<void>;
  /** One command of a build. */
  runStep(request: StepRequest): Promise<{ readonly exitCode: number }>;
  /** Removes the control group that all containers were below, when the engine ends and none is left. */
  close(): void;
}

/**
 * Finds a runtime that works and throws away the build steps of an engine that died.
 * @throws `oci/no-runtime`, `oci/no-monitor`
 */
export async function openOci(options: OciOptions): Promise<Oci> {
  const { runtimeDir, engineId, layers, joinBridge, outlivesSession = false, log, signal } = options;
  const cgroupParent = `/tscompose-${engineId}`;
  await mkdir(runtimeDir, { recursive: true, mode: 0o700 });
  prepareCgroupParent(cgroupParent);
  const removeOwnGroup = outlivesSession ? leaveSession(`${cgroupParent}/engine`) : () => undefined;
  const runtime = await probeRuntime({ runtimeDir, cgroupParent, signal });
  const runtimes = await openRuntimes(runtime, runtimeDir);
  const announceMigration = migrationAnnouncer();
  const seccomp = openSeccompCache(join(runtimeDir, 'cache'), runtime);
  const environment: OciEnvironment = { runtime, runtimeDir, cgroupParent, seccomp, layers, joinBridge };
  const discard: Oci['discard'] = (id, how) => discardContainer(environment, runtimes, id, how);
  await sweepSteps(runtimeDir, runtimes, discard, log);
  return {
    runtimes,
    cgroupParent,
    create: async (container, spec, inside) => {
      const { runtime: chosen = runtime } = container;
      await requireProfile(chosen, spec.process.apparmorProfile);
      // Filters are kept for the runtime that most have.
      const ready = chosen === runtime ? await seccomp.apply(spec) : spec;
      await writeFile(join(container.bundle, 'config.json'), renderSpec(ready), { mode: 0o600 });
      try {
        const created = await createMonitored(chosen, container, inside);
        if (chosen === runtime) await seccomp.learn(ready, container.id);
        return created;
      } catch (error) {
        await discard(container.id, { monitor: true, cgroupsPath: spec.linux.cgroupsPath });
        throw error;
      }
    },
    start: (id) => startContainer(runtimes.of(id), id),
    announceMigration,
    exec: async (request, inside) => {
      const chosen = runtimes.of(request.containerId);
      await requireProfile(chosen, request.process.apparmorProfile);
      return execInContainer(chosen, request, inside);
    },
    pause: (id) => pauseContainer(runtimes.of(id), id),
    resume: (id) => resumeContainer(runtimes.of(id), id),
    update: (id, resources) => updateContainer(runtimes.of(id), id, resources),
    state: (id) => readState(runtimes.of(id), id),
    discard,
    runStep: (request) => {
      announceMigration();
      return runStep(environment, request);
    },
    close: () => {
      removeOwnGroup();
      openCgroup(cgroupParent).remove();
    },
  };
}

async function discardContainer(
  { cgroupParent }: OciEnvironment,
  runtimes: Runtimes,
  id: string,
  { monitor, cgroupsPath = `${cgroupParent}/${id}` }: DiscardOptions,
): Promise<void> {
  if (!isContainerId(id)) throw new Error(`bug: discarding "${id}", which is no id of a container`);
  const cgroup = openCgroup(cgroupsPath);
  if (monitor) {
    // Until none is found: one that is being killed may just have started the next.
    for (let round = 0; round < 600; round += 1) {
      const helpers = runtimes.helpers().filter(({ containerId }) => containerId === id);
      if (helpers.length === 0) break;
      for (const { pid } of helpers) sendSignal(pid, 'SIGKILL');
      await setTimeout(5);
    }
  }
  const runtime = runtimes.of(id);
  // Where no process is left there is nothing for the runtime to do but what takes us 0.2 ms and it 10.
  if (!monitor && cgroup.remove()) {
    await rm(join(runtime.root, id), { recursive: true, force: true });
    return;
  }
  await deleteContainer(runtime, id);
  // The runtime only asks its first process to end; what shares the host's process namespace may live on without it.
  for (let round = 0; round < 200 && !cgroup.remove(); round += 1) {
    cgroup.kill();
    await setTimeout(5);
  }
}

/** Build steps and trial containers have no records: whatever exists at start belongs to an engine that died. */
async function sweepSteps(runtimeDir: string, runtimes: Runtimes, discard: Oci['discard'], log: Log): Promise<void> {
  const left = readdirSync(runtimeDir).filter(isContainerId);
  const strays = new Set([...left, ...runtimes.known()].filter(isPassingId));
  await sweepEach('a build step or trial', strays, log, async (id) => {
    await discard(id, { monitor: true });
    const dir = join(runtimeDir, id);
    if (existsSync(dir)) unmountBelow(dir);
    if (!isMountPoint(dir)) rmSync(dir, { recursive: true, force: true });
  });
}
