import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineSandbox, engineMissing, eventually } from '../../support/engine-sandbox.js';

const cli = fileURLToPath(new URL('../../../dist/tscompose.cjs', import.meta.url));

const compose = `
name: relayed
services:
  web:
    image: busybox
    init: false
    stop_grace_period: 0s
    command: ["sh", "-c", "echo ready; exec sleep infinity"]
`;

describe.skipIf(engineMissing() !== undefined)('the command server', () => {
  const sandbox = new EngineSandbox({ TSCOMPOSE_COMMAND_SERVER: '1' });
  const socket = join(sandbox.folder, 'run/commands.sock');
  let cwd = '';
  beforeAll(async () => {
    await sandbox.withBusybox();
    cwd = sandbox.project('relayed', { 'compose.yaml': compose });
    await sandbox.ok(['up', '-d'], { cwd });
    await serving();
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  async function serving(): Promise<void> {
    await eventually('a server listens', listens);
  }

  /** The socket of one that was killed stays until another takes its place. */
  function listens(): Promise<boolean> {
    return new Promise((resolve) => {
      const connection = connect(socket, () => {
        connection.destroy();
        resolve(true);
      });
      connection.once('error', () => resolve(false));
    });
  }

  /** The process that was started with our socket. */
  function serverPid(): number | undefined {
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && commandLine(name).includes(`\0${socket}\0`));
    return pid === undefined ? undefined : Number(pid);
  }

  /** Runs a command and tells whether its own process loaded the program, by what it read. */
  function traced(args: readonly string[], env: Record<string, string> = {}): { stdout: string; loaded: boolean } {
    const trace = join(sandbox.folder, 'trace');
    const options = { cwd, env: { ...sandbox.env, NODE_V8_COVERAGE: trace, ...env }, encoding: 'utf8' as const };
    const stdout = execFileSync(cli, [...args], options);
    const [report = ''] = readdirSync(trace).map((name) => readFileSync(join(trace, name), 'utf8'));
    execFileSync('rm', ['-r', trace]);
    return { stdout, loaded: report.includes('/dist/cli.cjs') };
  }

  test('is started by the first command and runs the next ones, which say the same', async () => {
    for (const args of [['ps', '-aq'], ['config'], ['logs'], ['ls'], ['ps', '--services'], ['images', '-q']]) {
      const relayed = await sandbox.run(args, { cwd });
      const alone = await sandbox.run(args, { cwd, env: { TSCOMPOSE_COMMAND_SERVER: '0' } });
      expect(relayed, args.join(' ')).toEqual(alone);
    }
    expect(traced(['ps']).loaded).toBe(false);
    expect(traced(['ps'], { TSCOMPOSE_COMMAND_SERVER: '0' }).loaded).toBe(true);
  });

  test('passes input, output, errors and exit codes on', async () => {
    const echo = await sandbox.run(['exec', '-T', 'web', 'sh', '-c', 'cat; echo bad >&2; exit 7'], {
      cwd,
      input: 'fed',
    });
    expect(echo).toMatchObject({ exitCode: 7, stdout: 'fed', stderr: 'bad\n' });
    const wrong = await sandbox.run(['ps', '--no-such-flag'], { cwd });
    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--no-such-flag') as string });
  });

  test('takes folder and variables from the caller', async () => {
    const other = sandbox.project('other', { 'compose.yaml': 'name: ${NAME:-none}\nservices: {a: {image: x}}\n' });
    const relayed = await sandbox.run(['config', '--format', 'json'], { cwd: other, env: { NAME: 'mine' } });
    expect(JSON.parse(relayed.stdout)).toMatchObject({ name: 'mine' });
    expect(JSON.parse((await sandbox.run(['config', '--format', 'json'], { cwd: other })).stdout)).toMatchObject({
      name: 'none',
    });
  });

  test('loses nothing of a long output, and waits for a slow reader instead of collecting it', async () => {
    const script = 'i=0; while [ $i -lt 64 ]; do head -c 1048576 /dev/zero; i=$((i+1)); done';
    const server = serverPid();
    const [before, readBefore] = [residentKib(server), readBytes(server)];
    const gate = join(cwd, 'gate');
    const reader = `"$0" exec -T web sh -c '${script}' | { until test -e ${gate}; do sleep 0.05; done; cat; } | wc -c`;
    const run = spawn('sh', ['-c', reader, cli], { cwd, env: sandbox.env, stdio: ['ignore', 'pipe', 'inherit'] });
    let counted = '';
    run.stdout.setEncoding('utf8').on('data', (text: string) => (counted += text));
    const isFull = async () => readBytes(server) - readBefore > 65_536 && (await isIdle(server));
    await eventually('as much is read as may be', isFull);
    const whileWaiting = residentKib(server);
    writeFileSync(gate, '');
    await new Promise((resolve) => run.once('close', resolve));
    expect(Number(counted)).toBe(64 * 1_048_576);
    expect(whileWaiting - before).toBeLessThan(40_000);
  });

  test('ends without a word when its reader goes away early', () => {
    const script = '{ "$0" exec -T web yes; echo "$?" >&2; } | head -n 1';
    const run = spawnSync('sh', ['-c', script, cli], { cwd, env: sandbox.env, encoding: 'utf8' });
    expect(run).toMatchObject({ stdout: 'y\n', stderr: '141\n' });
  });

  test('an interrupted command ends with 130, and so does its work', async () => {
    const { child, ended } = sandbox.start(['exec', '-T', 'web', 'sh', '-c', 'echo on; exec sleep 98765'], { cwd });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.kill('SIGINT');
    const { exitCode } = await ended;
    const alone = sandbox.start(['exec', '-T', 'web', 'sh', '-c', 'echo on; exec sleep 98765'], {
      cwd,
      env: { TSCOMPOSE_COMMAND_SERVER: '0' },
    });
    await new Promise((resolve) => alone.child.stdout?.once('data', resolve));
    alone.child.kill('SIGINT');
    expect(exitCode).toBe((await alone.ended).exitCode);
    expect(exitCode).toBe(130);
  });

  test('an interrupt reaches a command whose input nobody reads', async () => {
    const script = 'exec "$0" exec -T web sh -c "echo on; exec sleep 98765" < /dev/zero';
    const run = spawn('sh', ['-c', script, cli], { cwd, env: sandbox.env, stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => run.stdout.once('data', resolve));
    await eventually('as much is sent as may be', () => isIdle(run.pid));
    run.kill('SIGINT');
    expect(await new Promise((resolve) => run.once('close', resolve))).toBe(130);
  });

  test('a hang-up that the caller was started to ignore does not reach its command', async () => {
    const script = 'trap "" HUP; exec "$0" exec -T web sh -c \'echo on; read word; echo "$word"\'';
    const run = spawn('sh', ['-c', script, cli], { cwd, env: sandbox.env, stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    await new Promise((resolve) => run.stdout.on('data', (text: Buffer) => resolve((said += text.toString()))));
    run.kill('SIGHUP');
    await new Promise((resolve) => setTimeout(resolve, 50));
    run.stdin.on('error', () => undefined).end('word\n');
    expect(await new Promise((resolve) => run.once('close', resolve))).toBe(0);
    expect(said).toBe('on\nword\n');
  });

  test('is left alone by a caller that sees other mounts', () => {
    const script = 'mount -t tmpfs none "$1" && cp "$2" "$1/compose.yaml" && cd "$1" && exec "$0" config --services';
    const other = sandbox.project('mounted', { 'compose.yaml': 'services: {outside: {image: x}}\n' });
    const inside = sandbox.project('inside', { 'compose.yaml': 'services: {inside: {image: x}}\n' });
    const run = spawnSync('unshare', ['-m', 'sh', '-c', script, cli, other, join(inside, 'compose.yaml')], {
      env: sandbox.env,
      encoding: 'utf8',
    });
    expect(run).toMatchObject({ status: 0, stdout: 'inside\n' });
  });

  test('when it dies amid a command, that says so; the next ones go on and start another', async () => {
    const { child, ended } = sandbox.start(['exec', '-T', 'web', 'sh', '-c', 'echo on; exec sleep 98765'], { cwd });
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    const killed = serverPid();
    process.kill(killed ?? 0, 'SIGKILL');
    expect(await ended).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('run it again') as string });
    expect(await sandbox.ok(['ps', '-q'], { cwd })).toMatch(/^[0-9a-f]{64}\n$/);
    await eventually('another server', () => serverPid() !== undefined && serverPid() !== killed);
  });

  test('ends when its socket is taken away, and with the engine', async () => {
    await serving();
    const orphan = serverPid();
    renameSync(socket, `${socket}.away`);
    await eventually('the orphan has ended', () => serverPid() !== orphan);
    await sandbox.ok(['ps'], { cwd });
    await serving();
    const last = serverPid();
    expect(last).not.toBe(orphan);
    await sandbox.ok(['engine', 'stop', '--keep-containers'], { cwd });
    expect(serverPid()).toBeUndefined();
    expect(existsSync(socket)).toBe(false);
    await sandbox.ok(['down'], { cwd });
  });
});

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return ''; // it has just ended
  }
}

/** It has used no processor for a while. */
async function isIdle(pid: number | undefined): Promise<boolean> {
  const usedTicks = (): string =>
    readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8')
      .split(' ')
      .slice(13, 15)
      .join(' ');
  const before = usedTicks();
  await new Promise((resolve) => setTimeout(resolve, 100));
  return usedTicks() === before;
}

/** How much it has read since it began, from whatever. */
function readBytes(pid: number | undefined): number {
  return Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid ?? 0}/io`, 'utf8'))?.[1]);
}

function residentKib(pid: number | undefined): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1]);
}
