import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { composeLabels } from '../../../src/api/labels.js';
import { connectEngine, type EngineClient } from '../../../src/client/index.js';
import { converge, followLogs, readLogs, type LogEvent } from '../../../src/execute/index.js';
import { FakeEngine, type FakeContainer } from '../../support/fake-engine.js';
import { project } from '../../support/project.js';

let engine: FakeEngine;
let client: EngineClient;
let seen: string[];
const { signal } = new AbortController();
const desired = project({ services: { a: { image: 'busybox' }, b: { image: 'busybox' } } });

beforeEach(async () => {
  engine = await FakeEngine.start();
  client = connectEngine({ host: engine.host });
  seen = [];
});

afterEach(async () => {
  client.close();
  await engine.stop();
});

function onEvent(event: LogEvent): void {
  const name = event.source.name.replace('demo-', '');
  switch (event.kind) {
    case 'line':
      seen.push(`${name}${event.stream === 2 ? '!' : ''} ${event.text}`);
      break;
    case 'exited':
      seen.push(
        `${name} exited ${event.exitCode}${event.restarting ? ' restarting' : ''}${event.repeated ? ' as told' : ''}`,
      );
      break;
    case 'attached':
    case 'recreated':
    case 'unreadable':
      seen.push(`${name} ${event.kind}`);
  }
}

async function up(): Promise<void> {
  await converge(desired, {}, { client, project: desired, onEvent: () => undefined, signal });
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never happened; seen: ${seen.join('; ')}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function lines(): string[] {
  return seen.filter((text) => !text.endsWith('attached'));
}

function pair(): readonly [FakeContainer, FakeContainer] {
  return [engine.byName('demo-a-1'), engine.byName('demo-b-1')];
}

test('written logs come merged by time, however late a container answers', async () => {
  await up();
  const [a, b] = pair();
  for (let count = 1; count <= 50; count++) {
    engine.write(a, `a${count}`);
    engine.write(b, `b${count}`, 2);
  }
  engine.exit(b, 0);
  engine.slowLogs = 'demo-a-1';
  await readLogs({ client, project: 'demo', history: 'all', onEvent, signal });
  const expected = Array.from({ length: 50 }, (_, index) => [`a-1 a${index + 1}`, `b-1! b${index + 1}`]).flat();
  expect(lines()).toEqual(expected);
});

test('following loses no line between what is written and what comes', async () => {
  await up();
  const [a, b] = pair();
  let count = 0;
  const writing = setInterval(() => {
    for (let burst = 0; burst < 20; burst++) engine.write(count % 2 === 0 ? a : b, String(count++));
  }, 1);
  await until(() => count > 100);
  const follower = followLogs({ client, project: 'demo', history: 'all', onEvent, signal });
  await follower.opened;
  await until(() => count > 600);
  clearInterval(writing);
  engine.exit(a, 0);
  engine.exit(b, 5);
  follower.untilIdle();
  await follower.ended;
  const numbers = seen.flatMap((text) => /^[ab]-1 (\d+)$/.exec(text)?.[1] ?? []).map(Number);
  expect([...numbers].sort((x, y) => x - y)).toEqual(Array.from({ length: count }, (_, index) => index));
  expect(seen.filter((text) => text.includes('exited')).sort()).toEqual(['a-1 exited 0', 'b-1 exited 5']);
});

test('containers that start later are followed from their first line', async () => {
  const follower = followLogs({ client, project: 'demo', history: 'none', onEvent, signal });
  await follower.opened;
  engine.onStart = (container) => {
    engine.write(container, 'first');
    if (container.name === 'demo-b-1') engine.exit(container, 1);
  };
  await up();
  await until(() => lines().length >= 3);
  const [a] = pair();
  engine.write(a, 'second');
  await until(() => lines().length >= 4);
  expect(lines().filter((text) => text.startsWith('a-1'))).toEqual(['a-1 first', 'a-1 second']);
  expect(lines().filter((text) => text.startsWith('b-1'))).toEqual(['b-1 first', 'b-1 exited 1']);
  engine.exit(a, 0);
  follower.untilIdle();
  await follower.ended;
});

test('with no history only new lines of running containers come', async () => {
  await up();
  const [a, b] = pair();
  engine.write(a, 'old');
  engine.exit(b, 0);
  const follower = followLogs({ client, project: 'demo', history: 'none', onEvent, signal });
  await follower.opened;
  await until(() => engine.calls.filter((call) => call.endsWith('/logs')).length > 0);
  engine.write(a, 'new');
  await until(() => lines().length > 0);
  engine.exit(a, 0);
  follower.untilIdle();
  await follower.ended;
  expect(lines()).toEqual(['a-1 new', 'a-1 exited 0']);
});

test('a restarted container goes on where it was, no line lost or doubled', async () => {
  await up();
  const [a, b] = pair();
  engine.exit(b, 0);
  const follower = followLogs({ client, project: 'demo', history: 'all', onEvent, signal });
  await follower.opened;
  engine.write(a, 'one');
  await until(() => lines().includes('a-1 one'));
  engine.exit(a, 2);
  await until(() => lines().includes('a-1 exited 2'));
  engine.onStart = (container) => {
    engine.write(container, 'two');
  };
  await client.containers.start(a.id, signal);
  await until(() => lines().includes('a-1 two'));
  engine.exit(a, 0);
  follower.untilIdle();
  await follower.ended;
  expect(lines()).toEqual(['a-1 one', 'a-1 exited 2', 'a-1 two', 'a-1 exited 0']);
});

test('only the named services, and an end on abort', async () => {
  await up();
  const [a, b] = pair();
  const stop = new AbortController();
  const follower = followLogs({
    client,
    project: 'demo',
    services: ['b'],
    history: 'all',
    onEvent,
    signal: stop.signal,
  });
  await follower.opened;
  engine.write(a, 'hidden');
  engine.write(b, 'shown');
  await until(() => lines().length > 0);
  stop.abort(new Error('enough'));
  await expect(follower.ended).rejects.toThrow('enough');
  expect(lines()).toEqual(['b-1 shown']);
});

test.each([{ tail: 0 }, { since: '2027-01-01T00:00:00Z' }])('following with %j shows nothing older', async (bounds) => {
  await up();
  const [a, b] = pair();
  for (let count = 1; count <= 5; count++) engine.write(a, `old ${count}`);
  engine.exit(b, 0);
  const follower = followLogs({ client, project: 'demo', history: 'all', ...bounds, onEvent, signal });
  await follower.opened;
  await until(() => engine.calls.filter((call) => call.endsWith('/logs')).length >= 3);
  engine.write(a, 'new');
  engine.exit(a, 0);
  follower.untilIdle();
  await follower.ended;
  expect(lines()).toEqual(['a-1 new', 'a-1 exited 0']);
});

test('following from the last lines shows each once, though many have one stamp', async () => {
  await up();
  const [a, b] = pair();
  engine.exit(b, 0);
  for (const text of ['1', '2', '3', '4', '5']) engine.write(a, text);
  const stamp = a.log[0]?.time ?? '';
  a.log.forEach((line, index) => (a.log[index] = { ...line, time: stamp }));
  const follower = followLogs({ client, project: 'demo', history: 'all', tail: 2, onEvent, signal });
  await follower.opened;
  await until(() => engine.calls.filter((call) => call.endsWith('/logs')).length >= 3);
  engine.write(a, '6');
  engine.exit(a, 0);
  follower.untilIdle();
  await follower.ended;
  expect(lines()).toEqual(['a-1 4', 'a-1 5', 'a-1 6', 'a-1 exited 0']);
});

test('the last line of an ended container is shown also without a line end', async () => {
  await up();
  const [a, b] = pair();
  engine.write(a, 'done', 1, '');
  engine.exit(a, 0);
  engine.write(b, 'half a ', 1, '');
  const follower = followLogs({ client, project: 'demo', history: 'all', onEvent, signal });
  await follower.opened;
  await until(() => lines().includes('a-1 done'));
  engine.write(b, 'line');
  engine.exit(b, 0);
  follower.untilIdle();
  await follower.ended;
  expect(lines()).toEqual(['a-1 done', 'b-1 half a line', 'b-1 exited 0']);
});

describe('between two runs of a restart policy', () => {
  async function crashed(): Promise<FakeContainer> {
    await up();
    const [a, b] = pair();
    engine.exit(b, 0);
    return a;
  }

  test('a container is waited for, and each end is told with its code', async () => {
    const a = await crashed();
    const follower = followLogs({ client, project: 'demo', history: 'none', onEvent, signal });
    await follower.opened;
    await until(() => engine.calls.filter((call) => call.endsWith('/logs')).length > 0);
    follower.untilIdle();
    engine.exit(a, 3, 'restarting');
    await until(() => lines().length > 0);
    engine.begin(a);
    engine.write(a, 'again');
    await until(() => lines().includes('a-1 again'));
    engine.exit(a, 4);
    await follower.ended;
    expect(lines()).toEqual(['a-1 exited 3 restarting', 'a-1 again', 'a-1 exited 4']);
  });

  test.each(['stop', undefined])('one that is stopped (event: %s) has ended', async (action) => {
    const a = await crashed();
    const follower = followLogs({ client, project: 'demo', history: 'none', onEvent, signal });
    await follower.opened;
    await until(() => engine.calls.filter((call) => call.endsWith('/logs')).length > 0);
    if (action !== undefined) follower.untilIdle();
    engine.exit(a, 3, 'restarting');
    await until(() => lines().length > 0);
    a.state = { ...a.state, Status: 'exited', Running: false, Restarting: false };
    if (action === undefined) follower.untilIdle();
    else engine.emit(a, action);
    await follower.ended;
    expect(lines()).toEqual(['a-1 exited 3 restarting', 'a-1 exited 3 as told']);
  });

  test('one that is removed is no longer waited for', async () => {
    const a = await crashed();
    const follower = followLogs({ client, project: 'demo', history: 'none', onEvent, signal });
    await follower.opened;
    await until(() => engine.calls.filter((call) => call.endsWith('/logs')).length > 0);
    follower.untilIdle();
    engine.exit(a, 3, 'restarting');
    await until(() => lines().length > 0);
    engine.containers.delete(a.id);
    engine.emit(a, 'destroy');
    await follower.ended;
    expect(lines()).toEqual(['a-1 exited 3 restarting']);
  });
});

/** `b` has ended, and the follower ends with `a`. */
async function lastOfPair() {
  await up();
  const [a, b] = pair();
  const follower = followLogs({ client, project: 'demo', history: 'none', onEvent, signal });
  await follower.opened;
  follower.untilIdle();
  engine.exit(b, 0);
  return { a, follower };
}

test('what takes the place of a container is followed in its stead', async () => {
  const { a, follower } = await lastOfPair();
  const onProgress = (): void => undefined;
  const again = { services: ['a'], forceRecreate: true };
  await converge(desired, again, { client, project: desired, onEvent: onProgress, signal });
  const heir = engine.byName('demo-a-1');
  expect(heir.id).not.toBe(a.id);
  engine.write(heir, 'new');
  await until(() => lines().includes('a-1 new'));
  engine.exit(heir, 4);
  await follower.ended;
  expect(lines().filter((line) => line.startsWith('a-1'))).toEqual([
    'a-1 exited 0',
    'a-1 recreated',
    'a-1 new',
    'a-1 exited 4',
  ]);
});

test('a replacement that comes to nothing is not waited for', async () => {
  const { a, follower } = await lastOfPair();
  const heir = {
    ...a,
    id: 'e'.repeat(64),
    request: { ...a.request, Labels: { ...a.request.Labels, [composeLabels.replace]: a.id } },
  };
  engine.emit(heir, 'create');
  engine.exit(a, 0);
  await until(() => lines().includes('a-1 exited 0'));
  engine.emit(heir, 'destroy');
  await follower.ended;
});

test('news of a start that is known already neither holds up other containers nor doubles the end', async () => {
  await up();
  const [a, b] = pair();
  engine.exit(b, 0);
  const follower = followLogs({ client, project: 'demo', history: 'all', onEvent, signal });
  await follower.opened;
  engine.write(a, 'one');
  await until(() => lines().includes('a-1 one'));
  engine.emit(a, 'start'); // late: it began before we looked
  engine.begin(b);
  engine.write(b, 'again');
  await until(() => lines().includes('b-1 again'));
  engine.exit(b, 1);
  engine.exit(a, 0);
  follower.untilIdle();
  await follower.ended;
  expect(lines().sort()).toEqual(['a-1 exited 0', 'a-1 one', 'b-1 again', 'b-1 exited 1']);
});

test('containers of hooks are not followed', async () => {
  await up();
  const [a, b] = pair();
  engine.exit(b, 0);
  const follower = followLogs({ client, project: 'demo', history: 'none', onEvent, signal });
  await follower.opened;
  const Labels = Object.fromEntries(
    Object.entries(a.request.Labels ?? {}).filter(([label]) => label !== composeLabels.configHash),
  );
  const hook = { ...a, id: 'f'.repeat(64), name: 'hook', request: { ...a.request, Labels }, log: [] };
  engine.containers.set(hook.id, hook);
  engine.begin(hook);
  engine.begin(b);
  await until(() => seen.includes('b-1 attached'));
  for (const container of [hook, b, a]) engine.exit(container, 0);
  follower.untilIdle();
  await follower.ended;
  expect(seen.filter((text) => text.startsWith('hook'))).toEqual([]);
});
