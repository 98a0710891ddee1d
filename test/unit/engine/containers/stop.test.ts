import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/base/log.js';
import { Container } from '../../../../src/engine/containers/container.js';
import { type ContainerRecord, freshState } from '../../../../src/engine/containers/record.js';
import type { Room } from '../../../../src/engine/containers/room.js';
import { heldStill } from '../../../../src/engine/containers/pause.js';
import { killContainer, stopContainer } from '../../../../src/engine/containers/stop.js';
import { processStartTime } from '../../../../src/engine/sys/index.js';

/** One that has just ended, while the engine still writes down that it is to be started again. */
function endingContainer(): { readonly container: Container; readonly written: () => void } {
  let written = (): void => undefined;
  const writing = new Promise<void>((resolve) => (written = resolve));
  const record = { id: 'c', config: {}, state: { ...freshState, status: 'running' } } as unknown as ContainerRecord;
  const container = new Container(record, () => writing, silentLog);
  void container.exclusive(() => container.move('will-restart'));
  void container.exclusive(() => Promise.resolve()); // something else waits for its turn
  return { container, written };
}

const told: string[] = [];
// There is no process to do anything with.
const room = { events: { publish: ({ Action }: { Action: string }) => told.push(Action) } } as unknown as Room;
const signal = new AbortController().signal;

test.each([
  ['stop', (container: Container) => stopContainer(room, container, {}, signal)],
  ['kill', (container: Container) => killContainer(room, container, 'KILL', signal)],
])('a container that ends by itself as it is told to %s is not started again', async (_, end) => {
  const { container, written } = endingContainer();
  const ended = end(container);
  written();
  await ended;
  expect(container.state).toMatchObject({ status: 'exited', stoppedByUser: true });
});

test('one that is stopped between two runs tells of it, as one that runs does', async () => {
  const { container, written } = endingContainer();
  written();
  await container.idle();
  told.length = 0;
  expect(await stopContainer(room, container, {}, signal)).toBe(true);
  expect(told).toEqual(['stop']);
});

/** A paused container on cgroup v2: SIGKILL ends its process although that is held, and crun refuses to resume it then. */
function pausedContainer() {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const died = once(child, 'exit');
  const pid = child.pid ?? 0;
  const process = { pid, startTime: processStartTime(pid) ?? '' };
  const state = { ...freshState, status: 'running', process };
  const record = { id: 'c', config: {}, state } as unknown as ContainerRecord;
  const container = new Container(record, () => Promise.resolve(), silentLog);
  const resume = async () => {
    await died;
    throw new Error('crun resume failed: the container `c` is not running');
  };
  void died
    .then(() => container.idle())
    .then(() => container.exclusive(() => container.moved('exited')))
    .then(() => container.signals.emit('ended', { StatusCode: 137 }));
  return { room: { ...room, oci: { resume, pause: () => Promise.resolve() } } as unknown as Room, container, pid };
}

test('a paused container that SIGKILL has ended is not resumed, which is no failure', async () => {
  const { room, container } = pausedContainer();
  await container.move('pause');
  await killContainer(room, container, 'KILL', signal);
  expect(container.state.status).toBe('exited');
});

test('one that is killed while it is held still for a commit has nothing to go on with', async () => {
  const { room, container, pid } = pausedContainer();
  const work = () => Promise.resolve(process.kill(pid, 'SIGKILL'));
  expect(await heldStill(room, container, { pause: true }, work)).toBe(true);
});
