import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BuildRequest } from '../../../src/engine/builder/index.js';
import { hasCode } from '../../../src/base/errors.js';
import { GitServer } from '../../support/git-server.js';
import { copyProgram } from './host-program.js';
import { BuildLab, missing } from './lab.js';

const git = new GitServer();
let lab: BuildLab;

describe.skipIf(missing !== undefined)(`what a build is given (needs ${missing ?? 'nothing more'})`, () => {
  beforeAll(async () => {
    lab = await BuildLab.open();
    await git.listen();
  });
  afterAll(async () => {
    await git.close();
    await lab[Symbol.asyncDispose]();
  });

  const codeOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => 'it worked',
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
    );

  describe('a git repository', () => {
    const url = (rest = ''): string => `http://${git.host}/tools.git${rest}`;
    let first = '';
    beforeAll(() => {
      first = git.commit('tools', { a: 'one\n', 'sub/b': 'two\n', Dockerfile: 'FROM busybox\nCOPY a /o/\n' });
      git.tag('tools', 'v1');
      git.commit('tools', { a: 'newer\n' }, 'other');
    });

    test('is added by branch, tag, commit and folder, without its .git', async () => {
      const { image } = await lab.dockerfile([
        'FROM scratch',
        `ADD ${url('#v1')} /o/tag/`,
        `ADD ${url('#other')} /o/branch`,
        `ADD --chown=7:8 ${url(`#${first}:sub`)} /o/folder/`,
      ]);
      const tree = (await lab.tree(image, '/o')).filter((line) => !line.includes('Dockerfile'));
      expect(tree).toEqual([
        'd 755 0:0 .',
        'd 755 0:0 branch',
        'f 644 0:0 branch/a "newer\\n"',
        'd 755 0:0 branch/sub',
        'f 644 0:0 branch/sub/b "two\\n"',
        'd 755 7:8 folder',
        'f 644 7:8 folder/b "two\\n"',
        'd 755 0:0 tag',
        'f 644 0:0 tag/a "one\\n"',
        'd 755 0:0 tag/sub',
        'f 644 0:0 tag/sub/b "two\\n"',
      ]);
    });

    test('keeps its .git when asked to', async () => {
      const { image } = await lab.dockerfile(['FROM scratch', `ADD --keep-git-dir=true ${url()} /o`]);
      expect((await lab.tree(image, '/o')).some((line) => line.includes(' .git/HEAD '))).toBe(true);
    });

    test('has to be at the commit that --checksum names', async () => {
      const lines = (sum: string): string[] => ['FROM scratch', `ADD --checksum=${sum} ${url('#main')} /o`];
      await lab.dockerfile(lines(first));
      expect(await codeOf(lab.dockerfile(lines('0'.repeat(40))))).toBe('build/checksum-mismatch');
    });

    test('is not fetched again while its branch stays where it is, and is when it moves', async () => {
      git.commit('moving', { f: '1' });
      const lines = ['FROM scratch', `ADD http://${git.host}/moving.git#main /o`];
      const before = await lab.dockerfile(lines);
      git.requests.length = 0;
      const again = await lab.dockerfile(lines);
      expect(again.image.id).toBe(before.image.id);
      expect(git.requests.filter((line) => line.startsWith('POST')).length).toBeLessThanOrEqual(1); // ls-remote
      git.commit('moving', { f: '2' });
      expect(await lab.tree((await lab.dockerfile(lines)).image, '/o')).toContain('f 644 0:0 f "2"');
    });

    test('is a context, with a folder', async () => {
      git.commit('app', { 'web/Dockerfile': 'FROM busybox\nCOPY . /o/\n', 'web/x': 'x', 'web/.dockerignore': '*\n!x' });
      const { image } = await lab.build('/', { context: { kind: 'git', url: `http://${git.host}/app.git#main:web` } });
      expect(await lab.tree(image, '/o')).toEqual(['d 755 0:0 .', 'f 644 0:0 x "x"']);
    });

    test('is mounted for a step as a named context', async () => {
      const lines = ['FROM busybox', 'RUN --mount=from=tools,source=sub,target=/m cat /m/b > /o'];
      const { image } = await lab.dockerfile(lines, {
        additionalContexts: { tools: { kind: 'git', url: url('#v1') } },
      });
      expect(await lab.tree(image, '/o')).toEqual(['f 644 0:0 . "two\\n"']);
    });

    test('is a named context', async () => {
      const { image } = await lab.dockerfile(['FROM busybox', 'COPY --from=tools a /o/'], {
        additionalContexts: { tools: { kind: 'git', url: url('#v1') } },
      });
      expect(await lab.tree(image, '/o')).toContain('f 644 0:0 a "one\\n"');
    });
  });

  describe('a URL', () => {
    const answers = new Map<string, Buffer>();
    const server = createHttpServer((request, response) => {
      const body = answers.get(request.url ?? '');
      response.writeHead(body === undefined ? 404 : 200).end(body);
    });
    let host = '';
    beforeAll(async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const archive = (name: string, files: Record<string, string>, ...flags: string[]): void => {
        const tar = ['-C', lab.context(name, files), ...flags, '-c', '.'];
        answers.set(`/${name}`, execFileSync('tar', tar));
      };
      archive(
        'ctx.tar.gz',
        { Dockerfile: 'FROM busybox\nCOPY . /o/\n', x: 'x', no: 'no', '.dockerignore': '*\n!x' },
        '-z',
      );
      archive('app.tar', { 'sub/x': 'x' });
      answers.set('/Dockerfile', Buffer.from('FROM busybox\nRUN mkdir /o && echo alone > /o/f\n'));
    });
    afterAll(() => server.close());

    test('of an archive is a context, with its Dockerfile and its ignore file', async () => {
      const { image } = await lab.build('/', { context: { kind: 'url', url: `${host}/ctx.tar.gz` } });
      expect(await lab.tree(image, '/o')).toEqual(['d 755 0:0 .', 'f 644 0:0 x "x"']);
    });

    test('of a Dockerfile is built without a context', async () => {
      const { image } = await lab.build('/', { context: { kind: 'url', url: `${host}/Dockerfile` } });
      expect(await lab.tree(image, '/o')).toEqual(['d 755 0:0 .', 'f 644 0:0 f "alone\\n"']);
    });

    test('that gives nothing is told', async () => {
      expect(await codeOf(lab.build('/', { context: { kind: 'url', url: `${host}/none` } }))).toBe(
        'build/download-failed',
      );
    });

    test('of an archive is a named context', async () => {
      const { image } = await lab.dockerfile(['FROM busybox', 'COPY --from=app sub /o/'], {
        additionalContexts: { app: { kind: 'url', url: `${host}/app.tar` } },
      });
      expect(await lab.tree(image, '/o')).toEqual(['d 755 0:0 .', 'f 644 0:0 x "x"']);
    });

    test('of an archive is copied by ADD, and unpacked with --unpack', async () => {
      const { image } = await lab.dockerfile([
        'FROM scratch',
        `ADD ${host}/app.tar /o/`,
        `ADD --unpack ${host}/app.tar /u/`,
      ]);
      expect(await lab.tree(image, '/o')).toEqual(['d 755 0:0 .', expect.stringMatching(/^f 600 0:0 app\.tar /)]);
      expect(await lab.tree(image, '/u')).toContain('f 644 0:0 sub/x "x"');
    });
  });

  describe('a device by RUN --device', () => {
    const spec = '/etc/cdi/tscompose-builder-test.json';
    beforeAll(() => {
      mkdirSync('/etc/cdi', { recursive: true });
      const device = (name: string) => ({ name, containerEdits: { env: [`GIVEN_${name.toUpperCase()}=yes`] } });
      writeFileSync(
        spec,
        JSON.stringify({ cdiVersion: '0.6.0', kind: 'tscompose.test/thing', devices: [device('a'), device('b')] }),
      );
    });
    afterAll(() => rmSync(spec));
    const step = (wish: string): string[] => [
      'FROM busybox',
      `RUN --device=${wish} mkdir /o; echo "$GIVEN_A $GIVEN_B" > /o/f`,
    ];
    const rights = { entitlements: ['device'] };

    test.each([
      ['tscompose.test/thing=b', ' yes'],
      ['tscompose.test/thing', 'yes '],
      ['tscompose.test/thing=*', 'yes yes'],
      ['tscompose.test/thing=c', ' '],
    ])('%s gives its step what it names', async (wish, seen) => {
      const { image } = await lab.dockerfile(step(wish), rights);
      expect(await lab.tree(image, '/o')).toContain(`f 644 0:0 f "${seen}\\n"`);
    });

    test('has to be allowed, and to be there where it is required', async () => {
      expect(await codeOf(lab.dockerfile(step('tscompose.test/thing=a')))).toBe('build/not-entitled');
      expect(await codeOf(lab.dockerfile(step('tscompose.test/thing=c,required'), rights))).toBe('oci/invalid-option');
    });
  });

  test('a directory given as a named context can be what a stage starts from', async () => {
    const path = lab.context('base', { 'bin/x': { content: 'x', mode: 0o755 }, '.dockerignore': 'no', no: 'no' });
    const { image } = await lab.dockerfile(['FROM base', 'ENV A=1'], {
      additionalContexts: { base: { kind: 'directory', path } },
    });
    expect((await lab.tree(image)).filter((line) => !line.includes('.dockerignore'))).toEqual([
      expect.stringContaining('d 755 0:0 .'),
      'd 755 0:0 bin',
      'f 755 0:0 bin/x "x"',
    ]);
  });

  describe('an ssh agent', () => {
    let folder: string;
    let agent: string;
    let server: Server;
    beforeAll(async () => {
      folder = mkdtempSync(join(lab.folder, 'agent-'));
      agent = join(folder, 'socket');
      server = createServer((client) => client.end('hello from the agent\n'));
      await new Promise<void>((resolve) => server.listen(agent, resolve));
    });
    afterAll(() => {
      server.close();
      rmSync(folder, { recursive: true });
    });

    test('is reached by its step, also by one that is not root, and by no other', async () => {
      const script =
        'require("net").connect(process.env.SSH_AUTH_SOCK).on("data", (text) => process.stdout.write(text)).on("end", () => process.exit())';
      const files = lab.context('node', {
        Dockerfile: [
          'FROM busybox',
          'COPY . /',
          'RUN mkdir -m 777 /o',
          'USER alice',
          `RUN --mount=type=ssh,uid=1000 ls -ln $SSH_AUTH_SOCK | cut -c1-10 > /o/seen; /node -e '${script}' >> /o/seen`,
          'RUN echo "<$SSH_AUTH_SOCK>" > /o/after',
          '',
        ].join('\n'),
      });
      copyProgram(process.execPath, files, '/node');
      const { image } = await lab.build(files, { ssh: { default: agent } });
      expect(await lab.tree(image, '/o')).toEqual([
        'd 777 0:0 .',
        'f 644 1000:1000 after "<>\\n"',
        'f 644 1000:1000 seen "srw-------\\nhello from the agent\\n"',
      ]);
      expect(JSON.stringify(image.config)).not.toContain('ssh_agent');
      expect(lstatSync(agent).uid).toBe(0);
    });

    test('that has to be there and is not is an error, else its step runs without', async () => {
      const step = (more: string): string[] => ['FROM busybox', `RUN --mount=type=ssh${more} test ! -e $SSH_AUTH_SOCK`];
      await lab.dockerfile(step(''));
      expect(await codeOf(lab.dockerfile(step(',required=true')))).toBe('build/ssh-missing');
    });
  });

  test('a step has the limits of the build', async () => {
    const lines = ['FROM busybox', 'RUN ulimit -n > /o'];
    const limits = (soft: number): Partial<BuildRequest> => ({ ulimits: [{ Name: 'nofile', Soft: soft, Hard: soft }] });
    expect(await lab.tree((await lab.dockerfile(lines, limits(123))).image, '/o')).toEqual(['f 644 0:0 . "123\\n"']);
    expect(await lab.tree((await lab.dockerfile(lines, limits(124))).image, '/o')).toEqual(['f 644 0:0 . "124\\n"']);
  });

  test('RUN --security=insecure may do everything, where the build is entitled to it', async () => {
    const lines = ['FROM busybox', 'RUN --security=insecure mount -t tmpfs none /mnt 2>&1 || mount -t tmpfs none /tmp'];
    const error: unknown = await lab.dockerfile(lines).catch((reason: unknown) => reason);
    expect(hasCode(error, 'build/not-entitled') && error.at?.line).toBe(2);
    await lab.dockerfile(lines, { entitlements: ['security.insecure'] });
    const sandboxed = lines.map((line) => line.replace('insecure', 'sandbox'));
    expect(await codeOf(lab.dockerfile(sandboxed, { entitlements: ['security.insecure'] }))).toBe('build/step-failed');
  });

  test('with SOURCE_DATE_EPOCH two builds from nothing give the same image, dated so', async () => {
    const args = { SOURCE_DATE_EPOCH: '1700000000' };
    const context = lab.context('epoch', {
      Dockerfile: 'FROM busybox\nWORKDIR /w\nCOPY f /o/f\nRUN date > /dev/null; mkdir -p /o/d; touch /o/d/x\n',
      f: 'f',
    });
    const one = await lab.build(context, { args, noCache: true });
    expect(spawnSync('sleep', ['1.1']).status).toBe(0);
    const two = await lab.build(context, { args, noCache: true });
    expect(two.image.id).toBe(one.image.id);
    expect(one.image.config.created).toBe('2023-11-14T22:13:20.000Z');
    const dated = (one.image.config.history ?? []).slice(1).map(({ created }) => created);
    expect(new Set(dated)).toEqual(new Set(['2023-11-14T22:13:20.000Z']));
    expect((await lab.build(context)).image.id).not.toBe(one.image.id);
    expect(await codeOf(lab.build(context, { args: { SOURCE_DATE_EPOCH: 'soon' } }))).toBe('build/bad-epoch');
  });
});
