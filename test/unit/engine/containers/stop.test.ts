import { expect, test } from 'vitest';
import { silentLog } from '../../../../src/base/log.js';
import { Container } from '../../../../src/engine/containers/container.js';
import { type ContainerRecord, freshState } from '../../../../src/engine/containers/record.js';
import type { Room } from '../../../../src/engine/containers/room.js';
import { killContainer, stopContainer } from '../../../../src/engine/containers/stop.js';

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
