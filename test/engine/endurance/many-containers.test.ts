import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing } from '../../support/engine-sandbox.js';
import { hostStateOnce, leftBehind, readHostState, type HostState } from '../../support/host-state.js';
import { EngineProcess } from '../server/engine-process.js';
import { figuresOf, inParallel, report, sizeFrom, type ProcessFigures } from './figures.js';

/** `TSCOMPOSE_MANY_CONTAINERS=200` is the full size, which takes some minutes. */
const count = sizeFrom('TSCOMPOSE_MANY_CONTAINERS', 16);
const longMs = 60_000 + count * 6_000;
const soon = () => AbortSignal.timeout(longMs);
const names = Array.from({ length: count }, (_, index) => `c${index + 1}`);
const network = 'crowd';

describe.skipIf(engineMissing() !== undefined)(`${count} containers on one network`, () => {
  const engine = new EngineProcess({ TSCOMPOSE_IDLE_TIMEOUT: '600' });
  const ids = new Map<string, string>();

  beforeAll(async () => {
    await engine.start();
    await engine.withBusybox();
    await engine.client.networks.create({ Name: network, Driver: 'bridge' }, soon());
    for (const name of names) {
      const request = {
        ...{ Image: 'busybox', Cmd: ['sleep', '100000'], StopSignal: 'SIGKILL' },
        HostConfig: { NetworkMode: network },
        NetworkingConfig: { EndpointsConfig: { [network]: {} } },
      };
      ids.set(name, (await engine.client.containers.create(request, { name }, soon())).Id);
    }
  }, longMs);
  afterAll(() => engine[Symbol.asyncDispose](), longMs);

  const idOf = (name: string) => ids.get(name) ?? '';
  const sh = async (name: string, script: string): Promise<string> => {
    const { exec } = engine.client;
    const request = { Cmd: ['sh', '-c', script], AttachStdout: true, AttachStderr: true };
    const { Id } = await exec.create(idOf(name), request, soon());
    let said = '';
    for await (const { payload } of (await exec.start(Id, {}, soon())).output) said += payload.toString();
    return said;
  };
  /** Which of all names each of `askers` cannot resolve; nobody can resolve `nobody`. */
  const unresolved = async (askers: readonly string[]): Promise<Record<string, string>> => {
    const script = `missing=; for n in ${names.join(' ')} nobody; do nslookup -type=a $n >/dev/null 2>&1 || missing="$missing $n"; done; echo "$missing"`;
    const failed: Record<string, string> = {};
    await inParallel(askers, 4, async (name) => {
      const missing = (await sh(name, script)).trim();
      if (missing !== 'nobody') failed[name] = missing;
    });
    return failed;
  };

  test(
    'start in a time and with a memory that grow no faster than their number',
    async () => {
      const quarter = Math.ceil(count / 4);
      const marks: (ProcessFigures & { readonly ms: number })[] = [];
      const idle = figuresOf(engine.pid);
      for (let from = 0; from < count; from += quarter) {
        const begun = performance.now();
        await inParallel(names.slice(from, from + quarter), 3, (name) =>
          engine.client.containers.start(idOf(name), soon()),
        );
        marks.push({ ...figuresOf(engine.pid), ms: (performance.now() - begun) / quarter });
      }
      const [first, last] = [marks[0], marks.at(-1)];
      if (first === undefined || last === undefined) throw new Error('bug: nothing was measured');
      report(`${count} containers`, {
        'ms a start, by quarter': marks.map(({ ms }) => ms.toFixed(1)).join(' '),
        'engine MB, before and by quarter': [idle, ...marks].map(({ residentKb }) => residentKb >> 10).join(' '),
        'open files, before and by quarter': [idle, ...marks].map(({ files }) => files).join(' '),
      });
      // Of a few, what else the machine does says more than their number.
      if (count >= 100) expect(last.ms).toBeLessThan(first.ms * 2 + 50);
      expect(last.residentKb - idle.residentKb).toBeLessThan(30 * 1024 + count * 512);
      expect(last.files - idle.files).toBeLessThan(20 + count * 6);
    },
    longMs,
  );

  test(
    'all resolve each other',
    async () => {
      const begun = performance.now();
      expect(await unresolved(names)).toEqual({});
      report(`${count * count} names`, { 'ms each': ((performance.now() - begun) / count ** 2).toFixed(2) });
    },
    longMs,
  );

  test(
    'go on when the engine is killed, and are resolved by the next one',
    async () => {
      await engine.kill('SIGKILL');
      const begun = performance.now();
      await engine.start();
      report(`engine restart over ${count} containers`, { ms: Math.round(performance.now() - begun) });
      const running = await engine.client.containers.list({}, soon());
      expect(running).toHaveLength(count);
      expect(await unresolved([names[0] ?? '', names.at(-1) ?? ''])).toEqual({});
    },
    longMs,
  );

  test(
    'stop and are removed in a time that grows no faster than their number, and leave nothing',
    async () => {
      const before = readHostState();
      const half = Math.ceil(count / 2);
      const times: number[] = [];
      for (const part of [names.slice(0, half), names.slice(half)]) {
        const begun = performance.now();
        await inParallel(part, 3, (name) => engine.client.containers.stop(idOf(name), { timeoutS: 0 }, soon()));
        await inParallel(part, 3, (name) => engine.client.containers.remove(idOf(name), { force: true }, soon()));
        times.push((performance.now() - begun) / Math.max(part.length, 1));
      }
      report(`${count} containers`, { 'ms a stop and remove, by half': times.map((ms) => ms.toFixed(1)).join(' ') });
      const ownLinks = (state: HostState) => state.links.filter((name) => name.startsWith('tscv'));
      const after = await hostStateOnce((state) => ownLinks(state).length === 0);
      expect(leftBehind(before, after, engine.engineId())).toEqual({});
      expect(ownLinks(after)).toEqual([]);
      expect(after.processes.filter((line) => line.includes(engine.runtimeDir) && line.includes('conmon'))).toEqual([]);
    },
    longMs,
  );
});
