import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { CrashLoop } from '../../api/tscompose.js';
import { timerMs } from '../../base/timer.js';
import { readExitCode } from '../oci/index.js';
import { isAlive } from '../sys/index.js';
import { memoryPeak } from './cgroup-stats.js';
import type { Container } from './container.js';
import { countExit, lastWordsOf, loopExits } from './crash-loop.js';
import { giveBack } from './give-back.js';
import { publishUnmounts } from './oci-mounts.js';
import { ranOutOfMemory } from './out-of-memory.js';
import { lostRun } from './lost-run.js';
import type { ContainerState } from './record.js';
import { removeContainer } from './remove.js';
import { projectOf, serviceOf } from './labels.js';
import { isCrash, isSteady, restartDelay } from './restart-policy.js';
import { cgroupOf, exitsOf, publish, type Room } from './room.js';
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
      await endRun(room, container, {
        exitCode: 137,
        error: 'the monitor of the container ended before it',
        lost: true,
      });
    }
  });
}

/** Neither the process nor the monitor that would tell of its end is there: somebody killed both. */
function isLost({ state }: Container): boolean {
  const { process, monitor } = state;
  return !(process !== undefined && isAlive(process)) && !(monitor !== undefined && isAlive(monitor));
}

interface RunEnd {
  readonly exitCode: number;
  readonly error: string;
  readonly endedMs?: number;
  /** Nobody has seen it. */
  readonly lost?: boolean;
}

/** Under the container's turn: from the record of the exit to the last thing given back. */
export async function endRun(
  room: Room,
  container: Container,
  { exitCode, error, endedMs, lost = false }: RunEnd,
): Promise<void> {
  const toldNs = endedMs === undefined ? nowNs() : BigInt(Math.round(endedMs * 1e6));
  const startedNs = parseTime(container.state.startedAt) ?? toldNs;
  const finishedNs = toldNs < startedNs ? startedNs : toldNs; // times of files lag by up to a tick of the kernel's
  const ranMs = Number((finishedNs - startedNs) / 1_000_000n);
  const { oomKilled: isTold } = container.state;
  const oomKilled = isTold || ranOutOfMemory(room, container);
  const peak = oomKilled ? memoryPeak(cgroupOf(room, container)) : undefined;
  const byUser = container.stopRequested || container.state.stoppedByUser;
  container.health?.stop();
  container.health = undefined;
  const { RestartPolicy } = container.record.hostConfig;
  const byEngine = byUser ? undefined : (container.engineRestart ?? container.state.engineRestart);
  container.engineRestart = undefined;
  const pace = room.projects.node(projectOf(container) ?? '', serviceOf(container))?.pace ?? {};
  const run = {
    exitCode,
    ranMs,
    byUser,
    restartCount: container.state.restartCount,
    lastDelayMs: container.restartDelayMs,
    shortRuns: container.state.crashes?.Exits ?? 0,
  };
  const delay = byEngine?.delayMs ?? restartDelay(RestartPolicy, run, pace);
  const finishedAt = renderTime(finishedNs);
  const isShort = !byUser && byEngine === undefined && isCrash(RestartPolicy, run) && !isSteady(run, pace);
  const crashes = isShort ? await oneMoreCrash(room, container, exitCode, finishedAt) : undefined;
  const unhealthyRestarts = byEngine && (byEngine.unhealthyRestarts ?? container.state.unhealthyRestarts);
  const ended: ContainerState = {
    ...without(container.state, 'process', 'monitor', 'health', 'crashes', 'unhealthyRestarts', 'engineRestart'),
    ...{ exitCode, error, oomKilled, finishedAt },
    ...(peak === undefined ? {} : { memoryPeak: peak }),
    ...(lost ? { lostRun: lostRun(room, container) } : {}),
    ...(crashes === undefined ? {} : { crashes }),
    ...(unhealthyRestarts === undefined ? {} : { unhealthyRestarts }),
  };
  // All of it at once: nobody may see a container that runs and has ended.
  if (delay === undefined) await container.moved('exited', {}, ended);
  else await container.moved('will-restart', { restartCount: ended.restartCount + 1 }, ended);
  container.restartDelayMs = delay ?? 0;

  publishUnmounts(room, container.record);
  if (oomKilled && !isTold) publish(room, container, 'oom');
  publish(room, container, 'die', { exitCode: String(exitCode), execDuration: String(Math.floor(ranMs / 1000)) });
  if (crashes?.Exits === loopExits) publish(room, container, 'crash_loop', loopAttributes(crashes));
  container.signals.emit('ended', { StatusCode: exitCode });
  if (delay !== undefined) room.scheduler.restarting(container);
  await giveBack(room, container);
  if (delay !== undefined) scheduleRestart(room, container, delay);
  else if (container.record.hostConfig.AutoRemove === true) void removeEnded(room, container);
}

async function oneMoreCrash(room: Room, container: Container, exitCode: number, endedAt: string): Promise<CrashLoop> {
  const before = container.state.crashes;
  const isLoop = (before?.Exits ?? 0) + 1 >= loopExits; // nobody is shown the words of the first ones
  const lastWords = isLoop ? await lastWordsOf(room, container) : '';
  return countExit(before, { exitCode, endedAt, lastWords });
}

function loopAttributes({ Exits, ExitCode, LastWords }: CrashLoop): Record<string, string> {
  return { exits: String(Exits), exitCode: String(ExitCode), lastWords: LastWords };
}

export function scheduleRestart(room: Room, container: Container, delayMs: number): void {
  clearTimeout(container.restartTimer);
  container.restartTimer = setTimeout(() => {
    container.restartTimer = undefined;
    if (container.state.status !== 'restarting' || room.closing.aborted) return;
    room.scheduler.due(container);
  }, timerMs(delayMs));
  container.restartTimer.unref();
}

async function removeEnded(room: Room, container: Container): Promise<void> {
  try {
    await removeContainer(room, container, { force: false, volumes: true }, room.closing);
  } catch (error) {
    if (!container.gone) room.log.warn('cannot remove an ended container', { containerId: container.id, error });
  }
}
