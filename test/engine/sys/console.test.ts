import { spawnSync } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { acceptConsole, openSeqpacket, spawnFast, sysErrno } from '../../../src/engine/sys/index.js';

const folder = mkdtempSync(join(tmpdir(), 'tsc-console-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Sends the master of a new terminal, as runtimes do, and runs a shell on its other side. */
const runtime = `
import array, os, pty, socket, sys
connection = socket.socket(socket.AF_UNIX)
os.chdir(os.path.dirname(sys.argv[1]))
connection.connect(os.path.basename(sys.argv[1]))
pid, master = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", "stty -echo; echo ready; read line; echo got $line; stty size; trap 'stty size; exit' WINCH; echo wait; while :; do sleep 0.05; done"])
connection.sendmsg([b"/dev/pts/x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [master]))])
os.close(master)
os.waitpid(pid, 0)
`;

test('the terminal that a runtime sends is read, written and resized', async () => {
  const deep = join(folder, 'd'.repeat(120));
  mkdirSync(deep);
  const path = join(deep, 'console.sock');
  const accepting = acceptConsole(path, AbortSignal.timeout(10_000));
  const child = spawnFast({ file: 'python3', args: ['-c', runtime, path], stdio: { 2: 2 } });
  const terminal = await accepting;
  expect(existsSync(path)).toBe(false);
  let seen = '';
  terminal.stream.setEncoding('utf8').on('data', (text: string) => (seen += text));
  // Closed, not only at its end: a client that types nothing more must not hold the stream open.
  const ended = new Promise<void>((resolve) => terminal.stream.on('close', resolve));
  await expect.poll(() => seen).toContain('ready');
  terminal.resize(33, 101);
  terminal.stream.write('hello\n');
  await expect.poll(() => seen).toContain('wait');
  expect(seen).toContain('got hello\r\n33 101\r\n');
  terminal.resize(44, 99);
  await expect.poll(() => seen).toContain('44 99');
  await ended;
  expect((await child.exited).exitCode).toBe(0);
  terminal.close();
  terminal.resize(1, 1);
});

test('a terminal that was sent before the wait is given up still comes, with all that was said on it', async () => {
  const path = join(folder, 'late.sock');
  const gaveUp = new AbortController();
  const accepting = acceptConsole(path, gaveUp.signal);
  // Nothing here gets its turn until the sender is gone, as on a busy machine.
  const script = `
import array, os, pty, socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
pid, master = pty.fork()
if pid == 0:
    os.execvp("echo", ["echo", "said"])
connection.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [master]))])
os.waitpid(pid, 0)
`;
  expect(spawnSync('python3', ['-c', script, path]).status).toBe(0);
  gaveUp.abort(new Error('the sender is gone'));
  const { stream } = await accepting;
  let seen = '';
  stream.setEncoding('utf8').on('data', (text: string) => (seen += text));
  await new Promise((resolve) => stream.on('close', resolve));
  expect(seen).toBe('said\r\n');
});

test('waiting for a terminal that never comes can be given up', async () => {
  const path = join(folder, 'never.sock');
  await expect(acceptConsole(path, AbortSignal.timeout(50))).rejects.toThrow(/timeout/);
  expect(existsSync(path)).toBe(false);
});

const packetServer = `
import os, socket, sys
os.chdir(os.path.dirname(sys.argv[1]))
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind(os.path.basename(sys.argv[1]))
listener.listen(1)
connection, _ = listener.accept()
for packet in (b"\\x02first", b"\\x03second"):
    connection.sendall(packet)
got = []
while True:
    packet = connection.recv(65536)
    if not packet:
        break
    got.append(packet)
connection.sendall(b"|".join(got))
`;

test('packets keep their borders, and ending the sending side still reads the answer', async () => {
  const path = join(folder, 'x'.repeat(110), 'attach');
  mkdirSync(join(folder, 'x'.repeat(110)));
  const child = spawnFast({ file: 'python3', args: ['-c', packetServer, path], stdio: { 2: 2 } });
  await expect.poll(() => existsSync(path)).toBe(true);
  const socket = await openSeqpacket(path);
  const packets: string[] = [];
  const ended = new Promise<void>((resolve) => socket.on('end', resolve));
  socket.on('data', (packet: Buffer) => packets.push(packet.toString()));
  await expect.poll(() => packets.length).toBe(2);
  await new Promise<void>((resolve) => socket.write('one', () => resolve()));
  await new Promise<void>((resolve) => socket.write('two', () => resolve()));
  socket.end();
  await ended;
  expect(packets).toEqual(['\x02first', '\x03second', 'one|two']);
  await child.exited;
  socket.destroy();
});

test('a packet socket that nobody listens on says so', async () => {
  const failure: unknown = await openSeqpacket(join(folder, 'none')).catch((error: unknown) => error);
  expect(sysErrno(failure)).toBe('ENOENT');
});
