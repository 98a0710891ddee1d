import { expect, test } from 'vitest';
import type { EngineEvent } from '../../../../src/api/events.js';
import { createEventHub, type EventHub } from '../../../../src/engine/events/index.js';
import { matchesEvent } from '../../../../src/engine/events/match.js';

function publish(hub: EventHub, action: string, attributes: Record<string, string> = {}, id = 'c1'): void {
  hub.publish({ Type: 'container', Action: action, Actor: { ID: id, Attributes: attributes } });
}

async function actions(events: AsyncIterable<EngineEvent>, stopAfter = Infinity): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of events) {
    seen.push(event.Action);
    if (seen.length >= stopAfter) break;
  }
  return seen;
}

function hubAt(times: bigint[]): EventHub {
  let last = 0n;
  return createEventHub(() => (last = times.shift() ?? last + 1_000_000_000n));
}

const signal = new AbortController().signal;

test('a subscription counts from the call, not from the first read', async () => {
  const hub = hubAt([]);
  const events = hub.subscribe({}, signal);
  publish(hub, 'create');
  publish(hub, 'start');
  expect(await actions(events, 2)).toEqual(['create', 'start']);
});

test('every subscriber gets every event', async () => {
  const hub = hubAt([]);
  const both = [hub.subscribe({}, signal), hub.subscribe({}, signal)].map((events) => actions(events, 1));
  publish(hub, 'die');
  expect(await Promise.all(both)).toEqual([['die'], ['die']]);
});

test('since replays what is remembered, an until in the past ends there', async () => {
  const hub = hubAt([1n, 2n, 3n, 4n, 100n, 100n]);
  for (const action of ['one', 'two', 'three', 'four']) publish(hub, action);
  expect(await actions(hub.subscribe({ sinceNs: 2n, untilNs: 3n }, signal))).toEqual(['two', 'three']);
});

test('an until in the past alone means all that is remembered before it', async () => {
  const hub = hubAt([1n, 2n, 100n, 100n]);
  publish(hub, 'one');
  publish(hub, 'two');
  expect(await actions(hub.subscribe({ untilNs: 1n }, signal))).toEqual(['one']);
});

test('a stream ends by itself at an until in the future', async () => {
  const nowNs = BigInt(Date.now()) * 1_000_000n; // its clock stands still: what is published comes before the end
  const hub = createEventHub(() => nowNs);
  const untilNs = nowNs + 30_000_000n;
  const events = hub.subscribe({ untilNs }, signal);
  publish(hub, 'before');
  expect(await actions(events)).toEqual(['before']);
});

test('an abort ends the stream after what has come', async () => {
  const hub = hubAt([]);
  const controller = new AbortController();
  const events = hub.subscribe({}, controller.signal);
  publish(hub, 'start');
  controller.abort();
  publish(hub, 'late');
  expect(await actions(events)).toEqual(['start']);
});

test('two events never have the same time, whatever the clock does', async () => {
  const hub = hubAt([5_000_000_000n, 5_000_000_000n, 4_000_000_000n, 9_000_000_000n]);
  for (const action of ['a', 'b', 'c']) publish(hub, action);
  expect(await actions(hub.subscribe({ sinceNs: 5_000_000_001n, untilNs: 5_000_000_001n }, signal))).toEqual(['b']);
});

test('a reader who falls far behind is cut off and keeps what it has', async () => {
  const hub = hubAt([]);
  const events = hub.subscribe({}, signal);
  for (let index = 0; index < 10_001; index += 1) publish(hub, String(index));
  expect(await actions(events)).toHaveLength(10_000);
});

const sample: EngineEvent = {
  Type: 'container',
  Action: 'health_status: healthy',
  Actor: { ID: 'abcdef', Attributes: { name: 'web-1', image: 'me/app:2', tier: 'front', empty: '' } },
  scope: 'local',
  time: 1,
  timeNano: 1,
};

test.each([
  [{ type: ['container', 'image'] }, true],
  [{ type: ['network'] }, false],
  [{ event: ['health_status'] }, true],
  [{ event: ['health_status: healthy'] }, true],
  [{ event: ['health_status: unhealthy'] }, false],
  [{ container: ['web-1'] }, true],
  [{ container: ['abc'] }, true],
  [{ container: ['web'] }, false],
  [{ label: ['tier=front', 'empty'] }, true],
  [{ label: ['tier=front', 'tier=back'] }, false],
  [{ image: ['me/app'] }, true],
  [{ image: ['me/app:2'] }, true],
  [{ image: ['me/app:1'] }, false],
  [{ network: ['abcdef'] }, false],
  [{ type: ['container'], label: ['absent'] }, false],
  [{ type: [] }, true],
])('the filters %j find a health event of a container: %j', (filters, found) => {
  expect(matchesEvent(sample, filters)).toBe(found);
});
