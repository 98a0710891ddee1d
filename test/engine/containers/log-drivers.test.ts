import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { mount, unmount } from '../../../src/engine/sys/index.js';
import { eventually } from '../../support/engine-sandbox.js';
import { Engine, missing, soon, text } from './support.js';

const journal = '/run/systemd/journal/socket';

describe.skipIf(missing !== undefined)('logging drivers', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.open();
  });
  afterEach(() => engine.removeAll());
  afterAll(() => engine[Symbol.asyncDispose]());

  const withLog = (Type: string, Config: Record<string, string> = {}) => ({
    HostConfig: { LogConfig: { Type, Config } },
  });

  test.each(['json-file', 'local'])('%s keeps what is said for whoever asks', async (driver) => {
    const { output } = await engine.sh(
      'echo out; echo err >&2',
      withLog(driver, { 'max-size': '1m', 'max-file': '3' }),
    );
    expect(output).toBe('out\nerr\n');
  });

  test.each(['json-file', 'syslog'])('%s takes the options that every driver has', async (driver) => {
    const options = { mode: 'non-blocking', 'max-buffer-size': '4m', 'cache-disabled': 'true' };
    await engine.create(withLog(driver, options));
    await expect(engine.create(withLog(driver, { mode: 'loud' }))).rejects.toThrow('logging mode not supported: loud');
    await expect(engine.create(withLog(driver, { 'max-buffer-size': '4m' }))).rejects.toThrow('only supported with');
  });

  test('none keeps nothing, and says so', async () => {
    const id = await engine.start({ Cmd: ['true'], ...withLog('none') });
    const how = { follow: false, stdout: true, stderr: true, tail: 'all' as const, timestamps: false, details: false };
    expect(() => engine.containers.logs(id, how, soon())).toThrow('configured logging driver does not support reading');
  });

  test('an option that a driver does not know is refused, and so is a driver that nobody knows', async () => {
    await expect(engine.create(withLog('json-file', { foo: '1' }))).rejects.toThrow(
      "unknown log opt 'foo' for json-file log driver",
    );
    await expect(engine.create(withLog('local', { labels: 'a' }))).rejects.toThrow(
      "unknown log opt 'labels' for log driver local",
    );
    await expect(engine.create(withLog('pigeon'))).rejects.toThrow('plugin "pigeon" not found');
  });

  test.each<[string, Record<string, string>, string]>([
    ['json-file', { 'max-size': 'zz' }, "invalid size: 'zz'"],
    ['json-file', { 'max-file': '0' }, 'max-file cannot be less than 1'],
    ['json-file', { 'max-size': '1k', compress: 'true' }, 'compress cannot be true when max-file is less than 2'],
    ['local', { compress: 'no' }, 'error reading compress log option: strconv.ParseBool: parsing "no"'],
    ['local', { 'max-file': '1' }, 'compression cannot be enabled when max file count is 1'],
    ['syslog', { 'syslog-address': 'tcp://127.0.0.1:9' }, 'ECONNREFUSED'],
    ['syslog', { 'syslog-address': 'udp://127.0.0.1:9', tag: '{{.Nope}}' }, "can't evaluate field Nope"],
    ...(existsSync(journal) ? [] : [['journald', {}, `there is no ${journal}`] satisfies [string, object, string]]),
  ])('%s with %o does not start: %s', async (driver, options, problem) => {
    await expect(engine.start(withLog(driver, options))).rejects.toMatchObject({
      code: 'container/start-failed',
      message: expect.stringContaining(problem) as string,
    });
  });

  test('journald gets every line with the container’s name and tag, and it can be read here too', async () => {
    mount({ source: 'tmpfs', target: '/run/systemd', fstype: 'tmpfs', flags: [] });
    try {
      mkdirSync('/run/systemd/journal');
      const receiver = spawn('python3', ['-c', receive, journal], { stdio: ['ignore', 'pipe', 'inherit'] });
      let received = '';
      receiver.stdout.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
      await expect.poll(() => received).toContain('ready');
      const { output } = await engine.sh('echo to the journal', withLog('journald', { tag: 'my-tag' }));
      expect(output).toBe('to the journal\n');
      await expect.poll(() => received).toMatch(/to the journal/);
      expect(received).toMatch(/CONTAINER_NAME=/);
      expect(received).toMatch(/my-tag/);
      receiver.kill();
      await once(receiver, 'exit');
    } finally {
      unmount('/run/systemd', { detach: true });
    }
  });

  test('syslog gets each line once, errors as such, and it can be read here too', async () => {
    const path = join(engine.dirs.dataRoot, 'daemon');
    const daemon = spawn('python3', ['-c', receive, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void daemon.kill());
    let received = '';
    daemon.stdout.on('data', (bytes: Buffer) => (received += bytes.toString('latin1')));
    await expect.poll(() => received).toContain('ready');
    const options = {
      'syslog-address': `unixgram://${path}`,
      'syslog-facility': 'local3',
      tag: '{{.ID}}/{{.ImageName}}',
    };
    const until = (file: string) => `until test -e /${file}; do sleep 0.05; done`; // the streams come apart from each other
    const script = `seq 2000; ${until('a')}; echo err >&2; ${until('b')}; echo; printf partial`;
    const id = await engine.start({ Cmd: ['sh', '-c', script], ...withLog('syslog', options) });
    const { ended } = engine.containers.wait(id, 'not-running', soon());
    for (const [end, file] of [
      ['2000\n', 'a'],
      ['err\n', 'b'],
    ] as const) {
      await eventually(end, async () => (await engine.output(id)).endsWith(end));
      await engine.exec(id, ['touch', `/${file}`]);
    }
    await ended;
    expect(await engine.output(id)).toContain('1999\n2000\nerr\n\npartial');
    await expect.poll(() => received).toContain('partial');
    const lines = received.split('\n').filter((line) => line.startsWith('<'));
    expect(lines.map((line) => line.replace(/^.*: /, ''))).toEqual([
      ...Array.from({ length: 2000 }, (_, index) => String(index + 1)),
      ...['err', 'partial'],
    ]);
    expect(lines.at(-1)).toMatch(
      new RegExp(`^<158>[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d ${id.slice(0, 12)}/busybox\\[\\d+\\]: partial$`),
    );
    expect(lines.find((line) => line.endsWith(': err'))).toMatch(/^<155>/);
  });

  test('what is said while a syslog daemon is away, and while no engine runs, reaches it once and in order', async () => {
    const path = join(engine.dirs.dataRoot, 'stream'); // goes away with the daemon
    const first = await SyslogServer.open(path);
    const options = { 'syslog-address': `unix://${path}`, 'syslog-format': 'rfc5424' };
    const script = 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo $i; sleep 0.1; done';
    const id = await engine.start({ Cmd: ['sh', '-c', script], ...withLog('syslog', options) });
    await expect.poll(() => first.numbers().length, { timeout: 10_000 }).toBeGreaterThan(4);
    await engine.close();
    await first.close();
    const before = first.numbers();
    await engine.reopen(); // the daemon is still away
    const second = await SyslogServer.open(path);
    await engine.containers.wait(id, 'not-running', soon()).ended;
    await engine.containers.remove(id, { force: true, volumes: false }, soon());
    expect(first.received).toMatch(/^<30>1 \S+ \S+ [0-9a-f]{12} \d+ [0-9a-f]{12} - 1\n/);
    expect([...before, ...second.numbers()]).toEqual(Array.from({ length: 60 }, (_, index) => index + 1));
    await second.close();
  });

  test('a syslog daemon that takes nothing in does not keep a container from being removed', async () => {
    const daemon = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
    const sockets: Socket[] = [];
    daemon.on('connection', (socket) => sockets.push(socket.on('error', () => undefined)));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      daemon.close();
    });
    await once(daemon, 'listening');
    const { port } = daemon.address() as AddressInfo;
    const options = withLog('syslog', { 'syslog-address': `tcp://127.0.0.1:${port}` });
    const { id } = await engine.sh('yes to whatever they say | head -c 20000000', options);
    await engine.containers.remove(id, { force: true, volumes: false }, AbortSignal.timeout(15_000));
  });

  test.each<[string, string, string]>([
    ['syslog-address', 'foo', "unsupported scheme: ''"],
    ['syslog-address', 'unix:///nowhere', 'stat /nowhere: no such file'],
    ['syslog-address', 'tcp+tls://host', 'does not encrypt'],
    ['syslog-facility', 'zz', 'invalid syslog facility'],
    ['syslog-format', 'zz', 'Invalid syslog format'],
    ['foo', '1', "unknown log opt 'foo' for syslog log driver"],
  ])('syslog with %s=%s is refused', async (option, value, problem) => {
    await expect(engine.create(withLog('syslog', { [option]: value }))).rejects.toThrow(problem);
  });

  test('lines since a time, until one and from the end are right over the parts of a log', async () => {
    const batches = 'for b in 1 2 3 4; do for i in $(seq 40); do echo "$b $i $(printf %080d 0)"; done; sleep 1.3; done';
    const quiet = '; sleep 1'; // a turn in which nothing is rotated away, but packed
    const { id } = await engine.sh(
      batches + quiet,
      withLog('json-file', { 'max-size': '4k', 'max-file': '9', compress: 'true' }),
    );
    const parts = readdirSync(join(engine.dirs.dataRoot, 'containers', id)).filter((name) => name.startsWith('log'));
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.filter((name) => name.endsWith('.gz')).length).toBeGreaterThan(0);
    const read = async (more: object): Promise<string[]> => {
      const how = {
        follow: false,
        stdout: true,
        stderr: true,
        tail: 'all' as const,
        timestamps: false,
        details: false,
      };
      const output = await text(engine.containers.logs(id, { ...how, ...more }, soon()).output);
      return output.split('\n').slice(0, -1);
    };
    const numbers = (lines: readonly string[]) => lines.map((line) => line.split(' ').slice(0, 2).join(' '));
    const all = [1, 2, 3, 4].flatMap((batch) => Array.from({ length: 40 }, (_, index) => `${batch} ${index + 1}`));
    expect(numbers(await read({}))).toEqual(all);
    for (const tail of [0, 1, 39, 40, 41, 100, 160, 500]) {
      expect(numbers(await read({ tail })), `the last ${tail}`).toEqual(tail === 0 ? [] : all.slice(-tail));
    }
    const times = (await read({ timestamps: true })).map((line) => timeOf(line.split(' ')[0] ?? ''));
    const where = (holds: (time: bigint) => boolean) => all.filter((_, index) => holds(times[index] ?? 0n));
    for (const at of [0, 1, 39, 40, 60, 80, 159]) {
      const ns = times[at] ?? 0n; // a few lines may share it
      const since = where((time) => time >= ns);
      expect(numbers(await read({ sinceNs: ns })), `since line ${at}`).toEqual(since);
      expect(numbers(await read({ sinceNs: ns, tail: 20 })), `since line ${at}, 20`).toEqual(since.slice(-20));
      expect(numbers(await read({ untilNs: ns })), `until line ${at}`).toEqual(where((time) => time <= ns));
    }
  });

  test('details are what the options name, by pattern too', async () => {
    const { id } = await engine.sh('echo said', {
      Env: ['COLOUR=red', 'SIZE=1'],
      Labels: { 'app.one': 'a', 'app.two': 'b', other: 'c' },
      ...withLog('json-file', { env: 'COLOUR', 'labels-regex': '^app\\.' }),
    });
    const how = { follow: false, stdout: true, stderr: true, tail: 'all' as const, timestamps: false, details: true };
    expect(await text(engine.containers.logs(id, how, soon()).output)).toBe('COLOUR=red,app.one=a,app.two=b said\n');
    const { id: other } = await engine.sh('echo said', withLog('json-file'));
    expect(await text(engine.containers.logs(other, how, soon()).output)).toBe(' said\n');
  });
});

class SyslogServer {
  received = '';
  readonly #server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => (this.received += bytes.toString()));
  });

  static async open(path: string): Promise<SyslogServer> {
    const made = new SyslogServer();
    made.#server.listen(path);
    await once(made.#server, 'listening');
    return made;
  }

  numbers(): number[] {
    return this.received
      .split('\n')
      .slice(0, -1)
      .map((line) => Number(line.split(' ').at(-1)));
  }

  /** Once those who have ended are read to their end. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}

/** Unix nanoseconds. */
function timeOf(text: string): bigint {
  const [, seconds = '', fraction = ''] = /^(.*)\.(\d+)Z$/.exec(text) ?? [];
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

const receive = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('ready', flush=True)
while True:
    print(s.recv(65536).decode('latin1'), flush=True)`;
