import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';
import { CallRecorder, imageId, replay, type RecordedCall } from './recorded-calls.js';

/**
 * A project that one tool brought up is handled by the other, on the same engine. What docker compose 2.26 asks of an
 * engine is recorded in `golden/handover.json` and always replayed. Where `docker compose` is on the PATH it does its
 * part itself; with TSCOMPOSE_PEER=1 also on the dockerd at DOCKER_HOST, and TSCOMPOSE_RECORD=1 records anew.
 */
const missing = engineMissing();
const version = spawnSync('docker', ['compose', 'version', '--short'], { encoding: 'utf8' });
const peer = version.status === 0 && version.stdout.startsWith('2.');
const dockerd = peer && process.env['TSCOMPOSE_PEER'] === '1' ? process.env['DOCKER_HOST'] : undefined;
const recording = peer && process.env['TSCOMPOSE_RECORD'] === '1';
const golden = new URL('golden/handover.json', import.meta.url);

const name = 'tschandover';
const files = {
  'web.env': 'FROM_FILE=1\nSHARED=file\n',
  'compose.yaml': `
name: ${name}
services:
  web:
    image: busybox
    command: [sh, -c, 'echo web started; mkdir -p /www; echo hello > /www/index.html; exec httpd -f -p 80 -h /www']
    ports: ["127.0.0.1:18391:80"]
    depends_on:
      db: {condition: service_healthy, restart: true}
      job: {condition: service_completed_successfully}
    environment: {SHARED: "set here", NUMBER: 1, EMPTY: ""}
    env_file: [web.env]
    volumes: [data:/data, /etc/hostname:/host-name:ro, {type: tmpfs, target: /scratch}]
    networks: {front: {aliases: [site]}, back: {}}
    labels: {com.example.team: "a team"}
    healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1/"], interval: 300ms, timeout: 5s}
    deploy: {resources: {limits: {memory: 64M, cpus: "0.5"}}}
    ulimits: {nofile: 1024}
    logging: {driver: json-file, options: {max-size: 1m}}
    stop_grace_period: 0s
  db:
    image: busybox
    command: [sh, -c, 'echo db started; touch /ready; exec sleep 1000']
    healthcheck: {test: "test -e /ready", interval: 300ms, timeout: 5s}
    volumes: [/anonymous]
    networks: [back]
    stop_grace_period: 0s
  worker:
    image: busybox
    command: sleep 1000
    deploy: {replicas: 2}
    networks: [back]
    stop_grace_period: 0s
  job:
    image: busybox
    command: "true"
    network_mode: none
volumes: {data: {labels: {com.example.kind: state}}}
networks: {front: {}, back: {internal: true}}
`,
};

type Tool = (...args: readonly string[]) => Promise<string>;

type Labels = Readonly<Record<string, string>>;

/** docker compose goes through what a service needs in no order. */
function alike(labels: Labels): Labels {
  const needs = (labels['com.docker.compose.depends_on'] ?? '').split(',').sort().join(',');
  return { ...labels, 'com.docker.compose.depends_on': needs };
}

describe.skipIf(missing !== undefined)('a project goes from one tool to the other', () => {
  let sandbox: EngineSandbox;
  let cwd: string;
  let socket: string;
  let image: string;

  beforeAll(async () => {
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project(name, files);
    ({ socket } = await sandbox.status());
    image = await imageId('busybox', socket);
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  const tscompose =
    (host: string): Tool =>
    (...args) =>
      sandbox.ok(args, { cwd, env: { DOCKER_HOST: host } });

  const compose =
    (host: string): Tool =>
    (...args) =>
      new Promise((resolve, reject) => {
        const env = { ...process.env, DOCKER_HOST: host };
        execFile('docker', ['compose', ...args], { cwd, env, encoding: 'utf8' }, (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`docker compose ${args.join(' ')}: ${stderr}`));
        });
      });

  /** What a user does with a project that is up, in this order; then nothing of it is left. */
  async function handle(other: Tool, back: Tool): Promise<void> {
    const ids = async (...services: string[]): Promise<string> =>
      (await back('ps', '-aq', '--no-trunc', ...services)).split('\n').sort().join('\n');
    const before = await ids();
    const states = await other('ps', '-a', '--format', '{{.Service}} {{.State}} {{.Health}}');
    expect(states.split('\n').filter(Boolean).sort()).toEqual([
      'db running healthy',
      'job exited ',
      'web running healthy',
      'worker running ',
      'worker running ',
    ]);
    const listed = JSON.parse(await other('ls', '-a', '--filter', `name=${name}`, '--format', 'json')) as unknown;
    expect(listed).toEqual([{ Name: name, Status: 'exited(1), running(4)', ConfigFiles: join(cwd, 'compose.yaml') }]);
    const logged = await other('logs', '--no-color', 'web', 'db');
    expect(logged.replaceAll('\u001b[2K', '').replace(/ +\|/g, ' |').split('\n').sort().join('\n').trim()).toBe(
      'db-1 | db started\nweb-1 | web started',
    );
    expect(
      await other('exec', '-T', 'web', 'sh', '-c', 'echo "$SHARED,$FROM_FILE,$NUMBER,$EMPTY"; nslookup site >&2'),
    ).toBe('set here,1,1,\n');
    expect(await other('port', 'web', '80')).toBe('127.0.0.1:18391\n');

    await other('up', '-d');
    expect(await ids(), 'up with nothing to do').toBe(before);
    await other('up', '-d', '--scale', 'worker=3');
    expect((await ids('worker')).split('\n').filter((id) => before.includes(id))).toHaveLength(3); // and an empty line
    expect((await ids('worker')).trim().split('\n')).toHaveLength(3);
    await back('up', '-d', '--scale', 'worker=2');
    await other('up', '-d', '--force-recreate', 'web');
    const renewed = await ids();
    expect(renewed).not.toBe(before);
    await back('up', '-d');
    expect(await ids(), 'up after the other recreated').toBe(renewed);
    await back('stop', 'web');
    await other('start', 'web');
    await other('restart', 'db');
    expect(await other('run', '--rm', '-T', 'worker', 'echo', 'ran')).toBe('ran\n');
    await other('down', '-v');
    expect((await ids()).trim()).toBe('');
    expect(await labelled(other)).toEqual([]);
  }

  const labelled = async (tool: Tool): Promise<unknown> =>
    JSON.parse(await tool('ls', '-a', '--filter', `name=${name}`, '--format', 'json')) as unknown;

  const calls = (): readonly RecordedCall[] =>
    JSON.parse(
      readFileSync(golden, 'utf8').replaceAll('$DIR', cwd).replaceAll('$IMAGE', image),
    ) as readonly RecordedCall[];

  test('what docker compose made is listed, logged, entered, scaled, kept and taken down', async () => {
    if (recording) {
      const at = join(sandbox.folder, 'recorder.sock');
      {
        await using recorder = await CallRecorder.listen(at, socket);
        await compose(`unix://${at}`)('up', '-d');
        const text = JSON.stringify(recorder.calls, undefined, 2).replaceAll(cwd, '$DIR').replaceAll(image, '$IMAGE');
        writeFileSync(golden, `${text}\n`);
      }
      await compose(`unix://${socket}`)('down', '-v');
      rmSync(at, { force: true });
    }
    await replay(calls(), socket);
    const own = tscompose(`unix://${socket}`);
    await eventually('web is healthy', async () => (await own('ps', '--format', '{{.Health}}', 'web')) === 'healthy\n');
    await handle(own, own);
  });

  test('what we make carries every label that docker compose goes by', async () => {
    const own = tscompose(`unix://${socket}`);
    const at = join(sandbox.folder, 'recorder.sock');
    await using recorder = await CallRecorder.listen(at, socket);
    await tscompose(`unix://${at}`)('up', '-d');
    const labels = (all: readonly RecordedCall[]): Record<string, Labels> =>
      Object.fromEntries(
        all.flatMap(({ path, body }) => {
          const { Labels, Name = path } = (body ?? {}) as { Labels?: Labels; Name?: string };
          return Labels === undefined ? [] : [[Name.replace(/.*[?&]name=([^&]+).*/, '$1'), alike(Labels)]];
        }),
      );
    const theirs = labels(calls());
    const ours = labels(recorder.calls);
    for (const [thing, expected] of Object.entries(theirs)) expect(ours[thing], thing).toMatchObject(expected);
    expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
    await own('down', '-v');
  });

  describe.skipIf(!peer)('docker compose itself (skipped where it is not on the PATH)', () => {
    const engines = (): Record<string, string> => ({
      'our engine': `unix://${socket}`,
      ...(dockerd === undefined ? {} : { dockerd }),
    });
    test.each(['our engine', ...(dockerd === undefined ? [] : ['dockerd'])])('on %s', async (engine) => {
      const host = engines()[engine] ?? '';
      const tools = [tscompose(host), compose(host)] as const;
      for (const [maker, taker] of [tools, [tools[1], tools[0]]] as const) {
        await maker('up', '-d', '--wait', 'web', 'worker');
        await handle(taker, maker);
      }
    });
  });
});
