import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type * as Testcontainers from 'testcontainers';
import { EngineProcess } from './engine-process.js';

/** Serves files of /srv on port 8080, after a line that says so. */
const server = ['sh', '-c', 'mkdir -p /srv; echo up > /srv/health; echo serving; exec httpd -f -p 8080 -h /srv'];

/**
 * The library's ordinary flows. Its reaper stays off: it is an image of its own, which no registry in reach may have; the
 * engine needs nothing for it beyond what the dockerode tests show.
 */
describe('testcontainers', () => {
  const engine = new EngineProcess();
  let library: typeof Testcontainers;

  beforeAll(async () => {
    await engine.start();
    await engine.withBusybox();
    process.env['DOCKER_HOST'] = engine.host;
    process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
    library = await import('testcontainers');
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  const started = (container: Testcontainers.GenericContainer) => container.withStartupTimeout(20_000).start();
  const generic = () => new library.GenericContainer('busybox');

  test('a port that is exposed is reached under the one it was mapped to', async () => {
    const container = await started(generic().withCommand(server).withExposedPorts(8080));
    const answer = await fetch(`http://127.0.0.1:${container.getMappedPort(8080)}/health`);
    expect(await answer.text()).toBe('up\n');
    await container.stop();
    await expect(engine.client.containers.inspect(container.getId(), AbortSignal.timeout(5_000))).rejects.toThrow();
  });

  test('it waits for a line in the log, for HTTP, for health and for a command that succeeds', async () => {
    const { Wait } = library;
    const log = generic().withCommand(server).withWaitStrategy(Wait.forLogMessage('serving'));
    const http = generic()
      .withCommand(server)
      .withExposedPorts(8080)
      .withWaitStrategy(Wait.forHttp('/health', 8080).forStatusCode(200));
    const health = generic()
      .withCommand(server)
      .withHealthCheck({ test: ['CMD-SHELL', 'test -e /srv/health'], interval: 200, timeout: 1_000, retries: 20 })
      .withWaitStrategy(Wait.forHealthCheck());
    const command = generic().withCommand(server).withWaitStrategy(Wait.forSuccessfulCommand('test -e /srv/health'));
    const once = generic().withCommand(['true']).withWaitStrategy(Wait.forOneShotStartup());
    for (const container of [log, http, health, command, once]) await (await started(container)).stop();
  });

  test('a wait that cannot be met fails in time, with what was waited for', async () => {
    const hopeless = generic()
      .withCommand(server)
      .withWaitStrategy(library.Wait.forLogMessage('never said'))
      .withStartupTimeout(500);
    await expect(hopeless.start()).rejects.toThrow('never said');
  });

  test('files and text are copied in before the start and out after it', async () => {
    const file = join(engine.folder, 'carried');
    writeFileSync(file, 'from a file\n');
    const container = await started(
      generic()
        .withCommand(['sleep', '1000'])
        .withCopyFilesToContainer([{ source: file, target: '/tmp/file', mode: 0o640 }])
        .withCopyContentToContainer([{ content: 'from text\n', target: '/tmp/text' }]),
    );
    const { output } = await container.exec(['sh', '-c', 'cat /tmp/file /tmp/text; stat -c %a /tmp/file']);
    expect(output).toBe('from a file\nfrom text\n640\n');
    expect(await text(await container.copyArchiveFromContainer('/tmp/text'))).toContain('from text\n');
    await container.stop();
  });

  test('exec gives output and exit code; environment, user, folder and labels are as asked', async () => {
    const container = await started(
      generic()
        .withCommand(['sleep', '1000'])
        .withEnvironment({ WORD: 'said' })
        .withLabels({ kind: 'test' })
        .withWorkingDir('/tmp')
        .withUser('7')
        .withTmpFs({ '/scratch': 'rw,size=64k' }),
    );
    expect(await container.exec(['sh', '-c', 'echo $WORD; pwd; id -u; exit 3'])).toMatchObject({
      output: 'said\n/tmp\n7\n',
      exitCode: 3,
    });
    expect(container.getLabels()).toMatchObject({ kind: 'test' });
    expect(await container.exec('df /scratch')).toMatchObject({ exitCode: 0 });
    await container.restart();
    expect((await container.exec(['true'])).exitCode).toBe(0);
    await container.stop();
  });

  test('containers on a network find each other by alias', async () => {
    const network = await new library.Network().start();
    const web = await started(
      generic()
        .withCommand(server)
        .withNetwork(network)
        .withNetworkAliases('web')
        .withWaitStrategy(library.Wait.forLogMessage('serving')),
    );
    const client = await started(generic().withCommand(['sleep', '1000']).withNetwork(network));
    expect((await client.exec(['wget', '-qO-', 'http://web:8080/health'])).output).toBe('up\n');
    await client.stop();
    await web.stop();
    await network.stop();
  });

  test('logs are followed', async () => {
    const container = await started(
      generic().withCommand(['sh', '-c', 'for i in 1 2 3; do echo line $i; done; sleep 1000']),
    );
    const lines: string[] = [];
    const stream = await container.logs();
    for await (const chunk of stream) {
      lines.push(
        ...String(chunk)
          .split('\n')
          .filter((line) => line !== ''),
      );
      if (lines.length === 3) break;
    }
    expect(lines).toEqual(['line 1', 'line 2', 'line 3']);
    await container.stop();
  });
});
