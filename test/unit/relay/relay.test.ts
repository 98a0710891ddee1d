import { linkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, frame, FrameReader, inputWindowBytes, tell } from '../../../src/relay/frames.js';
import { serveCommands, worldOf } from '../../../src/relay/index.js';
import type { RelayedCommand } from '../../../src/relay/terminal.js';
import { folderPerTest } from '../../support/test-folder.js';

let folder: string;
let served: Promise<unknown>;
let run: RelayedCommand;
folderPerTest((path) => (folder = path));
const socketPath = () => join(folder, 'commands.sock');

beforeEach(async () => {
  for (const name of ['engine.sock', 'cli.cjs']) writeFileSync(join(folder, name), '');
  served = serve();
  await expect.poll(() => reaches()).toBe(true);
});

afterEach(async () => {
  connect(socketPath()).end(frame(ask.end));
  await served;
});

function serve(): Promise<void> {
  return serveCommands({
    socketPath: socketPath(),
    enginePath: join(folder, 'engine.sock'),
    codeFile: join(folder, 'cli.cjs'),
    buildId: 'test',
    idleMs: 60_000,
    run: (argv, terminal) => run(argv, terminal),
  });
}

function reaches(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath(), () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy());
  });
}

/** Another process, by what it says and is told. */
class Caller {
  readonly socket: Socket = connect(socketPath());
  readonly told: [kind: string, text: string][] = [];

  constructor(...argv: readonly string[]) {
    const frames = new FrameReader((kind, payload) => this.told.push([kind, payload.toString('utf8')]));
    this.socket.on('data', (chunk) => frames.push(chunk)).on('error', () => undefined);
    const streams = { stdout: noTerminal, stderr: noTerminal };
    const surroundings = { cwd: folder, environment: {}, stdinIsTTY: false, streams };
    const world = worldOf('test', process.env);
    this.socket.write(frame(ask.run, JSON.stringify({ world, argv, ...surroundings })));
  }

  kinds(): string[] {
    return this.told.map(([kind]) => kind);
  }
}
const piece = Buffer.alloc(inputWindowBytes / 4);
const noTerminal = { isTTY: false, columns: undefined, rows: undefined };

test('signals reach a command that leaves its input unread, and so does the end of its caller', async () => {
  const signals: string[] = [];
  let over = (): void => undefined;
  run = async (_argv, terminal) => {
    terminal.onSignal = (signal) => signals.push(signal);
    terminal.stdin.pause();
    await new Promise<void>((resolve) => (over = resolve));
    return 0;
  };
  const caller = new Caller('exec');
  await expect.poll(() => caller.kinds()).toContain(tell.input);
  for (let count = 0; count < 4; count++) caller.socket.write(frame(ask.input, piece));
  caller.socket.write(frame(ask.signal, 'SIGINT'));
  await expect.poll(() => signals).toEqual(['SIGINT']);
  caller.socket.destroy();
  await expect.poll(() => signals).toEqual(['SIGINT', 'SIGHUP']);
  over();
});

test('the caller is told how much of its input was taken', async () => {
  let read = 0;
  run = async (_argv, { stdin }) => {
    for await (const chunk of stdin as AsyncIterable<Buffer>) read += chunk.byteLength;
    return 7;
  };
  const caller = new Caller('exec');
  await expect.poll(() => caller.kinds()).toContain(tell.input);
  for (let count = 0; count < 8; count++) caller.socket.write(frame(ask.input, piece));
  caller.socket.write(frame(ask.input));
  await once(caller.socket, 'close');
  expect(read).toBe(8 * piece.byteLength);
  const taken = caller.told.filter(([kind]) => kind === tell.taken).map(([, text]) => Number(text));
  expect(taken.reduce((sum, bytes) => sum + bytes, 0)).toBe(read);
  expect(caller.told.at(-1)).toEqual([tell.exit, '7']);
});

test('output that is longer than a frame arrives whole', async () => {
  const text = 'a long line\n'.repeat(3_000_000);
  run = (_argv, { stdout }) => {
    stdout.write(text);
    return Promise.resolve(0);
  };
  const caller = new Caller('config');
  await once(caller.socket, 'close');
  const written = caller.told.filter(([kind]) => kind === tell.output).map(([, output]) => output);
  expect(written.join('') === text).toBe(true);
  expect(caller.told.at(-1)).toEqual([tell.exit, '0']);
});

test('of two servers that start at once one stays', async () => {
  connect(socketPath()).end(frame(ask.end));
  await served;
  const dead = createServer().listen(join(folder, 'dead.sock'));
  await once(dead, 'listening');
  linkSync(join(folder, 'dead.sock'), socketPath());
  dead.close();
  const both = [serve(), serve()];
  served = Promise.all(both);
  await Promise.race(both);
  run = () => Promise.resolve(7);
  const caller = new Caller('ps');
  await once(caller.socket, 'close');
  expect(caller.told).toEqual([[tell.exit, '7']]);
});
