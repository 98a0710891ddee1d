import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing } from '../../support/engine-sandbox.js';
import { EngineProcess } from '../server/engine-process.js';
import { figuresOf, report, sizeFrom } from './figures.js';

/** `TSCOMPOSE_LOUD_MEGABYTES=50` is the full size: what each container writes, half of it to stderr. */
const megabytes = sizeFrom('TSCOMPOSE_LOUD_MEGABYTES', 6);
const loud = ['loud1', 'loud2', 'loud3', 'loud4'];
const lineBytes = 100;
const lineCount = Math.floor((megabytes * 1_000_000) / lineBytes);
const longMs = 120_000 + megabytes * 6_000;
const soon = () => AbortSignal.timeout(longMs);

/** Even numbers to stdout, odd ones to stderr, as fast as they go; each line is of `lineBytes`. */
const script = `awk 'BEGIN {
  pad = sprintf("%${lineBytes - 10}s", ""); gsub(" ", "x", pad);
  for (i = 0; i < ${lineCount}; i++) {
    if (i % 2) printf "%08d %s\\n", i, pad > "/dev/stderr"; else printf "%08d %s\\n", i, pad
  }
}'`;

/** The log with times, from a time on or from its beginning. */
type ReadFrom = (since: string | undefined) => AsyncIterable<{ readonly stream: 1 | 2; readonly payload: Buffer }>;

/** Reads a log in as many requests as it takes, each going on where the last one was cut off. */
class Follower {
  /** Numbers seen, by stream. */
  readonly seen = { 1: [] as number[], 2: [] as number[] };
  readonly #last = { 1: '', 2: '' };
  readonly #broken: string[] = [];
  readonly #read: ReadFrom;

  constructor(read: ReadFrom) {
    this.#read = read;
  }

  get broken(): readonly string[] {
    return this.#broken;
  }

  /** Until the log ends or the connection does. */
  async go(): Promise<'ended' | 'cut off'> {
    const resumed = { ...this.#last };
    const known = { 1: new Set(this.seen[1].slice(-1_000)), 2: new Set(this.seen[2].slice(-1_000)) };
    const since = resumed[1] === '' || resumed[2] === '' ? undefined : [resumed[1], resumed[2]].sort()[0];
    if (since === undefined) this.seen[1].length = this.seen[2].length = 0;
    const rest = { 1: '', 2: '' };
    try {
      for await (const { stream, payload } of this.#read(since)) {
        const lines = (rest[stream] + payload.toString('latin1')).split('\n');
        rest[stream] = lines.pop() ?? '';
        for (const line of lines) {
          const [, time = '', number = '', pad = ''] = /^(\S+) (\d{8}) (x+)$/.exec(line) ?? [];
          if (pad.length !== lineBytes - 10) {
            // The first entry of a resumed log may be the end of a line whose beginning was seen, and so was all of it.
            if (since === undefined || time > since) this.#broken.push(line.slice(0, 80));
            continue;
          }
          if (since !== undefined && time <= resumed[stream] && known[stream].has(Number(number))) continue;
          if (since !== undefined && time < resumed[stream]) continue;
          this.seen[stream].push(Number(number));
          this.#last[stream] = time;
        }
      }
      return 'ended';
    } catch {
      return 'cut off';
    }
  }
}

describe.skipIf(engineMissing() !== undefined)(`${loud.length} containers that write ${megabytes} MB each`, () => {
  const engine = new EngineProcess({ TSCOMPOSE_IDLE_TIMEOUT: '600' });

  beforeAll(async () => {
    await engine.start();
    await engine.withBusybox();
  });
  afterAll(() => engine[Symbol.asyncDispose](), longMs);

  const logs = (name: string) => (since: string | undefined) =>
    engine.client.containers.logs(
      name,
      { follow: true, timestamps: true, ...(since === undefined ? {} : { since }) },
      soon(),
    );

  test(
    'are followed over the end and restart of the engine: every line once, in order, the streams apart',
    async () => {
      const followers = loud.map((name) => new Follower(logs(name)));
      const begun = performance.now();
      for (const name of loud) {
        await engine.client.containers.create({ Image: 'busybox', Cmd: ['sh', '-c', script] }, { name }, soon());
        await engine.client.containers.start(name, soon());
      }
      const following = followers.map((follower) => follower.go());
      const written = () => followers.reduce((sum, { seen }) => sum + seen[1].length + seen[2].length, 0);
      while (written() < (lineCount * loud.length) / 10) await sleep(5);
      await engine.kill('SIGKILL');
      const cut = await Promise.all(following);
      const before = written();
      await engine.start();
      const after = await Promise.all(followers.map((follower) => follower.go()));
      const ms = performance.now() - begun;

      expect(cut).toContain('cut off');
      expect(after).toEqual(loud.map(() => 'ended'));
      const numbers = (parity: number) => Array.from({ length: lineCount / 2 }, (_, index) => index * 2 + parity);
      const [even, odd] = [numbers(0), numbers(1)];
      for (const [index, { seen, broken }] of followers.entries()) {
        expect(broken, `torn lines of ${loud[index] ?? ''}`).toEqual([]);
        expect(equal(seen[1], even), `stdout of ${loud[index] ?? ''}: ${seen[1].length} of ${even.length}`).toBe(true);
        expect(equal(seen[2], odd), `stderr of ${loud[index] ?? ''}: ${seen[2].length} of ${odd.length}`).toBe(true);
      }
      report(`${loud.length} x ${megabytes} MB of output, followed`, {
        'lines before the kill': before,
        lines: written(),
        seconds: (ms / 1000).toFixed(1),
        'engine MB': figuresOf(engine.pid).residentKb >> 10,
      });
    },
    longMs,
  );
});

/** Much faster than a deep comparison of millions. */
function equal(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((number, index) => number === right[index]);
}
