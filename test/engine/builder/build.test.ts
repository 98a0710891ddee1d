import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasCode, TscomposeError } from '../../../src/base/errors.js';
import { renderLocation } from '../../../src/base/source-location.js';
import type { BuildMessage } from '../../../src/engine/builder/index.js';
import { BuildLab, missing, type Outcome } from './lab.js';

/** `cached` or `done` of each step, by its instruction. */
function fates({ messages }: Outcome): Record<string, string> {
  const plan = messages.map(({ tscompose }) => tscompose).find((event) => event?.kind === 'plan');
  const steps = plan?.kind === 'plan' ? plan.steps : [];
  return Object.fromEntries(
    messages.flatMap(({ tscompose: event }) =>
      event?.kind === 'cached' || event?.kind === 'done'
        ? [[steps.find(({ step }) => step === event.step)?.instruction ?? '', event.kind]]
        : [],
    ),
  );
}

async function failureOf(work: Promise<unknown>): Promise<TscomposeError> {
  const error: unknown = await work.then(
    () => new Error('it worked'),
    (reason: unknown) => reason,
  );
  if (error instanceof TscomposeError) return error;
  throw error;
}

describe.skipIf(missing !== undefined)(`building images (needs ${missing ?? 'nothing more'})`, () => {
  let lab: BuildLab;
  beforeAll(async () => {
    lab = await BuildLab.open();
  });
  afterAll(async () => {
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(lab.folder));
    expect(mounts).toEqual([]);
    await lab[Symbol.asyncDispose]();
  });

  describe('the cache', () => {
    const files = {
      Dockerfile: [
        'FROM busybox',
        'WORKDIR /o',
        'COPY package.json .',
        'RUN cat package.json > installed',
        'COPY src src',
        'RUN ls src > built',
        'LABEL a=b',
        '',
      ].join('\n'),
      'package.json': '{}',
      'src/a.js': 'a',
      'README.md': 'not copied',
    };

    test('the same context again gives the same image and does nothing', async () => {
      const context = lab.context('cache', files);
      const first = await lab.build(context);
      expect(Object.values(fates(first))).toEqual(Array.from({ length: 7 }, () => 'done'));
      utimesSync(join(context, 'package.json'), 1, 1);
      lab.context('cache', { 'README.md': 'changed' });
      const second = await lab.build(context);
      expect(second.image.id).toBe(first.image.id);
      expect(fates(second)).toMatchObject({
        'RUN cat package.json > installed': 'cached',
        'COPY src src': 'cached',
        'LABEL a=b': 'cached',
      });
      expect(second.text.match(/ ---> Using cache\n/g)).toHaveLength(6);
    });

    test('it outlives the engine', async () => {
      await lab.reopen();
      expect(fates(await lab.build(lab.context('cache', {})))).toMatchObject({ 'RUN ls src > built': 'cached' });
    });

    test('a changed file does again only what reads it', async () => {
      const context = lab.context('cache', { 'src/b.js': 'b' });
      const outcome = await lab.build(context);
      expect(fates(outcome)).toMatchObject({
        'COPY package.json .': 'cached',
        'RUN cat package.json > installed': 'cached',
        'COPY src src': 'done',
        'RUN ls src > built': 'done',
      });
      expect(await lab.tree(outcome.image, '/o/built')).toEqual(['f 644 0:0 . "a.js\\nb.js\\n"']);
    });

    test('a changed mode counts, an instruction that changes only the config does not matter to files', async () => {
      const context = lab.context('cache-mode', { ...files, 'src/a.js': { content: 'a', mode: 0o755 } });
      const outcome = await lab.build(context);
      expect(fates(outcome)).toMatchObject({ 'COPY package.json .': 'cached', 'COPY src src': 'done' });
      lab.context('cache-mode', { Dockerfile: files.Dockerfile.replace('WORKDIR /o', 'WORKDIR /o\nLABEL x=y') });
      expect(fates(await lab.build(context))).toMatchObject({ 'LABEL x=y': 'done', 'RUN ls src > built': 'cached' });
    });

    test('an argument is part of what RUN sees, a proxy is not', async () => {
      const lines = ['FROM busybox', 'ARG A', 'RUN echo "$A" > /a'];
      await lab.dockerfile(lines, { args: { A: '1' } });
      const again = await lab.dockerfile(lines, { args: { A: '1', HTTP_PROXY: 'x' } });
      expect(fates(again)).toMatchObject({ 'RUN echo "$A" > /a': 'cached' });
      const other = await lab.dockerfile(lines, { args: { A: '2' } });
      expect(fates(other)).toMatchObject({ 'RUN echo "$A" > /a': 'done' });
      expect(await lab.tree(other.image, '/a')).toEqual(['f 644 0:0 . "2\\n"']);
    });

    test('a stage that comes to the same result does not rebuild who copies from it', async () => {
      const lines = (comment: string) => [
        'FROM busybox AS s',
        `RUN echo same > /r; : ${comment}`,
        'FROM busybox',
        'COPY --from=s /r /o/',
        'RUN cat /o/r',
      ];
      const first = await lab.dockerfile(lines('one'));
      const second = await lab.dockerfile(lines('two'));
      expect(fates(second)).toMatchObject({
        'RUN echo same > /r; : two': 'done',
        'COPY --from=s /r /o/': 'cached',
        'RUN cat /o/r': 'cached',
      });
      expect(second.image.id).toBe(first.image.id);
    });

    test('the name of a directory counts where it is kept', async () => {
      const lines = (name: string) => ({
        Dockerfile: 'FROM busybox\nCOPY --parents packages/*/ /o/\n',
        [`packages/${name}/f`]: 'same',
      });
      await lab.build(lab.context('renamed', lines('one')));
      const { image } = await lab.build(lab.context('renamed', { 'packages/one': undefined, ...lines('two') }));
      expect((await lab.tree(image, '/o')).at(-1)).toBe('f 644 0:0 packages/two/f "same"');
      const stage = (name: string) =>
        lab.dockerfile([
          'FROM busybox AS s',
          'RUN mkdir -p /p/one /p/two; touch /p/one/f /p/two/f',
          'FROM busybox',
          `COPY --from=s --parents p/${name} /o/`,
        ]);
      await stage('one');
      expect((await lab.tree((await stage('two')).image, '/o')).at(-1)).toBe('f 644 0:0 p/two/f ""');
    });

    test('without it all is done again', async () => {
      const again = await lab.build(lab.context('cache', {}), { noCache: true });
      expect(new Set(Object.values(fates(again)))).toEqual(new Set(['done']));
    });

    test('builds of the same at the same time run their steps once', async () => {
      const context = lab.context('twins', {
        Dockerfile: 'FROM busybox\nRUN cat /proc/sys/kernel/random/uuid | tee /u; sleep 1\n',
      });
      const outcomes = await Promise.all([lab.build(context), lab.build(context), lab.build(context)]);
      const uuids = await Promise.all(outcomes.map(({ image }) => lab.tree(image, '/u')));
      expect(new Set(uuids.flat()).size).toBe(1);
      const said = outcomes.map(({ text }) => /[0-9a-f]{8}-[0-9a-f-]+/.exec(text)?.[0]);
      expect(said[0]).toBeDefined();
      expect(new Set(said).size).toBe(1);
    });
  });

  test('stages that nobody needs are not built, those that do not need each other run at the same time', async () => {
    const meet = (mine: string, other: string): string =>
      `RUN --mount=type=cache,id=meeting,target=/m touch /m/${mine} /t; n=0; ` +
      `until test -e /m/${other}; do n=$((n+1)); test $n -lt 200 || exit 1; sleep 0.1; done`;
    const outcome = await lab.dockerfile([
      'FROM busybox AS unused',
      'RUN exit 1',
      'FROM busybox AS a',
      meet('a', 'b'),
      'FROM busybox AS b',
      meet('b', 'a'),
      'FROM busybox',
      'COPY --from=a /t /o/a',
      'COPY --from=b /t /o/b',
    ]);
    expect(outcome.text).toContain('Step 1/7 : FROM busybox AS a\n');
    expect(outcome.text.indexOf('Step 2/7')).toBeLessThan(outcome.text.indexOf('Step 3/7')); // and yet told in order
  });

  test('the text is that of the classic builder', async () => {
    const { text, image, messages } = await lab.build(
      lab.context('text', {
        Dockerfile: 'FROM busybox\nRUN echo hello \\\n  && echo err >&2\nENV A=b\nCOPY x /\n',
        x: 'x',
      }),
      { tags: ['me/app:1', 'other'], args: { NOPE: 'x' } },
    );
    expect(text.replace(/\b[0-9a-f]{12}\b/g, '<id>')).toBe(
      [
        'Step 1/4 : FROM busybox',
        ' ---> <id>',
        'Step 2/4 : RUN echo hello   && echo err >&2',
        ' ---> Running in <id>',
        'hello',
        'err',
        ' ---> Removed intermediate container <id>',
        ' ---> <id>',
        'Step 3/4 : ENV A=b',
        ' ---> <id>',
        'Step 4/4 : COPY x /',
        ' ---> <id>',
        '[Warning] One or more build-args [NOPE] were not consumed',
        'Successfully built <id>',
        'Successfully tagged me/app:1',
        'Successfully tagged other:latest',
        '',
      ].join('\n'),
    );
    expect(messages).toContainEqual({ aux: { ID: image.id } });
    expect(lab.images.resolve('other').id).toBe(image.id);
    expect(text).toContain(`Successfully built ${image.id.slice(7, 19)}\n`);
  });

  test('a base image fires its triggers', async () => {
    await lab.dockerfile(
      ['FROM busybox', 'ONBUILD COPY --chown=7 f /o/', 'ONBUILD RUN echo $A > /o/a', 'ONBUILD ENV B=2'],
      { tags: ['onbuild'] },
    );
    const context = lab.context('onbuild', { Dockerfile: 'FROM onbuild\nRUN echo $B > /o/b\n', f: 'f' });
    const { text, image } = await lab.build(context);
    expect(text).toContain('Step 1/2 : FROM onbuild\n# Executing 3 build triggers\n');
    expect(await lab.tree(image, '/o')).toEqual([
      'd 755 7:7 .',
      'f 644 0:0 a "\\n"',
      'f 644 0:0 b "2\\n"',
      'f 644 7:7 f "f"',
    ]);
    expect(image.config.config?.OnBuild).toBeUndefined();
  });

  describe('what RUN is given', () => {
    test('nothing of the runtime gets into the layer', async () => {
      const { image } = await lab.dockerfile([
        'FROM busybox',
        'RUN cat /etc/hosts /etc/resolv.conf; true',
        'RUN --mount=type=tmpfs,target=/t/x --mount=type=cache,target=/c/y :',
      ]);
      expect(image.chainId).toBe(lab.images.resolve('busybox').chainId);
    });

    test('a cache mount is kept from build to build and is in no layer', async () => {
      const run =
        'RUN --mount=type=cache,target=/var/cache/x,id=kept echo more >> /var/cache/x/log; cat /var/cache/x/log > /n';
      await lab.dockerfile(['FROM busybox', run]);
      const { image } = await lab.dockerfile(['FROM busybox', run], { noCache: true });
      expect(await lab.tree(image, '/n')).toEqual(['f 644 0:0 . "more\\nmore\\n"']);
      expect((await lab.tree(image)).filter((line) => line.includes('var'))).toEqual([]);
    });

    test('a locked cache mount has one user at a time', async () => {
      const lines = (name: string) => [
        'FROM busybox',
        `RUN --mount=type=cache,target=/c,sharing=locked test ! -e /c/busy && touch /c/busy && sleep 0.3 && rm /c/busy # ${name}`,
      ];
      await Promise.all([lab.dockerfile(lines('a')), lab.dockerfile(lines('b')), lab.dockerfile(lines('c'))]);
    });

    test('a bind mount shows the context or a stage, read-only or with its changes thrown away', async () => {
      const context = lab.context('bind', {
        Dockerfile: [
          'FROM busybox AS s',
          'RUN mkdir /s && echo stage > /s/f',
          'FROM busybox',
          'RUN --mount=target=/ctx --mount=from=s,source=/s,target=/s (cat /ctx/in /s/f; touch /ctx/w /s/w || echo read-only; ls /ctx) > /o',
          'RUN --mount=source=sub,target=/ctx,rw --mount=type=bind,source=in,target=/file touch /ctx/new && cat /file /ctx/f > /p',
        ].join('\n'),
        in: 'in\n',
        'sub/f': 'sub\n',
        ignored: 'x',
        '.dockerignore': 'ignored',
      });
      const { image } = await lab.build(context);
      expect(await lab.tree(image, '/o')).toEqual(['f 644 0:0 . "in\\nstage\\nread-only\\nDockerfile\\nin\\nsub\\n"']);
      expect(await lab.tree(image, '/p')).toEqual(['f 644 0:0 . "in\\nsub\\n"']);
      expect(readdirSync(join(context, 'sub'))).toEqual(['f']);
      lab.context('bind', { in: 'other\n' });
      expect((await lab.tree((await lab.build(context)).image, '/p'))[0]).toContain('other');
    });

    test('a secret is there for its step and nowhere else', async () => {
      const lines = [
        'FROM busybox',
        'RUN --mount=type=secret,id=s,uid=1000,mode=0440 --mount=type=secret,id=e,env=TOKEN cat /run/secrets/s | wc -c > /o; ls -ln /run/secrets/s; echo $TOKEN | wc -c >> /o',
      ];
      const { image, messages } = await lab.dockerfile(lines, {
        secrets: { s: Buffer.from('hush-hush'), e: Buffer.from('tok-en') },
      });
      expect(await lab.tree(image, '/o')).toEqual(['f 644 0:0 . "9\\n7\\n"']);
      expect(JSON.stringify([image.config, messages])).not.toMatch(/hush|tok-en/);
      expect((await lab.tree(image)).filter((line) => / run(\/| |$)/.test(line))).toEqual([]);
      const { stdout } = spawnSync('grep', ['-rlE', 'hush-hush|tok-en', lab.folder], { encoding: 'utf8' });
      expect(stdout).toBe('');
    });

    test('a secret that has to be there and is not is an error', async () => {
      const error = await failureOf(
        lab.dockerfile(['FROM busybox', 'RUN --mount=type=secret,id=gone,required=true true']),
      );
      expect(error.code).toBe('build/secret-missing');
    });
  });

  describe('contexts', () => {
    const archive = (folder: string, ...options: string[]) =>
      execFileSync('tar', ['-C', folder, '-cf', '-', ...options, '.'], { maxBuffer: 1 << 26 });

    test.each([[[]], [['-z']], [['-j']], [['-J']]])('a tar, compressed with %j', async (options) => {
      const folder = lab.context('tar', {
        Dockerfile: 'FROM busybox\nCOPY . /o/\n',
        'd/f': { content: 'f', mode: 0o604, uid: 9 },
        '.dockerignore': 'Dockerfile\nd\n',
      });
      const { image } = await lab.build('', {
        context: { kind: 'tar', stream: Readable.from([archive(folder, ...options)]) },
      });
      expect(await lab.tree(image, '/o')).toEqual([
        'd 755 0:0 .',
        'f 644 0:0 .dockerignore "Dockerfile\\nd\\n"',
        'd 755 0:0 d',
        'f 604 0:0 d/f "f"',
      ]);
    });

    test('the same tar again is found in the cache, and nothing of it stays behind', async () => {
      const folder = lab.context('tar2', { Dockerfile: 'FROM busybox\nCOPY f /o/\n', f: 'f' });
      const build = () => lab.build('', { context: { kind: 'tar', stream: Readable.from([archive(folder)]) } });
      await build();
      expect(fates(await build())).toMatchObject({ 'COPY f /o/': 'cached' });
      expect(readdirSync(join(lab.folder, 'layers', 'staging'))).toEqual([]);
    });

    test('names that are not UTF-8 are kept, in place, in a tar, in an archive and from a stage', async () => {
      const folder = lab.context('latin', {
        Dockerfile: 'FROM busybox AS s\nCOPY d /o/in/\nADD a.tar /o/unpacked/\nFROM busybox\nCOPY --from=s /o /o\n',
      });
      const name = (path: string) => Buffer.from(`${folder}/${path}`, 'latin1');
      mkdirSync(name('d/\u00e9'), { recursive: true });
      writeFileSync(name('d/\u00e9/f\u00e9'), 'x');
      linkSync(name('d/\u00e9/f\u00e9'), name('d/second\u00e9'));
      symlinkSync(Buffer.from('f\u00e9', 'latin1'), name('d/\u00e9/l\u00e9'));
      execFileSync('mkfifo', [`${folder}/d/pipe`]);
      execFileSync('tar', ['-C', `${folder}/d`, '-cf', `${folder}/a.tar`, '.']);
      const inPlace = await lab.build(folder);
      const sent = await lab.build('', { context: { kind: 'tar', stream: Readable.from([archive(folder)]) } });
      for (const { image } of [inPlace, sent]) {
        const { image: seen } = await lab.build(
          lab.context('latin-seen', {
            Dockerfile: [
              'FROM copied AS copied',
              'FROM busybox',
              'RUN --mount=from=copied,source=/o,target=/o cd /o && e=$(printf "\\351") && cat in/$e/f$e in/second$e in/$e/l$e unpacked/$e/l$e unpacked/second$e > /seen',
            ].join('\n'),
          }),
          { additionalContexts: { copied: { kind: 'image', reference: image.id } } },
        );
        expect(await lab.tree(seen, '/seen')).toEqual(['f 644 0:0 . "xxxxx"']);
      }
    });

    test('a Dockerfile of another name, outside or inline, has its own ignore file', async () => {
      const context = lab.context('other', {
        'build/My.Dockerfile': 'FROM busybox\nCOPY . /o/\n',
        'build/My.Dockerfile.dockerignore': 'build\na',
        '.dockerignore': 'b',
        a: 'a',
        b: 'b',
      });
      const inContext = await lab.build(context, { dockerfile: { kind: 'in-context', path: 'build/My.Dockerfile' } });
      expect(await lab.tree(inContext.image, '/o')).toEqual([
        'd 755 0:0 .',
        'f 644 0:0 .dockerignore "b"',
        'f 644 0:0 b "b"',
      ]);
      const outside = join(lab.context('elsewhere', { D: 'FROM busybox\nCOPY a /o/\n' }), 'D');
      const { image } = await lab.build(context, { dockerfile: { kind: 'file', path: outside } });
      expect(await lab.tree(image, '/o')).toEqual(['d 755 0:0 .', 'f 644 0:0 a "a"']);
      const inline = await lab
        .build(context, { dockerfile: { kind: 'text', text: 'FROM busybox\nCOPY b /o/\n', name: 'inline' } })
        .catch((error: unknown) => error);
      expect(hasCode(inline, 'build/source-missing')).toBe(true);
    });

    test('named contexts stand for directories and images', async () => {
      const other = lab.context('named', { 'x/y': 'y' });
      const { image } = await lab.dockerfile(['FROM base', 'COPY --from=other x /o/'], {
        additionalContexts: {
          base: { kind: 'image', reference: 'busybox' },
          other: { kind: 'directory', path: other },
        },
      });
      expect(await lab.tree(image, '/o')).toEqual(['d 755 0:0 .', 'f 644 0:0 y "y"']);
    });

    test('no link leads out of it', async () => {
      const context = lab.context('escape', {
        Dockerfile: 'FROM busybox\nCOPY up/etc/passwd /o/\n',
        up: { link: '../../../../../../..' },
      });
      expect((await failureOf(lab.build(context))).code).toBe('build/source-missing');
      lab.context('escape', { Dockerfile: undefined });
      lab.context('escape', { Dockerfile: { link: '/etc/passwd' } });
      expect((await failureOf(lab.build(context))).code).toBe('build/dockerfile-missing');
    });

    test('no link of an image leads a copy out of it', async () => {
      const victim = join(lab.folder, 'victim');
      const context = lab.context('victim', {
        Dockerfile: `FROM busybox\nRUN ln -s ${victim} /to && ln -s ../../../../../..${lab.folder} /up\nCOPY f /to/f\nCOPY f /up/victim\nADD t.tar /to/\n`,
        f: 'f',
        't.tar': '',
      });
      execFileSync('tar', ['-C', context, '-cf', join(context, 't.tar'), 'f']);
      await lab.build(context);
      expect(existsSync(victim)).toBe(false);
    });
  });

  test('a second name of a file is no link to what another source has put in the place of the first', async () => {
    const { image } = await lab.dockerfile([
      'FROM busybox AS s',
      'RUN mkdir /d1 /d2 && echo one > /d1/a && ln /d1/a /d1/b && ln /d1/a /d2/c && echo two > /d2/a',
      'FROM busybox',
      'COPY --from=s /d1/ /d2/ /o/',
      'RUN cat /o/a /o/b /o/c > /contents; stat -c %h /o/b > /names',
    ]);
    expect(await lab.tree(image, '/contents')).toEqual(['f 644 0:0 . "two\\none\\none\\n"']);
    expect(await lab.tree(image, '/names')).toEqual(['f 644 0:0 . "1\\n"']);
  });

  describe('ADD', () => {
    test.each([['-z'], ['-j'], ['-J'], ['--no-auto-compress']])(
      'unpacks an archive (%s) with its owners',
      async (option) => {
        const content = lab.context('add-content', {
          'd/f': { content: 'f', mode: 0o4750, uid: 3, gid: 4, mtime: 1e9 },
          'd/l': { link: 'f' },
          'e/': { mode: 0o711, uid: 5 },
        });
        const context = lab.context('add', {
          Dockerfile: 'FROM busybox\nRUN mkdir -p /o/e/old\nADD x.data /o/\nCOPY x.data /o/copied\n',
        });
        execFileSync('tar', [
          '-C',
          content,
          ...(option.startsWith('--') ? [] : [option]),
          '-cf',
          join(context, 'x.data'),
          'd',
          'e',
        ]);
        const { image } = await lab.build(context);
        expect((await lab.tree(image, '/o')).map((line) => line.replace(/(f 644 0:0 copied) .*/, '$1'))).toEqual([
          'd 755 0:0 .',
          'f 644 0:0 copied',
          'd 755 0:0 d',
          'f 4750 3:4 d/f "f"',
          'l 0:0 d/l -> f',
          'd 711 5:0 e',
          'd 755 0:0 e/old',
        ]);
      },
    );

    test('copies what only looks like an archive', async () => {
      const { image } = await lab.build(
        lab.context('add-not', {
          Dockerfile: 'FROM busybox\nADD a.tar.gz empty.tar /o/\n',
          'a.tar.gz': 'no',
          'empty.tar': '',
        }),
      );
      expect(await lab.tree(image, '/o')).toEqual(['d 755 0:0 .', 'f 644 0:0 a.tar.gz "no"', 'f 644 0:0 empty.tar ""']);
    });

    test('downloads over HTTP, checks the digest, and knows a changed file', async () => {
      let body = 'remote';
      const server = createServer((request, response) => {
        if (request.url === '/gone') response.writeHead(404).end();
        else response.writeHead(200, { 'last-modified': 'Sun, 09 Sep 2001 01:46:40 GMT' }).end(body);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        const lines = ['FROM busybox', `ADD ${url}/x/file.txt?q=1 /o/`];
        const first = await lab.dockerfile(lines);
        expect(await lab.tree(first.image, '/o')).toEqual(['d 755 0:0 .', 'f 600 0:0 file.txt "remote"']);
        expect(Object.values(fates(await lab.dockerfile(lines)))).toEqual(['done', 'cached']);
        const renamed = await lab.dockerfile(['FROM busybox', `ADD ${url}/x/other.txt /o/`]);
        expect(await lab.tree(renamed.image, '/o')).toEqual(['d 755 0:0 .', 'f 600 0:0 other.txt "remote"']);
        const sum = `--checksum=sha256:${createHash('sha256').update(body).digest('hex')}`;
        await lab.dockerfile(['FROM busybox', `ADD ${sum} ${url}/one /o/`]);
        const checked = await lab.dockerfile(['FROM busybox', `ADD ${sum} ${url}/two /o/`]);
        expect(await lab.tree(checked.image, '/o')).toEqual(['d 755 0:0 .', 'f 600 0:0 two "remote"']);
        body = 'changed';
        expect(Object.values(fates(await lab.dockerfile(lines)))).toEqual(['done', 'done']);
        const wrong = await failureOf(
          lab.dockerfile(['FROM busybox', `ADD --checksum=sha256:${'0'.repeat(64)} ${url}/f /o/`]),
        );
        expect(wrong.code).toBe('build/checksum-mismatch');
        expect((await failureOf(lab.dockerfile(['FROM busybox', `ADD ${url}/gone /o/`]))).code).toBe(
          'build/download-failed',
        );
      } finally {
        server.close();
      }
    });

    test('an archive that leads outside is refused', async () => {
      const context = lab.context('add-evil', { Dockerfile: 'FROM busybox\nADD evil.tar /o/\n', f: 'f' });
      execFileSync('tar', [
        '-C',
        context,
        '-P',
        '--transform=s,^f$,../../../../evil,',
        '-cf',
        join(context, 'evil.tar'),
        'f',
      ]);
      expect((await failureOf(lab.build(context))).code).toBe('build/bad-archive');
    });
  });

  describe('failures', () => {
    test('a step that fails says which, where, how and its last words', async () => {
      const context = lab.context('fails', { Dockerfile: '# x\nFROM busybox\n\nRUN echo last words; exit 42\n' });
      const error = await failureOf(lab.build(context));
      if (!hasCode(error, 'build/step-failed')) throw error;
      expect(error.message).toBe("The command '/bin/sh -c echo last words; exit 42' returned a non-zero code: 42");
      expect(error.facts).toEqual({
        instruction: 'RUN echo last words; exit 42',
        command: '/bin/sh -c echo last words; exit 42',
        line: 4,
        exitCode: 42,
        tail: 'last words',
      });
      expect(error.at === undefined ? '' : renderLocation(error.at)).toBe('Dockerfile:4:1');
      expect(readdirSync(join(lab.folder, 'layers', 'staging'))).toEqual([]);
    });

    test('a failed step is tried again', async () => {
      const lines = [
        'FROM busybox',
        'RUN --mount=type=cache,target=/c,id=retry test -e /c/ok || { touch /c/ok; exit 1; }',
      ];
      await failureOf(lab.dockerfile(lines));
      await lab.dockerfile(lines);
    });

    test.each([
      [['FROM nosuch:1', 'RUN true'], 'build/base-image-missing', '1:1'],
      [['FROM busybox', 'COPY --from=nosuch x /'], 'build/base-image-missing', '2:1'],
      [['FROM busybox AS a', 'FROM busybox', 'COPY --from=7 x /'], 'build/unknown-stage', '3:1'],
      [['FROM busybox', 'COPY missing /x'], 'build/source-missing', '2:1'],
      [['FROM busybox', 'RUN --mount=type=nope x'], 'build/syntax', '2:1'],
      [['FROM busybox', 'ENV A=${B', 'RUN exit 1'], 'build/syntax', '2:1'],
      [['FROM busybox', 'EXPOSE 99999'], 'build/syntax', '2:1'],
      [['FROM --platform=a/b/c/d busybox'], 'build/syntax', '1:1'],
    ])('%j', async (lines, code, at) => {
      const error = await failureOf(lab.dockerfile(lines));
      expect([error.code, `${error.at?.line}:${error.at?.column}`]).toEqual([code, at]);
    });

    test('an unknown target, a missing Dockerfile and a missing context are told before any work', async () => {
      const target = await failureOf(lab.dockerfile(['FROM busybox AS build', 'RUN exit 1'], { target: 'buidl' }));
      expect([target.code, target.hint]).toEqual(['build/unknown-stage', 'did you mean "build"?']);
      expect((await failureOf(lab.build(lab.context('nothing', {})))).code).toBe('build/dockerfile-missing');
      expect((await failureOf(lab.build('/nonexistent'))).code).toBe('build/context-missing');
    });

    test('a canceled build ends its step and leaves nothing', async () => {
      const controller = new AbortController();
      const context = lab.context('cancel', { Dockerfile: 'FROM busybox\nRUN echo started; sleep 1000\n' });
      const messages: BuildMessage[] = [];
      const build = lab.builder.build(
        {
          context: { kind: 'directory', path: context },
          dockerfile: { kind: 'in-context', path: 'Dockerfile' },
          tags: [],
          args: {},
          labels: {},
          noCache: false,
          pull: false,
          networkMode: 'none',
        },
        {
          signal: controller.signal,
          onProgress: (message) => {
            messages.push(message);
            if (message.stream === 'started\n') controller.abort(new Error('enough'));
          },
        },
      );
      await expect(build).rejects.toThrow('enough');
      expect(messages.at(-1)).toMatchObject({ tscompose: { kind: 'canceled' } });
      expect(readdirSync(join(lab.folder, 'layers', 'staging'))).toEqual([]);
    });
  });

  test('a prune gives back what only the cache held, and images go on', async () => {
    const { image } = await lab.dockerfile(
      [
        'FROM busybox AS s',
        'RUN dd if=/dev/zero of=/big bs=1M count=3',
        'FROM busybox',
        'RUN echo kept > /o',
        'COPY --from=s /etc/passwd /p',
      ],
      { tags: ['kept'] },
    );
    const before = lab.layers.list().length;
    expect(lab.builder.diskUsage().some(({ shared, sizeBytes }) => !shared && sizeBytes >= 3 << 20)).toBe(true);
    const { reclaimedBytes } = await lab.builder.prune(AbortSignal.timeout(60_000));
    expect(reclaimedBytes).toBeGreaterThanOrEqual(3 << 20);
    expect(lab.layers.list().length).toBeLessThan(before);
    expect(lab.builder.diskUsage()).toEqual([]);
    expect(await lab.tree(image, '/o')).toEqual(['f 644 0:0 . "kept\\n"']);
  });

  test('a prune decides about all layers at once, so that none goes from under an image that comes meanwhile', async () => {
    const { image } = await lab.dockerfile(['FROM scratch', 'COPY Dockerfile /a', 'COPY Dockerfile /b']);
    await lab.images.remove(image.id, { force: true, prune: true, usedBy: () => [] });
    const { chainId } = image;
    if (chainId === undefined) throw new Error('the image has no layers');
    const chain = lab.layers.chain(chainId).map((layer) => layer.chainId);
    expect(chain.length).toBe(2);
    const pruned = lab.builder.prune(AbortSignal.timeout(60_000));
    while (lab.layers.get(chainId) !== undefined) await new Promise(setImmediate);
    expect(chain.filter((each) => lab.layers.get(each) !== undefined)).toEqual([]);
    await pruned;
  });
});
