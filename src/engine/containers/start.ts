import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { WaitResponse } from '../../api/container.js';
import { CleanupStack } from '../../base/cleanup-stack.js';
import { hasCode, messageOf, TscomposeError } from '../../base/errors.js';
import { ensureFolderBeneath, findDeviceEdits, type NamespaceChoice, readMonitorPid } from '../oci/index.js';
import { isMountPoint, type ProcessIdentity, processStartTime, sysErrno } from '../sys/index.js';
import { composeBundle } from './compose-bundle.js';
import type { Container } from './container.js';
import { invalidConfig, removing } from './errors.js';
import { startHealthChecks } from './health.js';
import { hostFileMounts, namesOfHost, writeHostFiles } from './host-files.js';
import { forwardLog, furtherLogs, openLogSink, requireLogDriver } from './log-driver.js';
import { commandOf } from './merge-config.js';
import { explainIdMap } from './id-map.js';
import { prepareMounts, releaseVolumes } from './oci-mounts.js';
import { bundleOf, exitsOf, logPathOf, publish, type Room } from './room.js';
import { runtimeOf } from './runtime-of.js';
import { mountRoot, unmountBundle } from './rootfs.js';
import { planNetwork } from './sandbox.js';
import { inheritNetwork, leaveNetwork } from './shared-network.js';
import { shmMounts } from './shm.js';
import { nowNs, renderTime } from './time.js';
import { without } from './without.js';

/** A runtime that hangs, on a mount for example, must not hold one of the few places for ever. */
const longestCreateMs = 120_000;

/**
 * Starts a container that does not run. The record says `starting` from before the first change until the container's
 * program runs, so that an engine that dies in between is followed by one that takes everything back.
 * @param when - `when due`: only if the scheduler still wants it
 * @returns false when it runs already
 * @throws `container/paused`, `container/removing`, `container/start-failed`, `network/…`, `volume/…`; the abort reason
 */
export function startContainer(
  room: Room,
  container: Container,
  signal: AbortSignal,
  when: 'now' | 'when due' = 'now',
): Promise<boolean> {
  return container.exclusive(async () => {
    const before = container.state.status;
    if (when === 'when due' && !container.due) return false; // somebody stopped or started it meanwhile
    container.due = false;
    container.startWait = undefined;
    if (before === 'running') return false;
    if (before === 'paused') {
      throw new TscomposeError({
        code: 'container/paused',
        message: 'cannot start a paused container, try unpause instead',
        facts: { containerId: container.id },
      });
    }
    if (before === 'removing' || before === 'dead' || container.gone) throw removing(container.id);
    room.oci.announceMigration();
    clearTimeout(container.restartTimer);
    container.restartTimer = undefined;
    container.stopRequested = false;
    // It stays due until it runs, for an engine that dies before. Who starts it by hand begins a new count.
    const state = without(container.state, 'lostRun');
    const from =
      when === 'when due'
        ? { ...state, due: true }
        : { ...without(state, 'due', 'crashes', 'unhealthyRestarts'), restartCount: 0 };
    if (when === 'now') container.restartDelayMs = 0;
    container.hookFailure = undefined;
    try {
      await container.move('start', { error: '', oomKilled: false }, from);
    } catch (error) {
      // Its policy has had its try, as when it does not start for another reason.
      if (before === 'restarting') await container.moved('restart-cancelled', { error: messageOf(error) });
      throw error;
    }
    try {
      await room.starts(() => bringUp(room, container, signal));
      return true;
    } catch (error) {
      const ended = await recordFailure(room, container, before === 'created', error);
      // Who starts by hand has the answer; Docker then tells no waiter, and its CLI would say the reason twice.
      if (when === 'when due') container.signals.emit('ended', ended);
      throw describeFailure(container, error);
    }
  });
}

async function bringUp(room: Room, container: Container, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { record } = container;
  const { id } = record;
  requireLogDriver(id, record.hostConfig.LogConfig);
  const bundle = bundleOf(room, id);
  await using undo = new CleanupStack();
  const undoing = (what: string, work: () => unknown) => {
    undo.defer(async () => {
      try {
        await work();
      } catch (error) {
        room.log.warn('cannot undo a part of a start', { containerId: id, what, error });
      }
    });
  };

  const sink = await openLogSink(record, signal);
  if (sink !== undefined)
    undoing('syslog', () => {
      sink.close();
    });

  clearBundle(room, id);
  forgetExit(room, id);
  mkdirSync(bundle, { recursive: true, mode: 0o700 });
  undoing('bundle', () => {
    clearBundle(room, id);
    forgetExit(room, id);
  });
  const root = await mountRoot(room, record);
  undoing('volumes', () => releaseVolumes(room, record));
  const ownMounts = await prepareMounts(room, record);

  const network = planNetwork(room, record);
  let namespace: NamespaceChoice;
  let filesOwner = id;
  if (network.kind === 'own') {
    undoing('network', () => leaveNetwork(room, container));
    await inheritNetwork(room, container);
    const sandbox = await room.networks.join(network.request, signal);
    namespace = { path: sandbox.namespacePath };
    const gateway = Object.values(sandbox.endpoints).find(({ Gateway = '' }) => Gateway !== '')?.Gateway ?? '';
    writeHostFiles(room, record, { ...sandbox, gateway });
  } else if (network.kind === 'host') {
    namespace = 'host';
    writeHostFiles(room, record, namesOfHost(record));
  } else {
    namespace = { path: network.path };
    filesOwner = network.other.id;
  }

  const { WorkingDir = '' } = record.config;
  if (WorkingDir !== '') ensureWorkingDir(root, WorkingDir);
  const mounts = [...hostFileMounts(room, container, filesOwner), ...shmMounts(room, container), ...ownMounts];
  const devices = await findDeviceEdits(record.hostConfig.DeviceRequests ?? []);
  const spec = composeBundle(room, container, { root, mounts, network: namespace, devices });
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(longestCreateMs)]);
  const { pid, monitorPid } = await room.oci
    .create(monitored(room, container), spec, inTime)
    .catch((error: unknown) => {
      throw explainIdMap(error, record);
    });
  undoing('container', () => room.oci.discard(id, { monitor: true, cgroupsPath: spec.linux.cgroupsPath }));
  if (network.kind === 'own') await room.networks.settle(id, pid);
  const [process, monitor] = [identify(pid), identify(readMonitorPid(bundle) ?? monitorPid)];
  for (const preparation of [...container.preparations]) await preparation.connect();
  const startedAt = renderTime(nowNs()); // before its first line of output, so that none is older than its run
  await room.oci.start(id);
  const running = { exitCode: 0, startedAt, stoppedByUser: false, process, monitor };
  await container.move('started', running, without(container.state, 'due'));
  undo.commit();
  publish(room, container, 'start');
  container.signals.emit('started');
  startHealthChecks(room, container);
  forwardLog(room, container, sink);
}

/** @throws `container/invalid-config` where something else is in the way */
function ensureWorkingDir(root: string, path: string): void {
  try {
    ensureFolderBeneath(root, path);
  } catch (error) {
    const message = `Cannot mkdir: ${path} is not a directory`;
    throw sysErrno(error) === 'ENOTDIR' ? invalidConfig('WorkingDir', message) : error;
  }
}

/** Empties a bundle's folder, and never what is mounted in it. */
export function clearBundle(room: Pick<Room, 'runtimeDir' | 'unmounting'>, id: string): void {
  const bundle = bundleOf(room, id);
  unmountBundle(room, id);
  if (isMountPoint(join(bundle, 'merged'))) throw new Error(`the root file system of ${id} is still mounted`);
  rmSync(bundle, { recursive: true, force: true });
}

/** What the monitor said of the end of its last run. */
export function forgetExit(room: Pick<Room, 'runtimeDir'>, id: string): void {
  rmSync(join(exitsOf(room), id), { force: true });
}

function monitored(room: Room, { record }: Container): Parameters<Room['oci']['create']>[0] {
  const { id, name, config, hostConfig } = record;
  const tty = config.Tty === true;
  return {
    id,
    name,
    bundle: bundleOf(room, id),
    exits: exitsOf(room),
    logPath: hostConfig.LogConfig?.Type === 'none' ? undefined : logPathOf(room, id),
    furtherLogs: furtherLogs(hostConfig.LogConfig),
    tty,
    stdin: config.OpenStdin === true,
    stdinOnce: config.StdinOnce === true,
    program: commandOf(config)[0] ?? '',
    runtime: runtimeOf(room, hostConfig),
  };
}

function identify(pid: number): ProcessIdentity {
  return { pid, startTime: processStartTime(pid) ?? 'gone' };
}

/** @returns what those hear who wait for the end of the run */
async function recordFailure(room: Room, container: Container, isNew: boolean, error: unknown): Promise<WaitResponse> {
  const exitCode = hasCode(error, 'oci/create-failed') ? error.facts.exitCode : 128;
  const finishedAt = isNew ? container.state.finishedAt : renderTime(nowNs());
  const message = messageOf(error);
  const change = { exitCode, error: message, finishedAt };
  await container.moved(isNew ? 'start-failed-new' : 'start-failed', change, without(container.state, 'due'));
  room.log.info('container did not start', { containerId: container.id, error: message });
  return { StatusCode: exitCode, Error: { Message: message } };
}

function describeFailure(container: Container, error: unknown): unknown {
  if (!hasCode(error, 'oci/create-failed')) return error;
  return new TscomposeError({
    code: 'container/start-failed',
    message: error.message,
    facts: { containerId: container.id, exitCode: error.facts.exitCode },
  });
}
