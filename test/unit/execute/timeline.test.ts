import { expect, test } from 'vitest';
import { Timeline, waitAdvice, type StepRun } from '../../../src/execute/index.js';
import { chromeTrace, durationText, renderTimeline } from '../../../src/cli/render/timeline.js';
import { plainStyle } from '../../../src/cli/render/style.js';
import type { Operation } from '../../../src/plan/index.js';

const create = (name: string): Operation => ({
  ...{ kind: 'container.create', cause: '', service: name, number: 1, name, finalName: name },
  ...{ request: {}, hashInput: undefined, platform: undefined },
});
const on = (name: string, step: number) => ({ container: { name, service: name, step } });
const run = (id: number, after: number[], operation: Operation, beginMs: number, endMs: number): StepRun => ({
  ...{ step: { id, operation, after }, beginMs, endMs, failed: false },
});

/** db is slow to be healthy, cache is not waited for, web starts last. */
function chain(): Timeline {
  const timeline = new Timeline();
  timeline.begin();
  const pull: Operation = {
    kind: 'image.pull',
    cause: '',
    image: 'pg',
    services: ['db'],
    platform: undefined,
    optional: false,
  };
  timeline.add(run(1, [], pull, 1_000, 1_500));
  timeline.begin();
  const wait: Operation = {
    ...{ kind: 'container.wait', cause: '', service: 'db', containers: [on('db', 1).container], condition: 'healthy' },
    ...{ required: true, dependent: 'web', at: undefined },
  };
  timeline.add(run(1, [], create('db'), 1_500, 1_520));
  timeline.add(run(2, [], create('cache'), 1_500, 1_540));
  timeline.add(run(3, [1], { kind: 'container.start', cause: '', ...on('db', 1) }, 1_520, 1_600));
  timeline.add(run(4, [2], { kind: 'container.start', cause: '', ...on('cache', 2) }, 1_540, 1_700));
  timeline.add(run(5, [3], wait, 1_600, 4_600));
  timeline.add(run(6, [5], { kind: 'container.start', cause: '', ...on('web', 1) }, 4_600, 5_000));
  return timeline;
}

test('the critical path goes from the last step back over what each waited for, through all rounds', () => {
  const names = chain()
    .criticalPath()
    .map(({ step }) => step.operation.kind);
  expect(names).toEqual(['image.pull', 'container.create', 'container.start', 'container.wait', 'container.start']);
  expect(chain().totalMs).toBe(4_000);
});

test('the first health probe is a part of the wait, and of no path', () => {
  const timeline = chain();
  expect(timeline.waitedFor()).toEqual(['db']);
  timeline.noteFirstProbe('db', 1_000);
  const [, line] = renderTimeline(timeline, { columns: 100, style: plainStyle, blocks: false });
  expect(line).toMatch(/^\* db +#~{6,}-+ +create 20 ms, start 80 ms, first probe 1.0 s, healthy 3.0 s$/);
  expect(renderTimeline(timeline, { columns: 100, style: plainStyle, blocks: false }).at(-1)).not.toContain('probe');
});

test('the waterfall fits its columns and marks the critical path', () => {
  const layout = { style: plainStyle, blocks: false };
  expect(renderTimeline(chain(), { columns: 80, ...layout })).toMatchInlineSnapshot(`
    [
      "* image pg  ===                         pull 500 ms",
      "* db           --------------------     create 20 ms, start 80 ms, healthy 3.0 s",
      "  cache        ##                       create 40 ms, start 160 ms",
      "* web                              ###  start 400 ms",
      "",
      "4.0 s in all  = pull  . create  # start  - wait",
      "* image pg pull 500 ms → db create 20 ms → db start 80 ms → db healthy 3.0 s →",
      "  web start 400 ms",
    ]
  `);
  for (const columns of [40, 60, 100, 200]) {
    for (const line of renderTimeline(chain(), { columns, ...layout }))
      expect(line.length).toBeLessThanOrEqual(columns);
  }
  expect(renderTimeline(new Timeline(), { columns: 80, ...layout })).toEqual(['nothing was done']);
});

test('the trace has a complete event a step in microseconds', () => {
  const { traceEvents } = JSON.parse(chromeTrace(chain())) as {
    traceEvents: { ph: string; ts?: number; dur?: number; name: string }[];
  };
  const steps = traceEvents.filter(({ ph }) => ph === 'X');
  expect(steps).toHaveLength(7);
  expect(steps.find(({ name }) => name === 'healthy')).toMatchObject({ ts: 600_000, dur: 3_000_000 });
});

test('durations are told in the unit that fits', () => {
  expect([3, 999, 1_000, 59_900, 61_000].map(durationText)).toEqual(['3 ms', '999 ms', '1.0 s', '59.9 s', '1 min 1 s']);
});

test('a pause before the probe that passed is worth an advice, work of the service is not', () => {
  const at = (seconds: number) => new Date(1_000 * seconds).toISOString();
  const state = (...probes: (readonly [from: number, to: number, code: number])[]) =>
    ({
      State: {
        StartedAt: at(10),
        Health: {
          Log: probes.map(([from, to, code]) => ({ Start: at(from), End: at(to), ExitCode: code, Output: '' })),
        },
      },
    }) as Parameters<typeof waitAdvice>[1];
  expect(waitAdvice('db', state([15, 15.1, 0]))).toEqual({ service: 'db', waitedMs: 5_100, pausedMs: 5_000 });
  expect(waitAdvice('db', state([10, 10.1, 1], [20, 20.1, 0]))).toMatchObject({ pausedMs: 9_900 });
  expect(waitAdvice('db', state([10.1, 14, 0]))).toBeUndefined();
  expect(waitAdvice('db', state([10, 10.1, 1], [11, 11.1, 1], [12, 12.1, 0]))).toBeUndefined();
  expect(waitAdvice('db', state([15, 15.1, 1]))).toBeUndefined();
});
