import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox } from '../../support/engine-sandbox.js';
import { GitServer } from '../../support/git-server.js';
import { RegistryServer } from '../../support/registry-server.js';

/** The tests are one story: tags and branches move in the first, and the lock in those that follow. */
describe.skipIf(engineMissing() !== undefined)('compose.lock', () => {
  const registry = new RegistryServer();
  const git = new GitServer();
  let sandbox: EngineSandbox;
  let cwd: string;
  let lockFile: string;
  let firstCommit: string;

  beforeAll(async () => {
    await Promise.all([registry.listen(), git.listen()]);
    sandbox = await new EngineSandbox().withBusybox();
    const app = `${registry.host}/app:1`;
    cwd = sandbox.project('locked', {
      'compose.yaml': `
name: locked
services:
  web: {image: "${app}", command: cat /made, pull_policy: always}
  here: {image: busybox, command: echo here}
  derived:
    image: locked-derived
    build:
      context: .
      args: {BASE: "${app}"}
  fetched: {build: "http://${git.host}/context.git#main:sub"}
  later: {image: "${app}", profiles: [later]}
`,
      Dockerfile: `
ARG BASE
FROM ${registry.host}/absent:1 AS unneeded
FROM $BASE AS one
FROM busybox
COPY --from=one /made /one
COPY --from=${app} /made /two
COPY --from=one /fired/text /three
CMD cat /one /two /three
`,
      'app/compose.yaml': `
name: app
services:
  app:
    image: "${app}"
    build:
      context: .
      dockerfile_inline: |
        FROM busybox
        RUN echo \${WHICH} > /made
        ONBUILD ADD http://${git.host}/context.git#main:sub /fired
`,
    });
    lockFile = join(cwd, 'compose.lock');
    await pushApp('first');
    firstCommit = git.commit('context', {
      'sub/Dockerfile': 'FROM busybox\nCOPY text /text\nCMD cat /text\n',
      'sub/text': 'first\n',
    });
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
    await Promise.all([registry.close(), git.close()]);
  });

  /** Puts an image into the registry under the one tag there is, and keeps nothing of it here. */
  async function pushApp(which: string): Promise<void> {
    const folder = { cwd: join(cwd, 'app'), env: { WHICH: which } };
    await sandbox.ok(['build', '--push', '--quiet'], folder);
    await sandbox.ok(['down', '--rmi', 'all'], folder);
  }
  const run = (args: readonly string[], env: Record<string, string> = {}) =>
    sandbox.run(args, { cwd, env: { CI: '', ...env } });
  const ok = (...args: string[]) => sandbox.ok(args, { cwd, env: { CI: '' } });
  const lock = () => readFileSync(lockFile, 'utf8');
  /** Digests by the order in which they are met. */
  const numbered = (text: string): string => {
    const seen: string[] = [];
    const number = (digest: string): string => {
      if (!seen.includes(digest)) seen.push(digest);
      return `sha256:${seen.indexOf(digest) + 1}`;
    };
    return text
      .replaceAll(/sha256:[0-9a-f]{64}/g, number)
      .replaceAll(registry.host, 'HOST')
      .replaceAll(git.host, 'GIT')
      .replaceAll(`linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`, 'PLATFORM');
  };

  test('has digests of images and bases, commits, and the ids of images that no registry has', async () => {
    const { exitCode, stdout, stderr } = await run(['lock']);
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('wrote compose.lock')]);
    expect(stderr).toContain('busybox:latest is not in a registry');
    expect(stdout.match(/^\+ /gm)).toHaveLength(8);
    expect(
      numbered(lock())
        .replaceAll(firstCommit, 'FIRST')
        .replaceAll(/^#.*\n/gm, ''),
    ).toMatchInlineSnapshot(`
      "version: 1
      services:
        derived:
          bases:
            HOST/app:1:
              digest: sha256:1
              platforms:
                PLATFORM: sha256:1
            busybox:latest:
              local: sha256:2
          commits:
            http://GIT/context.git#main:sub: FIRST
        fetched:
          bases:
            busybox:latest:
              local: sha256:2
          commits:
            http://GIT/context.git#main:sub: FIRST
        here:
          images:
            busybox:latest:
              local: sha256:2
        later:
          images:
            HOST/app:1:
              digest: sha256:1
              platforms:
                PLATFORM: sha256:1
        web:
          images:
            HOST/app:1:
              digest: sha256:1
              platforms:
                PLATFORM: sha256:1
      "
    `);
    const written = lock();
    expect((await run(['lock'])).stderr).toContain('compose.lock is up to date');
    expect(lock()).toBe(written);
  });

  test('keeps tags and branches where they were', async () => {
    await pushApp('second');
    git.commit('context', { 'sub/text': 'second\n' });
    await ok('build', '--pull');
    await ok('pull', '--quiet', 'web');
    const { stdout } = await run(['up', '--frozen', '--no-log-prefix', '--no-color']);
    expect(
      stdout
        .split('\n')
        .filter((line) => /^(first|second|here)$/.test(line))
        .sort(),
    ).toEqual([
      ...['first', 'first', 'first', 'first', 'first'], // web, derived three times, fetched
      'here',
    ]);
    expect(await run(['plan', '--frozen', '--no-start'])).toMatchObject({ exitCode: 0, stdout: 'nothing to do\n' });
  });

  test('shows with --diff what would change, and changes nothing', async () => {
    const before = lock();
    const { exitCode, stdout } = await run(['lock', '--diff']);
    expect(exitCode).toBe(2);
    expect(
      stdout
        .split('\n')
        .map((line) => line.split('  ').slice(0, 2).join('  ').replace(registry.host, 'HOST').replace(git.host, 'GIT')),
    ).toEqual([
      '~ derived  base HOST/app:1',
      '~ derived  commit http://GIT/context.git#main:sub',
      '~ fetched  commit http://GIT/context.git#main:sub',
      '~ later  image HOST/app:1',
      '~ web  image HOST/app:1',
      '',
    ]);
    expect(lock()).toBe(before);
  });

  test('renews with --update only what the services use that are named', async () => {
    expect((await run(['lock', '--update'])).stderr).toContain('say which services');
    expect(await ok('lock', '--update', 'web')).toMatch(/^~ web {2}image [^\n]*\n$/);
    expect(await ok('run', '--rm', '-T', 'web')).toBe('second\n');
    expect(await ok('run', '--rm', '-T', 'derived')).toBe('first\nfirst\nfirst\n');
  });

  describe('that has not all', () => {
    const more = ['-f', 'compose.yaml', '-f', 'more.yaml'];
    beforeAll(() => {
      writeFileSync(join(cwd, 'more.yaml'), `services:\n  new: {image: "${registry.host}/app:2"}\n`);
    });

    test.each([
      [['up', '--frozen']],
      [['create', '--frozen']],
      [['pull', '--frozen']],
      [['build', '--frozen']],
      [['run', '--frozen', 'web']],
    ])('ends %j with service, place and remedy', async (words) => {
      const { exitCode, stderr } = await run([...more, ...words]);
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`more.yaml:2:16: compose.lock has no entry for ${registry.host}/app:2 of service "new"`);
      expect(stderr).toContain('hint: tscompose lock --update new');
    });

    test('ends up by itself where CI is set, unless --no-frozen says otherwise', async () => {
      expect(await run([...more, 'up', '-d', 'web'], { CI: 'true' })).toMatchObject({ exitCode: 1 });
      const loose = await run([...more, 'up', '-d', '--no-frozen', '--no-deps', 'web'], { CI: 'true' });
      expect([loose.exitCode, loose.stderr]).toEqual([
        0,
        expect.stringContaining('more.yaml:2:16: warning: compose.lock has no entry'),
      ]);
      const others = [
        ['create', '--no-frozen', 'here'],
        ['pull', '--no-frozen', 'here'],
        ['build', '--no-frozen', 'derived'],
        ['run', '--no-frozen', '--no-deps', 'web'],
        ['plan', '--no-frozen', 'here'],
      ];
      const done = await Promise.all(others.map((words) => run([...more, '--dry-run', ...words], { CI: '1' })));
      expect(done.map((one) => one.exitCode)).toEqual([0, 0, 0, 0, 2]);
      expect((await run([...more, 'up', '-d', '--frozen', '--no-frozen', 'web'])).exitCode).not.toBe(0);
    });

    test('notices a base that a Dockerfile has got since', async () => {
      const path = join(cwd, 'Dockerfile');
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, text.replace('FROM busybox', `FROM ${registry.host}/other:1`));
      const { exitCode, stderr } = await run(['up', '-d', '--frozen', 'derived']);
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringMatching(
          /compose\.yaml:\d+:\d+: compose\.lock has no entry for [^ ]+\/other:1 of service "derived"; it has/,
        ),
      ]);
      const loose = await run(['build', '--no-frozen', 'derived']);
      expect(loose.stderr).toContain('compose.lock has no digest of the base image');
      writeFileSync(path, text);
      await ok('build', '--frozen', 'derived');
      const written = lock();
      writeFileSync(lockFile, written.replace(/ {4}commits:\n.*\n/, ''));
      // What an image has as ONBUILD is looked up before anything is built: here, and without pulling in its registry.
      const untold = `compose.lock has no entry for http://${git.host}/context.git#main:sub of service "derived"`;
      expect((await run(['build', '--frozen', '--no-cache', 'derived'])).stderr).toContain(untold);
      await ok('down', '--rmi', 'all');
      const fresh = await run(['up', '-d', '--frozen', 'derived']);
      expect(fresh.stderr).toContain(untold);
      expect(fresh.stderr).not.toContain('Building');
      await sandbox.withBusybox();
      writeFileSync(lockFile, written.replaceAll(/local: sha256:.*/g, `local: sha256:${'0'.repeat(64)}`));
      expect((await run(['build', 'derived'])).stderr).toContain(
        'cannot find the base image busybox: compose.lock has the id',
      );
      expect((await run(['create', 'here'])).stderr).toContain('an id names an image of one machine');
      writeFileSync(lockFile, written);
    });

    test('cannot be written for what no registry has, and says for which service', async () => {
      const before = lock();
      const { exitCode, stderr } = await run([...more, 'lock']);
      expect([exitCode, stderr]).toEqual([
        1,
        expect.stringContaining(`more.yaml:2:16: cannot lock ${registry.host}/app:2 of service "new"`),
      ]);
      expect(lock()).toBe(before);
    });
  });

  test('that is not there is asked for by --frozen, and one that was damaged is not guessed at', async () => {
    writeFileSync(lockFile, `<<<<<<< HEAD\n${lock()}`);
    expect(await run(['up', '-d'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('cannot read') as string,
    });
    rmSync(lockFile);
    expect(await run(['up', '-d', '--frozen'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('there is no') as string,
    });
    expect((await run(['--dry-run', 'lock', 'here'])).exitCode).toBe(0);
    expect(existsSync(lockFile)).toBe(false);
  });
});
