import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineProcess } from '../server/engine-process.js';
import { writeFiles } from '../../support/test-folder.js';

const docker = process.env['TSCOMPOSE_DOCKER_CLI'] ?? 'docker';
const has = (plugin: string): boolean => spawnSync(docker, [plugin, 'version']).status === 0;

interface Outcome {
  readonly exitCode: number;
  readonly output: string;
}

/** Other people's clients, where they are found: plugins of the docker CLI on PATH or at TSCOMPOSE_DOCKER_CLI. */
describe('clients that build with BuildKit', () => {
  const engine = new EngineProcess();
  const folder = mkdtempSync(join(tmpdir(), 'tsc-clients-'));

  beforeAll(async () => {
    await engine.start();
    await engine.withBusybox();
  });
  afterAll(async () => {
    await engine[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const project = (name: string, files: Readonly<Record<string, string>>): string => {
    const dir = join(folder, name);
    writeFiles(dir, files);
    return dir;
  };
  const run = (cwd: string, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> =>
    new Promise((resolve) => {
      const inherited = Object.entries(process.env).filter(([name]) => name !== 'DOCKER_BUILDKIT');
      const environment = { ...Object.fromEntries(inherited), DOCKER_HOST: engine.host, ...env };
      execFile(docker, [...args], { cwd, env: environment }, (error, stdout, stderr) =>
        resolve({ exitCode: error === null ? 0 : Number(error.code ?? 128), output: stdout + stderr }),
      );
    });

  describe.skipIf(!has('compose'))('docker compose (none found)', () => {
    const compose = ['compose', '--progress', 'plain'];

    test('builds services side by side with all that its file gives them, and finds them cached', async () => {
      const dir = project('services', {
        'compose.yaml': `
name: bkservices
services:
  one:
    build:
      context: one
      target: wanted
      args: {WORD: hi}
      additional_contexts: {extra: ./extra, base: docker-image://busybox}
      secrets: [s]
      tags: ['bkservices/more:1']
      network: none
  two:
    build:
      context: .
      dockerfile_inline: |
        FROM busybox
        COPY extra /e
secrets:
  s: {environment: S}
`,
        'one/Dockerfile': `FROM base AS wanted
ARG WORD
COPY --from=extra f /f
RUN --mount=type=secret,id=s test "$(cat /run/secrets/s)" = hush && echo $WORD >> /f
FROM nowhere
`,
        'extra/f': 'found\n',
      });
      const env = { S: 'hush' };
      const first = await run(dir, [...compose, 'build'], env);
      expect(first, first.output).toMatchObject({ exitCode: 0 });
      expect(first.output).toContain('[one wanted 2/3] COPY --from=extra f /f');
      expect(await run(dir, ['run', '--rm', 'bkservices/more:1', 'cat', '/f'])).toEqual({
        exitCode: 0,
        output: 'found\nhi\n',
      });
      const second = await run(dir, [...compose, 'build'], env);
      expect(second.output.match(/CACHED/g)).toHaveLength(3);
    });

    test('up --build runs what it built; a step that fails ends it with the step’s words', async () => {
      const dir = project('up', {
        'compose.yaml': 'name: bkup\nservices: {web: {build: .}}\n',
        Dockerfile: 'FROM busybox\nCMD echo from the image\n',
      });
      const up = await run(dir, [...compose, 'up', '--build']);
      expect(up, up.output).toMatchObject({ exitCode: 0 });
      expect(up.output).toContain('from the image');
      await run(dir, ['compose', 'down', '-t', '0']);
      project('up', { Dockerfile: 'FROM busybox\nRUN echo broken; exit 3\n' });
      const failed = await run(dir, [...compose, 'build']);
      expect(failed.exitCode).not.toBe(0);
      expect(failed.output).toContain('broken');
      expect(failed.output).toContain(
        'failed to solve: process "/bin/sh -c echo broken; exit 3" did not complete successfully: exit code: 3',
      );
    });
  });

  describe.skipIf(!has('buildx'))('docker buildx (none found)', () => {
    const build = ['buildx', 'build', '--progress', 'plain'];

    test('loads an image, gives a folder and a tar, and shows the line that failed', async () => {
      const dir = project('buildx', { Dockerfile: 'FROM scratch\nCOPY a b/\n', a: 'content' });
      const loaded = await run(dir, [...build, '--load', '-t', 'bkx:1', '--iidfile', 'iid', '.']);
      expect(loaded, loaded.output).toMatchObject({ exitCode: 0 });
      const { output } = await run(dir, ['image', 'inspect', '-f', '{{.Id}}', 'bkx:1']);
      expect(output.trim()).toBe(readFileSync(join(dir, 'iid'), 'utf8'));
      await run(dir, [...build, '-o', 'type=local,dest=out', '.']);
      expect(readFileSync(join(dir, 'out/b/a'), 'utf8')).toBe('content');
      await run(dir, [...build, '-o', 'type=tar,dest=out.tar', '.']);
      expect(spawnSync('tar', ['-xOf', join(dir, 'out.tar'), 'b/a'], { encoding: 'utf8' }).stdout).toBe('content');
      project('buildx', { Dockerfile: 'FROM busybox\nRUN true\nRUN exit 4\n' });
      const failed = await run(dir, [...build, '.']);
      expect(failed.exitCode).not.toBe(0);
      expect(failed.output).toContain('   3 | >>> RUN exit 4');
    });

    test('du tells of the cache, prune empties it', async () => {
      expect((await run(folder, ['buildx', 'prune', '--force', '--all'])).exitCode).toBe(0);
      expect((await run(folder, ['buildx', 'du'])).output).toMatch(/Total:\s+0B/);
    });
  });
});
