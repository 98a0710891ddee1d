import { TscomposeError } from '../../base/errors.js';
import { timerMs } from '../../base/timer.js';
import { isAlive, sendSignal } from '../sys/index.js';
import type { Container } from './container.js';
import { notRunning } from './errors.js';
import { publish, type Room } from './room.js';
import { letGoOn } from './pause.js';
import { parseSignal } from './signals.js';
import { startContainer } from './start.js';
import type { StopOptions } from './types.js';
import { without } from './without.js';

const defaultGraceS = 10;
const SIGKILL = 9;
const SIGTERM = 15;
/** How long a killed container may take to go, for a process may wait for a disk. */
const killedMs = 30_000;

/** @returns false when it does not run. @throws `container/invalid-signal`, `container/stop-failed`; the abort reason */
export async function stopContainer(
  room: Room,
  container: Container,
  options: StopOptions,
  signal: AbortSignal,
): Promise<boolean> {
  stopSignalOf(container, options); // refused before anything has happened
  await container.idle(); // a start under way first comes to its end, and so does an end
  if (await cancelRestart(container)) {
    publish(room, container, 'stop');
    return true;
  }
  if (await cancelDue(container)) return false;
  if (!container.isLive) return false;
  await terminate(room, container, { ...options, beforehand: () => requestStop(container) }, signal);
  await cancelRestart(container); // it had just ended by itself, and what follows was decided
  publish(room, container, 'stop');
  return true;
}

/**
 * Has the present run end: by the signal, and after the grace by SIGKILL.
 * @param beforehand - done once the end is watched for
 * @throws `container/invalid-signal`, `container/stop-failed`; the abort reason
 */
export async function terminate(
  room: Room,
  container: Container,
  { beforehand, ...options }: StopOptions & { readonly beforehand?: () => Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  const number = stopSignalOf(container, options);
  const graceS = options.timeoutS ?? container.record.config.StopTimeout ?? defaultGraceS;
  const ended = container.wait('not-running', signal);
  ended.catch(() => undefined); // awaited below
  await beforehand?.();
  await deliver(room, container, number);
  const inTime = graceS < 0 ? await ended.then(() => true) : await within(ended, graceS * 1000);
  if (!inTime) {
    await deliver(room, container, SIGKILL);
    if (!(await within(ended, killedMs))) throw stopFailed(container);
  }
}

function stopSignalOf({ record }: Container, { signal }: StopOptions): number {
  return parseSignal(signal ?? nonEmpty(record.config.StopSignal) ?? String(SIGTERM));
}

/** @throws `container/not-running`, `container/invalid-signal`, `container/stop-failed` */
export async function killContainer(
  room: Room,
  container: Container,
  signalName: string,
  signal: AbortSignal,
): Promise<void> {
  const number = parseSignal(signalName === '' ? String(SIGKILL) : signalName);
  await container.idle();
  if (await cancelRestart(container)) return;
  await cancelDue(container);
  if (!container.isLive) throw notRunning(container.id);
  const stopSignal = parseSignal(nonEmpty(container.record.config.StopSignal) ?? String(SIGTERM));
  if (number === SIGKILL || number === stopSignal) await requestStop(container);
  const ended = container.wait('not-running', signal);
  ended.catch(() => undefined); // awaited below, when at all
  await deliver(room, container, number);
  if (number !== SIGKILL) return;
  if (!(await within(ended, killedMs))) throw stopFailed(container);
  await cancelRestart(container); // as in `stopContainer`
}

export async function restartContainer(
  room: Room,
  container: Container,
  options: StopOptions,
  signal: AbortSignal,
): Promise<void> {
  await stopContainer(room, container, options, signal);
  await startContainer(room, container, signal);
  publish(room, container, 'restart');
}

/** Ends the wait for the next start of a container that keeps ending. @returns false when it does not wait */
export function cancelRestart(container: Container): Promise<boolean> {
  if (container.state.status !== 'restarting') return Promise.resolve(false);
  return container.exclusive(async () => {
    if (container.state.status !== 'restarting') return false; // it has just been started again
    clearTimeout(container.restartTimer);
    container.restartTimer = undefined;
    container.due = false;
    container.startWait = undefined;
    await container.moved('restart-cancelled', { stoppedByUser: true });
    container.signals.emit('ended', { StatusCode: container.state.exitCode });
    return true;
  });
}

/** Nobody is to start it any more. @returns false when nobody was to */
async function cancelDue(container: Container): Promise<boolean> {
  if (!container.due && container.state.due !== true) return false;
  container.due = false;
  container.startWait = undefined;
  await container.exclusive(async () => {
    const { state } = container;
    if (container.gone || (state.status !== 'exited' && state.status !== 'created')) return;
    await container.note({ state: { ...without(state, 'due'), stoppedByUser: true } });
  });
  return true;
}

async function requestStop(container: Container): Promise<void> {
  container.stopRequested = true;
  await container.exclusive(async () => {
    if (container.isLive) await container.note({ state: { ...container.state, stoppedByUser: true } });
  });
}

/** A paused container takes the signal when it goes on, so it does. */
async function deliver(room: Room, container: Container, number: number): Promise<void> {
  const { process } = container.state;
  if (process === undefined || !isAlive(process)) return; // its exit is on its way
  sendSignal(process.pid, number);
  publish(room, container, 'kill', { signal: String(number) });
  if (container.state.status === 'paused') await letGoOn(room, container);
}

/** Whether `ended` settles in time. It may reject only with the abort reason, which goes on to the caller. */
async function within(ended: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
    }, timerMs(ms));
  });
  try {
    return await Promise.race([ended.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function stopFailed({ id }: Container): TscomposeError<'container/stop-failed'> {
  return new TscomposeError({
    code: 'container/stop-failed',
    message: `cannot stop container: ${id}: it did not end within ${killedMs / 1000} s of being killed`,
    facts: { containerId: id },
  });
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
