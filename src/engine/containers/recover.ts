import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { sweepEach } from '../../base/sweep.js';
import { bootId, isAlive } from '../sys/index.js';
import type { Container } from './container.js';
import { endRun, scheduleRestart, settleExit } from './exit.js';
import { resumeRestart } from './engine-restart.js';
import { giveBack } from './give-back.js';
import { startHealthChecks } from './health.js';
import { forwardLog } from './log-driver.js';
import { takeAway, trashPrefix } from './remove.js';
import { createLimiter } from './limiter.js';
import type { ContainerState } from './record.js';
import { startsWithEngine } from './restart-policy.js';
import { bundleOf, cgroupPathOf, exitsOf, folderOf, type Room } from './room.js';
import { unmountBundle } from './rootfs.js';
import { leaveNetwork } from './shared-network.js';

/** Exit code of a container that ended with the host, when nobody was there to see it; dockerd's. */
const unseenExit = 255;
const soonMs = 100;
const recoveriesAtOnce = 4;

/**
 * Makes records and kernel agree after an engine that ended in any way. First what belongs to nobody goes, then each
 * container is adopted, finished or taken back. Networks have been started before.
 */
export async function recoverContainers(room: Room, signal: AbortSignal): Promise<void> {
  const firstOfBoot = isFirstOfBoot(room);
  await sweepUnknown(room);
  const limit = createLimiter(recoveriesAtOnce);
  const settling: Promise<void>[] = [];
  const settle = (container: Container): void => {
    settling.push(settleExit(room, container).catch(logged(room, container)));
  };
  await Promise.all(
    [...room.registry.values()].map((container) =>
      limit(async () => {
        signal.throwIfAborted();
        try {
          await container.exclusive(() => recoverOne(room, container, { firstOfBoot, settle }));
        } catch (error) {
          room.log.error('cannot recover a container', { containerId: container.id, error });
        }
      }),
    ),
  );
  // From here on the records say what is due, to an engine that follows before everything is started, too.
  writeFileSync(bootMarkOf(room), `${bootId()}\n`, { mode: 0o600 });
  // Order means nothing as long as something dead passes for running.
  const settled = Promise.all(settling).then(() => {
    room.scheduler.open();
  });
  // What ended while nobody watched has ended for the first who asks, unless its monitor is still at it.
  await Promise.race([settled, setTimeout(longestSettleMs, undefined, { ref: false })]);
}

/** What an engine's start waits for monitors that have not written an exit yet. */
const longestSettleMs = 1_000;

/** Whether no engine has recovered since the host was started. A mark without an id is of an older version. */
function isFirstOfBoot(room: Room): boolean {
  const mark = bootMarkOf(room);
  const known = existsSync(mark) ? readFileSync(mark, 'utf8').trim() : undefined;
  return known !== bootId() && known !== '';
}

function bootMarkOf({ runtimeDir }: Room): string {
  return join(runtimeDir, 'engine-ran');
}

interface Recovery {
  readonly firstOfBoot: boolean;
  /** For one that may have ended, once its turn is over. */
  readonly settle: (container: Container) => void;
}

async function recoverOne(room: Room, container: Container, { firstOfBoot, settle }: Recovery): Promise<void> {
  const { state, record } = container;
  switch (state.status) {
    case 'running':
    case 'paused': {
      if (state.process !== undefined && isAlive(state.process)) {
        await adopt(room, container, state.process.pid);
        return;
      }
      // Its exit code is with the monitor's, if there was time to write one.
      forwardLog(room, container);
      const seen =
        existsSync(join(exitsOf(room), container.id)) || (!firstOfBoot && existsSync(bundleOf(room, container.id)));
      if (seen) settle(container);
      else await endRun(room, container, { exitCode: unseenExit, error: '', lost: true });
      return;
    }
    case 'starting':
      await rollBack(room, container);
      return;
    case 'restarting':
      await giveBack(room, container);
      scheduleRestart(room, container, soonMs);
      return;
    case 'removing':
    case 'dead':
      await room.oci.discard(container.id, { monitor: true, cgroupsPath: cgroupPathOf(room, container) });
      await takeAway(room, container, record.hostConfig.AutoRemove === true);
      return;
    case 'created':
    case 'exited':
      await leaveNetwork(room, container);
      if (record.hostConfig.AutoRemove === true && (firstOfBoot || !isYetToStart(state))) {
        await takeAway(room, container, true);
      } else if (state.due === true) room.scheduler.due(container);
      else if (firstOfBoot && state.status === 'exited' && startsWithEngine(record.hostConfig.RestartPolicy, state)) {
        await container.change({ state: { ...state, due: true } });
        room.scheduler.due(container);
      }
  }
}

/** Nobody has tried to. An engine that comes and goes with its work is no reason to lose it. */
function isYetToStart({ status, error }: ContainerState): boolean {
  return status === 'created' && error === '';
}

function logged(room: Room, container: Container): (error: unknown) => void {
  return (error) => {
    room.log.error('cannot take up a container', { containerId: container.id, error });
  };
}

/** It ran on without us, and so did its monitor. */
async function adopt(room: Room, container: Container, pid: number): Promise<void> {
  if (!(container.record.hostConfig.NetworkMode ?? '').startsWith('container:')) {
    await room.networks.adopt(container.id, pid);
  }
  startHealthChecks(room, container);
  forwardLog(room, container);
  resumeRestart(room, container);
  room.log.info('container adopted', { containerId: container.id, pid });
}

/** Nobody was told that it runs, so it does not. What had been made of it goes, a container that waits for `start` too. */
async function rollBack(room: Room, container: Container): Promise<void> {
  const { state, record } = container;
  await room.oci.discard(container.id, { monitor: true, cgroupsPath: cgroupPathOf(room, container) });
  await giveBack(room, container);
  const isNew = state.finishedAt.startsWith('0001');
  await container.moved(isNew ? 'start-failed-new' : 'start-failed', { error: 'the engine ended while starting it' });
  if (record.hostConfig.AutoRemove === true) await takeAway(room, container, true);
  else if (state.due === true) room.scheduler.due(container);
}

/** Bundles, processes, mounts and folders without a record. */
async function sweepUnknown(room: Room): Promise<void> {
  const { log, runtimeDir } = room;
  const known = (id: string) => room.registry.find(id)?.id === id;
  const bundles = join(runtimeDir, 'b');
  const ids = [...namesIn(bundles), ...room.oci.runtimes.known()].filter((name) => /^[0-9a-f]{64}$/.test(name));
  const strays = new Set(ids.filter((id) => !known(id)));
  await sweepEach('an unknown container', strays, log, async (id) => {
    log.info('removing what is left of an unknown container', { containerId: id });
    await room.oci.discard(id, { monitor: true });
    await room.networks.leave(id);
    unmountBundle(room, id);
    await rm(join(bundles, id), { recursive: true, force: true });
    await rm(join(runtimeDir, 'exits', id), { force: true });
  });
  const views = namesIn(runtimeDir).filter((name) => name.startsWith('view-'));
  await sweepEach(
    'a view of an image',
    views,
    log,
    (name) => rm(join(runtimeDir, name), { recursive: true, force: true }), // its mount went with the engine that made it
  );
  await sweepFolders(room, known);
}

/** A container's folder without record is one that was being created or removed. */
async function sweepFolders(room: Room, known: (id: string) => boolean): Promise<void> {
  const folders = (await readdir(room.dir, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const strays = folders.map(({ name }) => name).filter((name) => !known(name) && name !== '.init');
  await sweepEach('a container without record', strays, room.log, async (name) => {
    const folder = folderOf(room, name);
    if (namesIn(folder).some((file) => file.endsWith('.corrupt'))) return; // a person may still want to look
    if (!name.startsWith(trashPrefix)) await room.volumes.discardMadeFor(name);
    await rm(folder, { recursive: true, force: true });
  });
  const init = join(room.dir, '.init');
  const unfinished = namesIn(init).filter((name) => name.startsWith('.making-'));
  await sweepEach('an unfinished layer', unfinished, room.log, (name) =>
    rm(join(init, name), { recursive: true, force: true }),
  );
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
