import { describe, expect, test } from 'vitest';
import { buildProgress } from '../../../../src/engine/buildkit/progress/build-progress.js';
import { type Status, StatusLog } from '../../../../src/engine/buildkit/progress/status-log.js';
import { vertexReports } from '../../../../src/engine/buildkit/progress/vertexes.js';

const signal = AbortSignal.timeout(10_000);

/** Everything that a build said, heard after its end. */
async function heard(work: (log: StatusLog) => void): Promise<Status[]> {
  const log = new StatusLog();
  work(log);
  log.end();
  const all: Status[] = [];
  await log.follow((status) => all.push(status), signal);
  return all;
}

describe('progress', () => {
  test('is heard in full by who comes late, and by who was there', async () => {
    const log = new StatusLog();
    const early: Status[] = [];
    const following = log.follow((status) => early.push(status), signal);
    const reports = vertexReports(log, 'r');
    await reports.during('one', (vertex) => {
      vertex.output('said\n');
      vertex.piece('part', { current: 1, done: true });
      return Promise.resolve();
    });
    log.end();
    await following;
    const late: Status[] = [];
    await log.follow((status) => late.push(status), signal);
    expect(late).toEqual(early);
    expect(late.map((status) => Object.keys(status))).toEqual([['vertexes'], ['logs'], ['statuses'], ['vertexes']]);
  });

  test('names steps as BuildKit does, those of a stage by its name where there are several', async () => {
    const namesFor = async (stages: number, stage: string): Promise<(string | undefined)[]> => {
      const all = await heard((log) => {
        const { onProgress } = buildProgress(vertexReports(log, 'r'), () => '');
        const of = { stage, line: 1 };
        const steps = [
          { ...of, step: 0, instruction: 'FROM busybox', image: 'busybox', ordinal: { number: 1, of: 10 } },
          { ...of, step: 1, instruction: 'ENV A=1' },
          { ...of, step: 2, instruction: 'RUN echo $A', shown: 'RUN echo 1', ordinal: { number: 10, of: 10 } },
        ];
        onProgress({ tscompose: { kind: 'plan', stages, steps } });
        for (const { step } of steps) onProgress({ tscompose: { kind: 'cached', step, durationMs: 1 } });
      });
      return all.flatMap(({ vertexes = [] }) =>
        vertexes.map(({ name, cached }) => `${String(name)} ${String(cached)}`),
      );
    };
    expect(await namesFor(1, '0')).toEqual([
      '[ 1/10] FROM docker.io/library/busybox:latest true',
      '[10/10] RUN echo 1 true',
    ]);
    expect((await namesFor(2, '1'))[0]).toBe('[stage-1  1/10] FROM docker.io/library/busybox:latest true');
    expect((await namesFor(2, 'web'))[1]).toBe('[web 10/10] RUN echo 1 true');
  });

  test('keeps no more of what one step prints than BuildKit does', async () => {
    const all = await heard((log) => {
      const vertex = vertexReports(log, 'r').vertex('loud');
      for (let megabytes = 0; megabytes < 10; megabytes++) vertex.output('x'.repeat(1 << 20));
    });
    const texts = all.flatMap(({ logs = [] }) => logs.map(({ msg }) => Buffer.from(msg ?? []).toString()));
    expect(texts.map((text) => text.length)).toEqual([1 << 20, 1 << 20, 41]);
    expect(texts.at(-1)).toBe('[output clipped, log limit 2MiB reached]\n');
  });
});
