import { existsSync, readFileSync, renameSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AttachOptions, LogOptions } from '../../../src/engine/containers/index.js';
import { eventually } from '../../support/engine-sandbox.js';
import { type Engine, engineForTests, missing, soon, text } from './support.js';

const allLogs: LogOptions = {
  follow: false,
  stdout: true,
  stderr: true,
  tail: 'all',
  timestamps: false,
  details: false,
};
const both: AttachOptions = { logs: false, stream: true, stdin: false, stdout: true, stderr: true };

describe.skipIf(missing !== undefined)(`what a container says and hears (needs ${missing ?? 'nothing more'})`, () => {
  let engine: Engine;
  engineForTests((opened) => (engine = opened));
  const logs = (id: string, change: Partial<LogOptions> = {}) =>
    engine.containers.logs(id, { ...allLogs, ...change }, soon()).output;

  test('the streams can be told apart', async () => {
    const { id } = await engine.sh('echo one; echo two >&2; echo three');
    const chunks: string[] = [];
    for await (const { stream, payload } of logs(id)) chunks.push(`${stream}:${payload.toString()}`);
    expect(chunks.sort().join('')).toMatch(/^1:.*2:two\n$/s);
    expect(await text(logs(id, { stderr: false }))).toBe('one\nthree\n');
    expect(await text(logs(id, { stdout: false }))).toBe('two\n');
  });

  test('the last lines, and lines since and until a moment', async () => {
    const { id } = await engine.sh('for i in 1 2 3 4 5; do echo $i; sleep 0.02; done');
    expect(await text(logs(id, { tail: 2 }))).toBe('4\n5\n');
    expect(await text(logs(id, { tail: 0 }))).toBe('');
    expect(await text(logs(id, { tail: 99 }))).toBe('1\n2\n3\n4\n5\n');
    const lines = (await text(logs(id, { timestamps: true }))).trim().split('\n');
    expect(lines[2]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z 3$/);
    const third = lines[2]?.split(' ')[0] ?? '';
    const ns = BigInt(Date.parse(third)) * 1_000_000n + BigInt(third.slice(23, 29));
    expect(await text(logs(id, { sinceNs: ns }))).toBe('3\n4\n5\n');
    expect(await text(logs(id, { untilNs: ns }))).toBe('1\n2\n3\n');
  });

  test('a line without an end, and bytes that are no text', async () => {
    const { id } = await engine.sh("printf 'no end'; printf '\\377\\000x'");
    const bytes: Buffer[] = [];
    for await (const { payload } of logs(id)) bytes.push(payload);
    expect(Buffer.concat(bytes)).toEqual(Buffer.from([...Buffer.from('no end'), 0xff, 0, 0x78]));
  });

  test('following ends with the container and misses nothing', async () => {
    const id = await engine.create({ Cmd: ['sh', '-c', 'i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done'] });
    await engine.containers.start(id, soon());
    const said = await text(logs(id, { follow: true }));
    expect(said).toBe(Array.from({ length: 3000 }, (_, index) => `${index}\n`).join(''));
  });

  test('a reader that leaves ends its following', async () => {
    const id = await engine.start({ Cmd: ['sh', '-c', 'while :; do echo t; sleep 0.01; done'] });
    const left = new AbortController();
    const { output } = engine.containers.logs(id, { ...allLogs, follow: true }, left.signal);
    let said = '';
    for await (const { payload } of output) {
      said += payload.toString();
      if (said.length > 2) left.abort();
    }
    expect(said).toMatch(/^(?:t\n){2,}$/);
  });

  test('a log that is rotated away while it is followed is read to its end', async () => {
    const LogConfig = { Type: 'json-file', Config: { 'max-size': '1k', 'max-file': '3' } };
    const script =
      'read go; i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); [ $((i % 100)) = 0 ] && read go; done';
    const id = await engine.create({ Cmd: ['sh', '-c', script], OpenStdin: true, HostConfig: { LogConfig } });
    const { rotateLog } = await import('../../../src/engine/containers/log-rotation.js');
    const session = await engine.containers.attach(id, { ...both, stdin: true }, soon());
    await engine.containers.start(id, soon());
    const followed = text(session.output);
    const { LogPath } = await engine.containers.inspect(id, { size: false });
    const room = { dir: `${engine.dirs.dataRoot}/containers`, runtimeDir: engine.dirs.runtimeDir, log: console };
    const container = { id, record: { hostConfig: { LogConfig } } };
    for (let round = 1; round <= 4; round += 1) {
      session.stdin?.write('go\n');
      await eventually(`round ${round}`, async () => (await engine.output(id)).includes(`line ${round * 100 - 1}\n`));
      rotateLog(room as never, container as never);
    }
    session.stdin?.write('go\n');
    expect(await followed).toBe(Array.from({ length: 400 }, (_, index) => `line ${index}\n`).join(''));
    expect(LogPath).not.toBe('');
  });

  test('a log whose rotation an engine did not finish goes on in a new file', async () => {
    const LogConfig = { Type: 'json-file', Config: {} };
    const id = await engine.create({ Cmd: ['sh', '-c', 'echo one; read go; echo two'], OpenStdin: true });
    const { stdin } = await engine.containers.attach(id, { ...both, stdin: true }, soon());
    await engine.containers.start(id, soon());
    await eventually('the first line', async () => (await engine.output(id)) !== '');
    const { LogPath } = await engine.containers.inspect(id, { size: false });
    renameSync(LogPath, `${LogPath}.1`);
    const { rotateLog } = await import('../../../src/engine/containers/log-rotation.js');
    const room = { dir: `${engine.dirs.dataRoot}/containers`, runtimeDir: engine.dirs.runtimeDir, log: console };
    rotateLog(room as never, { id, record: { hostConfig: { LogConfig } } } as never);
    await eventually('the new file', () => existsSync(LogPath));
    stdin?.write('go\n');
    await eventually('the rest', async () => (await engine.output(id)) === 'one\ntwo\n');
    expect(readFileSync(LogPath, 'utf8')).toContain('two');
  });

  test('who attaches before the start sees all of it', async () => {
    const id = await engine.create({ Cmd: ['sh', '-c', 'echo first; echo second >&2'] });
    const session = await engine.containers.attach(id, both, soon());
    expect(session.stdin).toBeUndefined();
    const said = text(session.output);
    await engine.containers.start(id, soon());
    expect((await said).split('\n').sort()).toEqual(['', 'first', 'second']);
  });

  test('who attaches later sees what comes, or with logs also what was', async () => {
    const script = 'echo early; until test -e /go; do sleep 0.05; done; echo late';
    const id = await engine.start({ Cmd: ['sh', '-c', script] });
    await eventually('the first line', async () => (await engine.output(id)) !== '');
    const sessions = [
      await engine.containers.attach(id, both, soon()),
      await engine.containers.attach(id, { ...both, logs: true }, soon()),
    ];
    const said = Promise.all(sessions.map(({ output }) => text(output)));
    await engine.exec(id, ['touch', '/go']);
    expect(await said).toEqual(['late\n', 'early\nlate\n']);
  });

  test('its input ends with the client where it has only one', async () => {
    const id = await engine.create({ Cmd: ['cat'], OpenStdin: true, StdinOnce: true, AttachStdin: true });
    const session = await engine.containers.attach(id, { ...both, stdin: true }, soon());
    session.stdin?.end('x'.repeat(200_000));
    const said = text(session.output);
    await engine.containers.start(id, soon());
    expect((await said).length).toBe(200_000);
    expect((await engine.containers.wait(id, 'not-running', soon()).ended).StatusCode).toBe(0);
  });

  test('a terminal hears, answers, changes its size and lets go by keys', async () => {
    const id = await engine.create({ Cmd: ['sh'], OpenStdin: true, Tty: true, HostConfig: { ConsoleSize: [11, 44] } });
    const session = await engine.containers.attach(id, { ...both, stdin: true }, soon());
    let said = '';
    const reading = (async () => {
      for await (const { payload } of session.output) said += payload.toString();
    })();
    await engine.containers.start(id, soon());
    session.stdin?.write('stty size\n');
    await eventually('the first size', () => said.includes('11 44'));
    await engine.containers.resize(id, { rows: 20, columns: 90 });
    session.stdin?.write('stty size\n');
    await eventually('the second size', () => said.includes('20 90'));
    session.stdin?.write(Buffer.from([16]));
    session.stdin?.write(Buffer.from([17]));
    await reading;
    expect((await engine.containers.inspect(id, { size: false })).State.Running).toBe(true);
  });

  test('one without a log still shows what it says to who is attached', async () => {
    const id = await engine.create({ Cmd: ['sh', '-c', 'echo seen'], HostConfig: { LogConfig: { Type: 'none' } } });
    const session = await engine.containers.attach(id, both, soon());
    const said = text(session.output);
    await engine.containers.start(id, soon());
    expect(await said).toBe('seen\n');
    expect(() => engine.containers.logs(id, allLogs, soon())).toThrow(
      'configured logging driver does not support reading',
    );
  });

  test('one without a log is heard to its end by a reader that is slower than it', async () => {
    // Line by line, more than we take unasked and less than the kernel holds: more would wait for us.
    const script = 'i=0; while [ $i -lt 100 ]; do echo "a line with a number of $i"; i=$((i+1)); sleep 0.003; done';
    const HostConfig = { LogConfig: { Type: 'none' } };
    const id = await engine.create({ Cmd: ['sh', '-c', script], HostConfig });
    const { output } = await engine.containers.attach(id, both, soon());
    const reader = output[Symbol.asyncIterator]();
    const first = reader.next();
    const { ended } = engine.containers.wait(id, 'next-exit', soon());
    await engine.containers.start(id, soon());
    let said = '';
    await Promise.all([first, ended]);
    for (let next = await first; next.done !== true; next = await reader.next()) said += next.value.payload.toString();
    expect(said).toBe(Array.from({ length: 100 }, (_, index) => `a line with a number of ${index}\n`).join(''));
  });

  test('a process beside it runs in its surroundings', async () => {
    const id = await engine.start({ Cmd: ['sleep', '60'], Env: ['MINE=1'], WorkingDir: '/srv', User: 'app' });
    expect(await engine.exec(id, ['sh', '-c', 'echo $MINE $PWD $HOME; id -u; exit 6'])).toEqual({
      exitCode: 6,
      output: '1 /srv /home/app\n1000\n',
    });
    const asRoot = await engine.containers.execCreate(id, { Cmd: ['id'], User: 'root', AttachStdout: true });
    const session = await engine.containers.execStart(asRoot.Id, {}, soon());
    expect(session === undefined ? '' : await text(session.output)).toContain('uid=0(root)');
    await expect(engine.containers.execStart(asRoot.Id, {}, soon())).rejects.toThrow('has already run');
  });

  test('a process beside it that cannot run says why, with its code', async () => {
    const id = await engine.start({ Cmd: ['sleep', '60'] });
    const { exitCode, output } = await engine.exec(id, ['nope']);
    expect(exitCode).toBe(127);
    expect(output).toContain('exec: "nope": executable file not found in $PATH');
  });

  test('a process left alone runs to its end', async () => {
    const id = await engine.start({ Cmd: ['sleep', '60'] });
    const { Id } = await engine.containers.execCreate(id, { Cmd: ['sh', '-c', 'echo done > /done; exit 2'] });
    expect(await engine.containers.execStart(Id, { Detach: true }, soon())).toBeUndefined();
    await eventually('its end', () => engine.containers.execInspect(Id).ExitCode === 2);
    expect((await engine.exec(id, ['cat', '/done'])).output).toBe('done\n');
  });

  test('nothing runs beside one that does not run', async () => {
    const id = await engine.create({});
    await expect(engine.containers.execCreate(id, { Cmd: ['true'] })).rejects.toThrow(`container ${id} is not running`);
  });
});
