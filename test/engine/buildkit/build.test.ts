import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTar, writeTar } from '../../../src/base/tar/stream.js';
import {
  diskUsageRequest,
  diskUsageResponse,
  historyRequest,
  pruneRequest,
} from '../../../src/engine/buildkit/wire/control.js';
import {
  BuildKitClient,
  type ClientBuild,
  type ClientFolder,
  type ClientOutcome,
} from '../../support/buildkit-client.js';
import { RegistryServer } from '../../support/registry-server.js';
import { EngineProcess } from '../server/engine-process.js';

/** BuildKit's protocol from the client's side, with a client of our own; `real-clients.test.ts` has those of others. */
describe('a client that speaks to BuildKit', () => {
  const engine = new EngineProcess();
  const registry = new RegistryServer();
  let client: BuildKitClient;

  beforeAll(async () => {
    await engine.start();
    await engine.withBusybox();
    await registry.listen();
    client = await BuildKitClient.connect(engine.socket);
  });
  afterAll(async () => {
    client[Symbol.dispose]();
    await registry.close();
    await engine[Symbol.asyncDispose]();
  });

  const build = async (
    context: ClientFolder,
    more: Omit<ClientBuild, 'folders'> & { folders?: Record<string, ClientFolder> } = {},
  ): Promise<ClientOutcome> => {
    const outcome = await client.build({ ...more, folders: { context, ...more.folders } });
    expect(outcome.failure?.message).toBeUndefined();
    return outcome;
  };
  /** The files of the target stage, which holds nothing else. */
  const filesOf = async (
    context: ClientFolder,
    more: Parameters<typeof build>[1] = {},
  ): Promise<ClientOutcome['receivedFiles']> =>
    (await build(context, { ...more, exporter: { type: 'local' } })).receivedFiles;
  /** A Dockerfile whose steps write to /o, and whose outcome is /o alone. */
  const writing = (...steps: string[]): string =>
    ['FROM busybox AS work', 'RUN mkdir /o', ...steps, 'FROM scratch', 'COPY --from=work /o /', ''].join('\n');
  const failing = async (context: ClientFolder, more: ClientBuild = {}): Promise<ClientOutcome> =>
    await client.build({ ...more, folders: { context } });

  test.each(['steered', 'direct'] as const)('makes an image with names, labels and arguments (%s)', async (way) => {
    const name = `made-${way}`;
    const { response, vertexes, warnings } = await build(
      {
        Dockerfile: 'FROM busybox\nARG WORD\nCOPY a.txt /a\nRUN echo $WORD >> /a\nCMD ["cat","/a"]\n',
        'a.txt': 'one\n',
      },
      {
        way,
        attributes: { 'build-arg:WORD': 'two', 'build-arg:SPARE': 'x', 'label:made.by': way },
        exporter: { type: 'moby', attrs: { name: `${name},example.org/${name}:2` } },
      },
    );
    const image = await engine.client.images.inspect(name, AbortSignal.timeout(10_000));
    expect(image).toMatchObject({ Id: response['containerimage.digest'], Config: { Labels: { 'made.by': way } } });
    expect(image.RepoTags).toEqual([`example.org/${name}:2`, `${name}:latest`]);
    expect(response['image.name']).toBe(`docker.io/library/${name},example.org/${name}:2`);
    expect(warnings).toEqual(['One or more build-args [SPARE] were not consumed']);
    expect([...vertexes].map(([title, { error }]) => [title, error])).toEqual([
      ['[internal] load build definition from Dockerfile', ''],
      ['[internal] load .dockerignore', ''],
      ['[internal] load metadata for docker.io/library/busybox:latest', ''],
      ['[internal] load build context', ''],
      ['[1/3] FROM docker.io/library/busybox:latest', ''],
      ['[2/3] COPY a.txt /a', ''],
      ['[3/3] RUN echo two >> /a', ''],
      ['exporting to image', ''],
    ]);
    expect([...vertexes.values()].every(({ completed }) => completed)).toBe(true);
  });

  test('is asked again for what changed alone, and finds the steps cached that do not read it', async () => {
    const sharedKey = randomBytes(4).toString('hex');
    const Dockerfile = writing('COPY a /o/a', 'RUN cat /o/a', 'COPY d /o/d');
    const first = { Dockerfile, a: '1', 'd/b': 'old', 'd/gone': 'x', 'd/link': { link: 'b' } };
    expect((await build(first, { sharedKey })).asked).toEqual(['Dockerfile', 'a', 'd/b', 'd/gone']);
    const { asked, vertexes, receivedFiles } = await build(
      { Dockerfile, a: '1', 'd/b': 'newer', 'd/link': { link: 'b' } },
      { sharedKey, exporter: { type: 'local' } },
    );
    expect(asked).toEqual(['Dockerfile', 'd/b']);
    expect(receivedFiles).toEqual({ a: '1', d: '', 'd/b': 'newer', 'd/link': 'b' });
    expect(vertexes.get('[work 4/5] RUN cat /o/a')).toMatchObject({ cached: true });
    expect(vertexes.get('[work 5/5] COPY d /o/d')).toMatchObject({ cached: false });
  });

  test('names that are not UTF-8 come and go as they are', async () => {
    const files = { 'd/\udce9/f\udce9': 'x', 'd/\udce9/l': { link: 'f\udce9' } };
    expect(await filesOf({ Dockerfile: 'FROM scratch\nCOPY d /\n', ...files })).toEqual({
      '\udce9': '',
      '\udce9/f\udce9': 'x',
      '\udce9/l': 'f\udce9',
    });
  });

  test('is asked for what the steps of the target read, and for nothing where they read nothing', async () => {
    await build(
      { Dockerfile: 'FROM busybox\nONBUILD COPY trigger /\n' },
      { exporter: { type: 'moby', attrs: { name: 'with-trigger' } } },
    );
    const Dockerfile = `FROM with-trigger AS used
ARG WHAT
COPY $WHAT/*.txt /
RUN --mount=target=/m,source=mounted test -f /m/f
FROM busybox
COPY other /
FROM used
`;
    const files = { trigger: 't', 'd/a.txt': 'a', 'd/b.md': 'b', 'mounted/f': 'f', other: 'o' };
    const { asked } = await build({ Dockerfile, ...files }, { attributes: { 'build-arg:WHAT': 'd' } });
    expect(asked).toEqual(['Dockerfile', 'd/a.txt', 'mounted/f', 'trigger']);
    const { vertexes } = await build({ Dockerfile: 'FROM busybox\nRUN true\n', ...files });
    expect([...vertexes.keys()]).not.toContain('[internal] load build context');
  });

  test('keeps what its .dockerignore names, that beside the Dockerfile first', async () => {
    const context = {
      Dockerfile: 'FROM scratch\nCOPY . /\n',
      '.dockerignore': 'secret*\n!secretly\n# no\n',
      secret: 's',
      secretly: 'y',
      other: 'o',
    };
    expect(Object.keys(await filesOf(context))).toEqual(['.dockerignore', 'Dockerfile', 'other', 'secretly']);
    const beside = { ...context, 'Dockerfile.dockerignore': '*\n!other\n' };
    expect(Object.keys(await filesOf(beside))).toEqual(['other']);
  });

  test('takes the Dockerfile from a folder of its own, and the target and the contexts it names', async () => {
    const Special =
      'FROM base AS work\nRUN cat /bin/busybox > /dev/null\nFROM scratch AS wanted\nCOPY --from=extra f /f\nFROM nowhere\n';
    const files = await filesOf(
      {},
      {
        folders: { dockerfile: { Special }, extra: { f: 'found', ignored: 'x', '.dockerignore': 'ignored' } },
        attributes: {
          filename: 'Special',
          target: 'wanted',
          'context:base': 'docker-image://busybox',
          'context:extra': 'local:extra',
        },
      },
    );
    expect(files).toEqual({ f: 'found' });
  });

  test('gives secrets, ssh agents and names of hosts to the steps that want them', async () => {
    const files = await filesOf(
      {
        Dockerfile: writing(
          'RUN --mount=type=secret,id=s --mount=type=secret,id=e,env=E --mount=type=secret,id=none wc -c /run/secrets/s > /o/s; echo $E | wc -c >> /o/s; test ! -e /run/secrets/none',
          'RUN --mount=type=ssh test -S $SSH_AUTH_SOCK && echo a socket > /o/agent; grep -w box /etc/hosts > /o/hosts',
        ),
      },
      {
        secrets: { s: 'hush', e: 'hushed' },
        agent: (said) => said,
        attributes: { 'force-network-mode': 'none', 'add-hosts': 'box=10.9.8.7' },
      },
    );
    expect(files).toEqual({ s: '4 /run/secrets/s\n7\n', agent: 'a socket\n', hosts: '10.9.8.7\tbox\n' });
  });

  test('is told where in the Dockerfile a step failed, and with what', async () => {
    const Dockerfile = 'FROM busybox\n# why\nRUN echo before; exit 7\n';
    const { failure, log, vertexes } = await failing({ Dockerfile });
    const message = 'process "/bin/sh -c echo before; exit 7" did not complete successfully: exit code: 7';
    expect(failure).toMatchObject({ message });
    expect(log).toBe('before\n');
    expect(vertexes.get('[2/2] RUN echo before; exit 7')).toEqual({ cached: false, completed: true, error: message });
    const details = failure?.details.map(({ typeUrl, value }) => [
      typeUrl,
      JSON.parse(Buffer.from(value).toString()) as unknown,
    ]);
    expect(details).toMatchObject([
      [
        'github.com/moby/buildkit/errdefs.Source+json',
        {
          info: { filename: 'Dockerfile', data: Buffer.from(Dockerfile).toString('base64') },
          ranges: [{ start: { line: 3 }, end: { line: 3 } }],
        },
      ],
      ['github.com/moby/buildkit/errdefs.Vertex+json', { digest: expect.stringMatching(/^sha256:/) as string }],
      ['github.com/moby/buildkit/gatewayapi.ExitMessage+json', { Code: 7 }],
    ]);
  });

  test('is told what is wrong with a Dockerfile, that there is none, and what cannot be done', async () => {
    expect((await failing({ Dockerfile: 'FROM busybox\nNONSENSE\n' })).failure?.message).toMatch(
      /line 2: unknown instruction: NONSENSE/,
    );
    expect((await failing({})).failure?.message).toBe(
      'failed to read dockerfile: open Dockerfile: no such file or directory',
    );
    const oddly = { exporter: { type: 'odd' } };
    expect((await failing({ Dockerfile: 'FROM busybox\n' }, oddly)).failure?.message).toMatch(
      /exporter "odd" could not be found/,
    );
  });

  test('writes nothing outside its own folder, whatever paths it sends', async () => {
    const Dockerfile = 'FROM scratch\nCOPY . /\n';
    const victim = `tsc-escape-${randomBytes(4).toString('hex')}`;
    const evil: ClientFolder[] = [
      { [`../${victim}`]: 'x' },
      { [`../../../../../../../../tmp/${victim}`]: 'x' },
      { [`/tmp/${victim}`]: 'x' },
      { out: { link: '/tmp' }, [`out/${victim}`]: 'x' },
    ];
    for (const files of evil) {
      const { failure } = await client.build({ folders: { context: files, dockerfile: { Dockerfile } } });
      expect(failure?.message).toMatch(/path that cannot be/);
    }
    expect(existsSync(`/tmp/${victim}`)).toBe(false);
    expect(existsSync(`${engine.dataRoot}/build-cache/received/${victim}`)).toBe(false);
  });

  test('sends an archive as the context, and gets the outcome as one', async () => {
    const member = (path: string, text: string) => ({
      entry: { type: 'file' as const, path, mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, sizeBytes: text.length },
      body: Buffer.from(text),
    });
    const members = async function* () {
      yield await Promise.resolve(member('Dockerfile', 'FROM scratch\nCOPY x /y\n'));
      yield member('x', 'content');
    };
    const upload = await buffer(Readable.from(writeTar(members())));
    const { received } = await build(
      {},
      { upload, attributes: { context: 'http://buildkit-session/abc' }, exporter: { type: 'tar' } },
    );
    const seen: string[] = [];
    await readTar(Readable.from([received]), async (entry, content) => {
      seen.push(`${entry.path} ${(await buffer(content)).toString()}`);
    });
    expect(seen).toEqual(['y content']);
  });

  test('builds for several platforms: an image each under one name, or a folder each', async () => {
    const platform = 'linux/amd64,linux/s390x';
    const context = {
      Dockerfile: [
        'FROM --platform=$BUILDPLATFORM busybox AS work',
        'ARG TARGETARCH',
        'RUN mkdir /o; echo $TARGETARCH > /o/arch; ln /o/arch /o/again',
        'FROM scratch',
        'COPY --from=work /o /',
      ].join('\n'),
    };
    const attributes = { platform };
    const { response, vertexes } = await build(context, {
      attributes,
      exporter: { type: 'image', attrs: { name: 'many:1' } },
    });
    expect([...vertexes.keys()]).toEqual(
      expect.arrayContaining([expect.stringMatching(/^\[linux\/s390x work 2\/2\] RUN/)]),
    );
    const signal = AbortSignal.timeout(10_000);
    const found = await Promise.all(
      platform.split(',').map((one) => engine.client.images.inspect('many:1', signal, one)),
    );
    expect(found.map(({ Os, Architecture }) => `${Os}/${Architecture}`).join()).toBe(platform);
    expect(found.map(({ Id }) => Id)).toContain(response['containerimage.digest']);
    const files = { 'linux_amd64/arch': 'amd64\n', 'linux_s390x/arch': 's390x\n' };
    expect(await filesOf(context, { attributes })).toMatchObject(files);
    const { received } = await build(context, { attributes, exporter: { type: 'tar' } });
    const names: string[] = [];
    await readTar(Readable.from([received]), (entry) => {
      names.push(entry.path);
      return Promise.resolve();
    });
    expect(names.filter((name) => name.endsWith('arch')).toSorted()).toEqual(Object.keys(files));
    const { received: layout } = await build(context, { attributes, exporter: { type: 'oci' } });
    const loaded: (string | undefined)[] = [];
    for await (const { stream } of engine.client.images.load(Readable.from([layout]), {}, signal)) loaded.push(stream);
    expect(loaded.toSorted()).toEqual(found.map(({ Id }) => `Loaded image ID: ${Id}\n`).toSorted());
    await engine.client.images.remove('many:1', {}, signal);
    await expect(engine.client.images.inspect('many:1', signal)).rejects.toThrow(/No such image/);
  });

  test('gives an archive its names there, and moves none here', async () => {
    const signal = AbortSignal.timeout(20_000);
    const context = (text: string) => ({ Dockerfile: `FROM scratch\nCOPY Dockerfile /${text}\n` });
    await build(context('old'), { exporter: { type: 'image', attrs: { name: 'mine:1' } } });
    const before = await engine.client.images.inspect('mine:1', signal);
    const exporter = { type: 'docker', attrs: { name: 'mine:1,mine:2' } };
    const { received } = await build(context('new'), { exporter });
    expect((await engine.client.images.inspect('mine:1', signal)).Id).toBe(before.Id);
    await expect(engine.client.images.inspect('mine:2', signal)).rejects.toThrow(/No such image/);
    const loaded: (string | undefined)[] = [];
    for await (const { stream } of engine.client.images.load(Readable.from([received]), {}, signal))
      loaded.push(stream);
    expect(loaded).toEqual(['Loaded image: mine:1\n', 'Loaded image: mine:2\n']);
    expect((await engine.client.images.inspect('mine:1', signal)).Id).not.toBe(before.Id);
  });

  test('leaves its steps in a registry for others, and finds them there', async () => {
    const attrs = { ref: `${registry.host}/cache:1` };
    const context = { Dockerfile: `FROM busybox\nRUN echo ${randomInt(1e9)} > /a\n` };
    const cache = { exports: [{ type: 'registry', attrs }] };
    await build(context, { cache });
    expect(registry.manifests.get('cache')?.has('1')).toBe(true);
    const imports = JSON.stringify([{ Type: 'registry', Attrs: attrs }]);
    await build(context, { attributes: { 'cache-imports': imports } });
    expect(registry.requests.at(-1)).toContain('/v2/cache/');
    const refused = await failing(context, { cache: { exports: [{ type: 'local', attrs: { dest: '/x' } }] } });
    expect(refused.failure?.message).toContain('does not export the cache to a folder of the client');
  });

  test('pushes with the credentials of the client', async () => {
    registry.login = 'me:pass';
    const name = `${registry.host}/pushed:1`;
    await build(
      { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' },
      {
        exporter: { type: 'moby', attrs: { name, push: 'true' } },
        credentials: { [registry.host]: { username: 'me', secret: 'pass' } },
      },
    );
    expect([...(registry.manifests.get('pushed')?.keys() ?? [])]).toContain('1');
  });

  test('ends a build by going away, and nothing of it goes on', async () => {
    const gone = new AbortController();
    const sleep = `sleep 8${randomInt(10_000, 99_999)}`;
    const running = client.build({
      folders: { context: { Dockerfile: `FROM busybox\nRUN echo begun; ${sleep}\n` } },
      signal: gone.signal,
      onLog: (text) => {
        if (text.includes('begun')) gone.abort(new Error('enough'));
      },
    });
    await expect(running).rejects.toThrow('enough');
    const commands = (): string[] =>
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map((pid) => {
          try {
            return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
          } catch {
            return ''; // it has just ended
          }
        });
    await expect.poll(() => commands().filter((line) => line.includes(sleep)), { timeout: 20_000 }).toEqual([]);
  });

  test('hears of no earlier build, and of its end where it does not want to wait', async () => {
    const listen = client.channel.open('/moby.buildkit.v1.Control/ListenBuildHistory', {
      signal: AbortSignal.timeout(20_000),
    });
    await listen.send(historyRequest.encode({ earlyExit: true }));
    listen.end();
    expect(await listen.incoming.next()).toEqual({ done: true, value: undefined });
  });

  test('sees what the cache holds, and empties it', async () => {
    const signal = AbortSignal.timeout(30_000);
    const usage = () =>
      client.channel.call('/moby.buildkit.v1.Control/DiskUsage', diskUsageRequest, diskUsageResponse, {}, { signal });
    await build({ Dockerfile: 'FROM busybox\nRUN touch /cached\n' });
    expect((await usage()).record.map(({ description }) => description)).toContain('RUN touch /cached');
    const pruned = client.channel.open('/moby.buildkit.v1.Control/Prune', { signal });
    await pruned.send(pruneRequest.encode({ all: true }));
    pruned.end();
    let count = 0;
    while ((await pruned.incoming.next()).done !== true) count++;
    expect(count).toBeGreaterThan(0);
    expect((await usage()).record).toEqual([]);
    const received = `${engine.dataRoot}/build-cache/received`;
    expect(readdirSync(received)).toEqual([]);
    await build({ Dockerfile: 'FROM busybox\nCOPY f /f\n', f: 'f' }, { sharedKey: 'kept' });
    expect(readdirSync(received)).toHaveLength(1);
    await new Promise((resolve, reject) => {
      const sent = request({ socketPath: engine.socket, method: 'POST', path: '/build/prune' }, (answer) =>
        answer.resume().on('end', resolve),
      );
      sent.on('error', reject).end();
    });
    expect(readdirSync(received)).toEqual([]);
  });
});
