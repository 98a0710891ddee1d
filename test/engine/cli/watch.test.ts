import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';

const missing = engineMissing();

/** Files of the burst; a checkout has 10,000. */
const burst = Number(process.env['TSCOMPOSE_WATCH_FILES'] ?? 500);

describe.skipIf(missing !== undefined)('watch', () => {
  let sandbox: EngineSandbox;
  let cwd: string;
  let watching: ReturnType<EngineSandbox['start']>;
  let said = '';
  const compose = `
name: watched
services:
  web:
    build: .
    command: [sh, -c, 'date +%s%N > /started; sleep 1000']
    stop_grace_period: 0s
    develop:
      watch:
        - {action: sync, path: ./src, target: /app, initial_sync: true, ignore: [skipped/]}
        - {action: sync+restart, path: ./conf, target: /conf}
        - {action: sync+exec, path: ./hook, target: /hook, exec: {command: [sh, -c, 'test ! -e /hook/fails && cat /hook/* > /reloaded']}}
        - {action: rebuild, path: ./word}
`;

  beforeAll(async () => {
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project('watched', {
      'compose.yaml': compose,
      Dockerfile: 'FROM busybox\nCOPY word /word\n',
      word: 'first\n',
      'src/there': 'there\n',
      'conf/c': 'one\n',
      'hook/h': 'one\n',
    });
    watching = sandbox.start(['watch', '--quiet'], { cwd, env: { XDG_RUNTIME_DIR: sandbox.folder } });
    watching.child.stdout?.on('data', (chunk: string) => (said += chunk));
    await eventually('it watches', () => said.includes('Watch enabled'), 60_000);
  });

  afterAll(async () => {
    watching.child.kill('SIGINT');
    expect((await watching.ended).exitCode).toBe(130);
    await sandbox[Symbol.asyncDispose]();
  });

  const inside = async (script: string): Promise<string> =>
    (await sandbox.run(['exec', '-T', 'web', 'sh', '-c', script], { cwd })).stdout;
  const put = (path: string, text: string): void => {
    writeFileSync(join(cwd, path), text);
  };

  test('what was there is there from the start', async () => {
    expect(await inside('cat /app/there')).toBe('there\n');
  });

  test('a changed, a renamed and a removed file, and one saved by renaming over it', async () => {
    put('src/new', 'new\n');
    await eventually('it is copied', async () => (await inside('cat /app/new')) === 'new\n');
    renameSync(join(cwd, 'src/new'), join(cwd, 'src/moved'));
    put('src/.there.tmp', 'saved\n');
    renameSync(join(cwd, 'src/.there.tmp'), join(cwd, 'src/there'));
    await eventually('both are', async () => (await inside('cd /app; ls; cat there')) === 'moved\nthere\nsaved\n');
    rmSync(join(cwd, 'src/moved'));
    await eventually('it is gone', async () => (await inside('ls /app')) === 'there\n');
  });

  test('nothing is written or removed through a link that the container has below the target', async () => {
    await inside('mkdir /elsewhere; echo kept > /elsewhere/file; ln -s /elsewhere /app/linked');
    mkdirSync(join(cwd, 'src/linked'));
    put('src/linked/file', 'mine\n');
    await eventually('it is a folder now', async () => (await inside('cat /app/linked/file')) === 'mine\n');
    await inside('rm -r /app/linked; ln -s /elsewhere /app/linked');
    rmSync(join(cwd, 'src/linked/file'));
    put('src/after', '');
    await eventually('later changes are there', async () => (await inside('ls /app')).includes('after'));
    expect(await inside('cat /elsewhere/file')).toBe('kept\n');
    rmSync(join(cwd, 'src/linked'), { recursive: true });
    rmSync(join(cwd, 'src/after'));
    await eventually('all is gone', async () => (await inside('ls /app')) === 'there\n');
  });

  test('a changed file is in the container within a moment', async () => {
    let quickestMs = Infinity; // of some, for any of them may be held up by what else there is to do
    for (let round = 0; round < 5 && quickestMs >= 1_000; round += 1) {
      // The container looks itself, so that no start of a command is measured.
      const script = `echo ${round} > /ready; until [ -e /app/fast-${round} ]; do usleep 2000; done; date +%s%N`;
      const waiting = inside(script);
      await eventually('it looks', async () => (await inside('cat /ready')) === `${round}\n`);
      const begun = Date.now();
      put(`src/fast-${round}`, 'x');
      quickestMs = Math.min(quickestMs, Number((await waiting).slice(0, -7)) - begun);
    }
    expect(quickestMs).toBeLessThan(1_000); // 100 ms on a quiet machine
  });

  test('a burst arrives whole, without what is ignored', async () => {
    mkdirSync(join(cwd, 'src/many'));
    mkdirSync(join(cwd, 'src/skipped'));
    for (let index = 0; index < burst; index += 1) put(`src/many/${index}`, 'x');
    put('src/skipped/x', 'x');
    await eventually(
      'all are there',
      async () => (await inside('ls /app/many | wc -l')).trim() === String(burst),
      60_000,
    );
    expect(await inside('ls /app')).not.toContain('skipped');
    rmSync(join(cwd, 'src/many'), { recursive: true });
    await eventually('all are gone', async () => !(await inside('ls /app')).includes('many'), 60_000);
  });

  test('sync+restart restarts with the new file', async () => {
    const before = await inside('cat /started');
    put('conf/c', 'two\n');
    await eventually('it runs anew', async () => {
      const now = await inside('cat /started');
      return now !== '' && now !== before;
    });
    expect(await inside('cat /conf/c')).toBe('two\n');
  });

  test('sync+exec runs its command with the new file', async () => {
    put('hook/h', 'reload\n');
    await eventually('it ran', async () => (await inside('cat /reloaded')) === 'reload\n');
  });

  test('what cannot be done is told, and the next save is carried out', async () => {
    put('hook/h', 'broken\n');
    put('hook/fails', '');
    await eventually('it says so', () => said.includes('cannot run sync+exec of service "web"'));
    rmSync(join(cwd, 'hook/fails'));
    put('src/after', 'after\n');
    await eventually('it goes on', async () => (await inside('cat /app/after')) === 'after\n');
    expect(await inside('ls /hook')).toBe('h\n');
    await inside('mv /bin/rm /bin/rm.away');
    rmSync(join(cwd, 'src/after'));
    await eventually('it says so', () => said.includes('service "web" keeps files that are gone here'));
    put('src/last', 'last\n');
    await eventually('it goes on', async () => (await inside('cat /app/last')) === 'last\n');
    await inside('mv /bin/rm.away /bin/rm');
  });

  test('rebuild replaces the container', async () => {
    put('word', 'second\n');
    await eventually('it has the new image', async () => (await inside('cat /word')) === 'second\n', 60_000);
    expect(said).toContain('Rebuilding service "web" after 1 change was detected...');
  });

  test('a second watch of the project is refused', async () => {
    const env = { XDG_RUNTIME_DIR: sandbox.folder };
    const second = await sandbox.run(['watch', '--no-up'], { cwd, env });
    expect(second).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('exclusive lock') as string });
  });

  test('without rules there is nothing to watch', async () => {
    const plain = sandbox.project('plain', { 'compose.yaml': 'services: {a: {image: busybox}}\n' });
    const result = await sandbox.run(['watch', '--no-up'], { cwd: plain });
    expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('"develop"') as string });
  });

  test('up --watch watches while it shows output, and ends when it is interrupted', async () => {
    const both = sandbox.project('both', {
      'compose.yaml':
        'services: {web: {image: busybox, command: sleep 1000, stop_grace_period: 0s, develop: {watch: [{action: sync, path: ./src, target: /app}]}}}\n',
      'src/a': 'a\n',
    });
    const { child, ended } = sandbox.start(['up', '--watch'], { cwd: both, env: { XDG_RUNTIME_DIR: sandbox.folder } });
    let seen = '';
    child.stdout?.on('data', (chunk: string) => (seen += chunk));
    await eventually('it watches', () => seen.includes('Watch enabled'));
    writeFileSync(join(both, 'src/b'), 'b\n');
    await eventually('it is copied', async () => {
      return (await sandbox.run(['exec', '-T', 'web', 'cat', '/app/b'], { cwd: both })).stdout === 'b\n';
    });
    child.kill('SIGINT');
    expect((await ended).exitCode).toBe(130);
    for (const flag of ['-d', '--no-build']) {
      const refused = await sandbox.run(['up', '--watch', flag], { cwd: both });
      expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('exclude each other') as string });
    }
  });
});
