import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { curl, EngineSandbox, engineMissing } from '../../support/engine-sandbox.js';
import {
  hostStateOnce,
  isAsBefore,
  leftBehind,
  readHostState,
  takenAway,
  type HostState,
} from '../../support/host-state.js';

describe.skipIf(engineMissing() !== undefined)('the hitos example', () => {
  let before: HostState;
  let sandbox: EngineSandbox;
  let cwd: string;

  beforeAll(async () => {
    before = readHostState();
    sandbox = new EngineSandbox();
    await sandbox.withBusybox();
    cwd = sandbox.fixture('hitos');
    await sandbox.ok(['up', '-d'], { cwd });
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  test('serves the file on localhost', () => {
    expect(JSON.parse(curl('http://localhost:8080/hitos.json') ?? '{}')).toMatchObject({ project: 'hitos' });
    expect(JSON.parse(curl('http://127.0.0.1:8080/hitos.json') ?? '{}')).toMatchObject({ project: 'hitos' });
    expect(JSON.parse(curl('http://[::1]:8080/hitos.json') ?? '{}')).toMatchObject({ project: 'hitos' });
  });

  test('the volume is read-only in web', async () => {
    const result = await sandbox.run(['exec', '-T', 'web', 'touch', '/data/x'], { cwd });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('Read-only file system');
  });

  test('exec sees only the processes of its container', async () => {
    const lines = (await sandbox.ok(['exec', '-T', 'web', 'ps', '-o', 'comm'], { cwd })).trim().split('\n');
    expect(lines.slice(1).sort()).toEqual(['httpd', 'ps']);
  });

  test('ps shows the running service with its port', async () => {
    const table = await sandbox.ok(['ps'], { cwd });
    expect(table).toMatch(/hitos-web-1 .*web .*0\.0\.0\.0:8080->5000\/tcp/);
    expect(table).not.toContain('hitos-config-1');
    expect(await sandbox.ok(['ps', '--all'], { cwd })).toMatch(/hitos-config-1 .*Exited \(0\)/);
  });

  test('up again changes nothing', async () => {
    const ids = await sandbox.ok(['ps', '-aq'], { cwd });
    await sandbox.ok(['up', '-d'], { cwd });
    // `config` has ended by itself, so it runs once more; the containers are the same ones.
    expect((await sandbox.ok(['ps', '-aq'], { cwd })).split('\n').sort()).toEqual(ids.split('\n').sort());
  });

  test('logs come with the prefix of their container', async () => {
    await sandbox.ok(['exec', '-T', 'web', 'sh', '-c', 'echo hello from web > /proc/1/fd/1'], { cwd });
    expect(await sandbox.ok(['logs', 'web'], { cwd })).toMatch(/^web-1 {2}\| hello from web$/m);
  });

  test('after down and engine stop the host is as before', async () => {
    await sandbox.ok(['down', '-v', '--rmi', 'all'], { cwd });
    expect(await sandbox.ok(['ps', '-aq'], { cwd })).toBe('');
    await sandbox.ok(['engine', 'stop']);
    const after = await hostStateOnce((state) => isAsBefore(before, state, sandbox.engineId()));
    expect(leftBehind(before, after, sandbox.engineId())).toEqual({});
    expect(takenAway(before, after, sandbox.engineId())).toEqual({});
  });
});
