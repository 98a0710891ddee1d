import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerInspect } from '../../../src/api/container.js';
import { engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';

const missing = engineMissing();

describe.skipIf(missing !== undefined)('run', () => {
  let sandbox: EngineSandbox;
  let cwd: string;
  const compose = `
name: job
services:
  db:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    healthcheck: {test: "true", interval: 200ms}
  web:
    image: busybox
    command: [echo, from the file]
    depends_on: {db: {condition: service_healthy}}
    environment: {KEPT: file, CHANGED: file}
    labels: {kept: file}
    ports: ["18310:80"]
    restart: always
    volumes: [data:/data]
  lonely: {image: busybox, profiles: [extra], command: [echo, lonely], stop_grace_period: 0s}
volumes: {data: {}}
`;

  beforeAll(async () => {
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project('job', { 'compose.yaml': compose, 'more.env': 'FROM_FILE=yes\nCHANGED=env-file\n' });
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  const run = (...args: string[]): Promise<string> => sandbox.ok(['run', ...args], { cwd });

  async function inspectDetached(...args: string[]): Promise<ContainerInspect> {
    const id = (await run('-d', ...args)).trim();
    const { socket } = await sandbox.status();
    const response = await sandbox.run(['engine', 'status']); // the engine stays for the request below
    expect(response.exitCode).toBe(0);
    const { get } = await import('node:http');
    return await new Promise((resolve, reject) => {
      get({ socketPath: socket, path: `/v1.47/containers/${id}/json` }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => {
          resolve(JSON.parse(text) as ContainerInspect);
        });
      }).on('error', reject);
    });
  }

  test('starts what the service needs, waits for it, and gives the command’s output alone on standard output', async () => {
    expect(await run('--rm', 'web', 'echo', 'hello')).toBe('hello\n');
    expect(await sandbox.ok(['ps', '-a', '--format', '{{.Name}} {{.Health}}'], { cwd })).toBe('job-db-1 healthy\n');
  });

  test('without a command it is the file’s', async () => {
    expect(await run('--rm', 'web')).toBe('from the file\n');
  });

  test('its exit code is the command’s, and the streams stay apart', async () => {
    const result = await sandbox.run(['run', '--rm', '-T', 'web', 'sh', '-c', 'echo out; echo err >&2; exit 3'], {
      cwd,
    });
    expect(result).toMatchObject({ exitCode: 3, stdout: 'out\n' });
    expect(result.stderr).toMatch(/^err$/m);
  });

  test('standard input goes to the command, and to none with --interactive=false', async () => {
    const cat = async (...flags: string[]): Promise<string> =>
      await sandbox.ok(['run', '--rm', ...flags, 'web', 'cat'], { cwd, input: 'typed\n' });
    expect(await cat()).toBe('typed\n');
    expect(await cat('--interactive=false')).toBe('');
  });

  test('variables come from -e over files over the service, a bare name from here', async () => {
    const show = ['web', 'sh', '-c', 'echo $KEPT $CHANGED $FROM_FILE $BARE'];
    expect(await run('--rm', '--env-from-file', 'more.env', ...show)).toBe('file env-file yes\n');
    const flags = ['--env-from-file', 'more.env', '-e', 'CHANGED=flag', '-e', 'BARE'];
    expect(await sandbox.ok(['run', '--rm', ...flags, ...show], { cwd, env: { BARE: 'here' } })).toBe(
      'file flag yes here\n',
    );
  });

  test('a container of run is no replica: labels, name, restart, ports and aliases', async () => {
    const { Name, Config, HostConfig, NetworkSettings } = await inspectDetached('web', 'sleep', '1000');
    expect(Name).toMatch(/^\/job-web-run-[0-9a-f]{12}$/);
    expect(Config.Labels).toMatchObject({
      'com.docker.compose.oneoff': 'True',
      'com.docker.compose.slug': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      'com.docker.compose.service': 'web',
      kept: 'file',
    });
    expect(Config.Labels).not.toHaveProperty(['com.docker.compose.container-number']);
    expect(HostConfig.RestartPolicy).toMatchObject({ Name: 'no' });
    expect(HostConfig.PortBindings ?? {}).toEqual({});
    expect(NetworkSettings.Networks['job_default']?.Aliases).toEqual([Name.slice(1)]);
    expect(await sandbox.ok(['ps', '--format', '{{.Service}}'], { cwd })).toBe('db\n');
    expect(await sandbox.ok(['ps', '-a', '--format', '{{.Service}}'], { cwd })).toContain('web');
  });

  test('every flag reaches the container', async () => {
    const { Name, Config, HostConfig, NetworkSettings, Mounts } = await inspectDetached(
      ...['--name', 'job-named', '--use-aliases', '-p', '127.0.0.1:18311:81', '-u', '7:8', '-w', '/tmp'],
      ...['-l', 'more=flag', '--cap-add', 'NET_ADMIN', '--cap-drop', 'MKNOD', '-v', './:/here:ro', '-v', 'data:/again'],
      ...['--rm', '--entrypoint', 'sh -c "sleep 1000"', 'web'],
    );
    expect(Name).toBe('/job-named');
    expect(Config).toMatchObject({ User: '7:8', WorkingDir: '/tmp', Entrypoint: ['sh', '-c', 'sleep 1000'] });
    expect(Config.Cmd ?? []).toEqual([]);
    expect(Config.Labels).toMatchObject({ kept: 'file', more: 'flag' });
    expect(HostConfig).toMatchObject({ AutoRemove: true, CapAdd: ['NET_ADMIN'], CapDrop: ['MKNOD'] });
    expect(HostConfig.PortBindings).toEqual({ '81/tcp': [{ HostIp: '127.0.0.1', HostPort: '18311' }] });
    expect(NetworkSettings.Networks['job_default']?.Aliases).toEqual(['job-named', 'web']);
    const mounts = Mounts.map(({ Type, Destination, RW }) => `${Type} ${Destination} ${String(RW)}`).sort();
    expect(mounts).toEqual(['bind /here false', 'volume /again true', 'volume /data true']);
  });

  test('--service-ports publishes the service’s own ports', async () => {
    const { HostConfig } = await inspectDetached('--rm', '-P', 'web', 'sleep', '1000');
    expect(HostConfig.PortBindings).toEqual({ '80/tcp': [{ HostIp: '', HostPort: '18310' }] });
    const both = await sandbox.run(['run', '-P', '-p', '1:1', 'web'], { cwd });
    expect(both).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('exclude each other') as string });
  });

  test('--rm leaves no container, and without it there is one to look at', async () => {
    await run('--rm', '--name', 'job-gone', 'web', 'true');
    await run('--name', 'job-stays', 'web', 'true');
    const names = await sandbox.ok(['ps', '-a', '--format', '{{.Name}}'], { cwd });
    expect(names).not.toContain('job-gone');
    expect(names).toContain('job-stays');
  });

  test('--no-deps starts nothing else, and naming a service is enough to enable it', async () => {
    await sandbox.ok(['down', '--remove-orphans', '-t', '0'], { cwd });
    expect(await run('--no-deps', '--rm', 'web')).toBe('from the file\n');
    expect(await run('--rm', 'lonely')).toBe('lonely\n');
    expect(await sandbox.ok(['ps', '-a', '-q'], { cwd })).toBe('');
  });

  test('--quiet says nothing but what the command says', async () => {
    const result = await sandbox.run(['run', '--quiet', '--rm', 'web', 'true'], { cwd });
    expect(result).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  test('signals go to the command', async () => {
    const script = 'trap "echo term; exit 9" TERM; echo up; while :; do sleep 0.1; done';
    const { child, ended } = sandbox.start(['run', '--rm', 'web', 'sh', '-c', script], { cwd });
    let seen = '';
    child.stdout?.on('data', (chunk: string) => (seen += chunk));
    await eventually('it is up', () => seen.includes('up'));
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ exitCode: 9, stdout: 'up\nterm\n' });
  });

  test('a command that is not there is a failure of ours', async () => {
    const result = await sandbox.run(['run', '--rm', 'web', 'no-such-command'], { cwd });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('no-such-command');
  });

  test('--dry-run prints the plan and makes nothing', async () => {
    await sandbox.ok(['down', '--remove-orphans', '-t', '0'], { cwd });
    const plan = (await run('--dry-run', 'web', 'true')).replace(/run-[0-9a-f]{12}/g, 'run-SLUG');
    expect(plan.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
      '1 network.create job_default is not there',
      '2 after 1 container.create db-1 is not there',
      '3 after 1 container.create web-run-SLUG asked to run',
      '4 after 2 container.start db-1 is new',
      '5 after 4 container.wait db healthy web needs it healthy',
      '6 after 3,5 container.start web-run-SLUG is new',
      '',
    ]);
    expect(await sandbox.ok(['ps', '-a', '-q'], { cwd })).toBe('');
  });

  test('--build builds first', async () => {
    const built = sandbox.project('built', {
      'compose.yaml': 'services: {b: {build: ., command: [cat, /word]}}\n',
      Dockerfile: 'FROM busybox\nCOPY word /word\n',
      word: 'first\n',
    });
    const word = async (...flags: string[]): Promise<string> =>
      await sandbox.ok(['run', '--rm', ...flags, 'b'], { cwd: built });
    expect(await word()).toBe('first\n');
    writeFileSync(join(built, 'word'), 'second\n');
    expect(await word()).toBe('first\n');
    expect(await word('--build', '--quiet-build')).toBe('second\n');
  });
});
