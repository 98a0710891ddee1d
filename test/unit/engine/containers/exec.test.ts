import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { silentLog } from '../../../../src/base/log.js';
import { Container } from '../../../../src/engine/containers/container.js';
import { Execs } from '../../../../src/engine/containers/exec.js';
import type { ContainerRecord } from '../../../../src/engine/containers/record.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('a process that was never started is forgotten after an hour', () => {
  const record = { id: 'a', name: 'a', config: { Image: 'a' }, state: { status: 'running' } };
  const container = new Container(record as unknown as ContainerRecord, () => Promise.resolve(), silentLog);
  const oci = { announceMigration: () => undefined };
  const execs = new Execs({ events: { publish: () => undefined }, oci } as never);
  const make = () => execs.create(container, { Cmd: ['true'] }).Id;
  const first = make();
  vi.advanceTimersByTime(3_599_000);
  const second = make();
  expect(execs.idsOf(container)).toEqual([first, second]);
  vi.advanceTimersByTime(2_000);
  const third = make();
  expect(execs.idsOf(container)).toEqual([second, third]);
});
