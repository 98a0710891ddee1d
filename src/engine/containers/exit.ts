import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../base/errors.js';
import { readExitCode } from '../oci/index.js';
import { isAlive } from '../sys/index.js';
import type { Container } from './container.js';
import { unmountInOtherNamespaces } from './other-namespaces.js';
import { publishUnmounts, releaseVolumes } from './oci-mounts.js';
import type { ContainerState } from './record.js';
import { removeContainer } from './remove.js';
import { restartDelay } from './restart-policy.js';
import { bundleOf, cgroupPathOf, exitsOf, publish, type Room } from './room.js';
import { leaveNetwork } from './shared-network.js';
import { clearBundle, startContainer } from './start.js';
import { nowNs, parseTime, renderTime } from './time.js';
import { without } from './without.js';

/** Looks whether a container has ended, and if so does all that follows. Call it as often as you like. */
export function settleExit(room: Room, container: Container): Promise<void> {
  return container.exclusive(async () => {
    if (!container.isLive || container.gone) return;
    const exitFile = join(exitsOf(room), container.id);
    let exitCode = await readExitCode(exitFile);
    const lost = exitCode === undefined && isLost(container);
    // The monitor writes it before it ends, and may have done both since the look above.
    if (lost) exitCode = await readExitCode(exitFile);
    if (exitCode !== undefined) {
      const endedMs = statSync(exitFile, { throwIfNoEntry: false })?.mtimeMs; // long ago when nobody was watching
      await endRun(room, container, { exitCode, error: '', ...(endedMs === undefined ? {} : { endedMs }) });
    } else if (lost) {
      await endRun(room, container, { exitCode: 137, error: 'the monitor of the container ended before it' });
    }
  });
}

/** Neither the process nor the monitor that would tell of its end is there: somebody killed both. */
function isLost({ state }: Container): boolean {
  const { process, monitor } = state;
  return !(process !== undefined && isAlive(process)) && !(monitor !== undefined && isAlive(monitor));
}

/** Under the container's turn: from the record of the exit to the last thing given back. */
export async function endRun(
  room: Room,
  container: Container,
  { exitCode, error, endedMs }: { readonly exitCode: number; readonly error: string; readonly endedMs?: number },
): Promise<void> {
  const finishedNs = endedMs === undefined ? nowNs() : BigInt(Math.round(endedMs * 1e6));
  const ranMs = Number((finishedNs - (parseTime(container.state.startedAt) ?? finishedNs)) / 1_000_000n);
  const oomKilled = existsSync(join(bundleOf(room, container.id), 'oom'));
  const byUser = container.stopRequested || container.state.stoppedByUser;
  container.health?.stop();
  container.health = undefined;
  const delay = restartDelay(container.record.hostConfig.RestartPolicy, {
    exitCode,
    ranMs,
    byUser,
    restartCount: container.state.restartCount,
    lastDelayMs: container.restartDelayMs,
  });
  const kept = without(container.state, 'process', 'monitor', 'health');
  const ended: ContainerState = { ...kept, exitCode, error, oomKilled, finishedAt: renderTime(finishedNs) };
  // All of it at once: nobody may see a container that runs and has ended.
  if (delay === undefined) await container.move('exited', {}, ended);
  else await container.move('will-restart', { restartCount: ended.restartCount + 1 }, ended);
  container.restartDelayMs = delay ?? 0;

  publishUnmounts(room, container.record);
  if (oomKilled) publish(room, container, 'oom');
  publish(room, container, 'die', { exitCode: String(exitCode), execDuration: String(Math.floor(ranMs / 1000)) });
  container.signals.emit('ended', { StatusCode: exitCode });
  await giveBack(room, container);
  if (delay !== undefined) scheduleRestart(room, container, delay);
  else if (container.record.hostConfig.AutoRemove === true) void removeEnded(room, container);
}

/** Everything a run had: processes left behind, network, mounts, bundle. Nothing in it may keep the rest from happening. */
export async function giveBack(room: Room, container: Container): Promise<void> {
  const { id, record } = container;
  const parts: readonly (readonly [string, () => unknown])[] = [
    ['processes', () => room.oci.discard(id, { monitor: false, cgroupsPath: cgroupPathOf(room, container) })],
    ['network', () => leaveNetwork(room, container)],
    ['mounts elsewhere', () => unmountInOtherNamespaces(room, id)],
    ['bundle', () => clearBundle(room, id)],
    ['volumes', () => releaseVolumes(room, record)],
  ];
  for (const [what, work] of parts) {
    try {
      await work();
    } catch (error) {
      room.log.warn('cannot give back a part of an ended container', { containerId: id, what, error });
    }
  }
}

export function scheduleRestart(room: Room, container: Container, delayMs: number): void {
  clearTimeout(container.restartTimer);
  container.restartTimer = setTimeout(() => {
    container.restartTimer = undefined;
    if (container.state.status !== 'restarting' || room.closing.aborted) return;
    startContainer(room, container, room.closing).catch((error: unknown) => {
      room.log.warn('cannot restart a container', { containerId: container.id, reason: messageOf(error) });
    });
  }, delayMs);
  container.restartTimer.unref();
}

async function removeEnded(room: Room, container: Container): Promise<void> {
  try {
    await removeContainer(room, container, { force: false, volumes: true }, room.closing);
  } catch (error) {
    if (!container.gone) room.log.warn('cannot remove an ended container', { containerId: container.id, error });
  }
}
