import { on } from 'node:events';
import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { DetachWatch } from '../../base/detach-keys.js';
import { TscomposeError } from '../../base/errors.js';
import { connectAttach, resizeTerminal } from '../oci/index.js';
import { isAccepted } from '../sys/index.js';
import type { Container } from './container.js';
import { detachKeysOf } from './detach-keys.js';
import { notRunning } from './errors.js';
import { atBeginning, atEnd, type LogStart, readLog } from './log-reader.js';
import { chunksOf, endOfRun, everything } from './logs.js';
import { bundleOf, logPathOf, publish, type Room } from './room.js';
import type { AttachOptions, AttachSession, OutputChunk } from './types.js';

/**
 * Joins a container's streams. Output comes from the log file, so that a client that stops reading holds up nobody; the
 * monitor's socket only takes input. Before a start it waits for it, and misses nothing.
 * @throws `container/paused`, `container/restarting`, `container/invalid-config` for unreadable detach keys
 */
export function attachContainer(
  room: Room,
  container: Container,
  options: AttachOptions,
  signal: AbortSignal,
): AttachSession {
  const { config, hostConfig } = container.record;
  const { status } = container.state;
  if (status === 'paused') throw paused(container);
  if (status === 'restarting') throw restarting(container);
  const keys = detachKeysOf(options.detachKeys);
  const left = new AbortController();
  const session = AbortSignal.any([signal, left.signal]);
  publish(room, container, 'attach');
  const detach = () => {
    publish(room, container, 'detach');
    left.abort(new Error('detached'));
  };
  const hasInput = options.stdin && options.stream && config.OpenStdin === true;
  const input = hasInput ? new Input(room, container, { keys, detach, session }) : undefined;
  const isLogged = hostConfig.LogConfig?.Type !== 'none';
  const output = isLogged
    ? followLog(room, container, options, session)
    : followSocket(room, container, options, session);
  return { tty: config.Tty === true, output, ...(input === undefined ? {} : { stdin: input.stream }) };
}

function followLog(
  room: Room,
  container: Container,
  options: AttachOptions,
  signal: AbortSignal,
): AsyncIterable<OutputChunk> {
  const path = logPathOf(room, container.id);
  const start: LogStart = options.logs ? atBeginning(path) : atEnd(path); // now: what follows must not be missed
  const until = options.stream ? endOfRun(container, signal) : undefined; // before a start: of the run that comes
  const batches = readLog(path, () => start, { ...(until === undefined ? {} : { until }), signal });
  return chunksOf(batches, { ...everything, stdout: options.stdout, stderr: options.stderr });
}

/** Of packets that wait for their reader. */
const packetFlow = { highWaterMark: 16, lowWaterMark: 8, close: ['end', 'close'] };

/** A container that keeps no log has its output only here; a reader that is slow then slows the container. */
async function* followSocket(
  room: Room,
  container: Container,
  { stdout, stderr }: AttachOptions,
  signal: AbortSignal,
): AsyncGenerator<OutputChunk> {
  const socket = await new Connection(room, container, signal, 'accepted').socket;
  if (socket === undefined) return;
  try {
    for await (const [packet] of on(socket, 'data', packetFlow) as AsyncIterable<[Buffer]>) {
      const stream = packet[0] === 3 ? 2 : 1;
      if (stream === 1 ? stdout : stderr) yield { stream, payload: packet.subarray(1) };
    }
  } finally {
    socket.destroy();
  }
}

/** The monitor's socket: at once where the container runs, else between its creation and its start. */
class Connection {
  /** Undefined when the session ended before. */
  readonly socket: Promise<Socket | undefined>;

  /** @param when - `accepted`: a start waits until the monitor has taken it, for what is said before would be lost */
  constructor(room: Room, container: Container, signal: AbortSignal, when: 'connected' | 'accepted' = 'connected') {
    this.socket = new Promise((resolve, reject) => {
      if (signal.aborted) {
        resolve(undefined);
        return;
      }
      const connect = async () => {
        forget();
        const socket = await connectAttach(bundleOf(room, container.id));
        if (when === 'accepted') await untilAccepted(socket);
        const close = () => socket.destroy();
        const finish = () => socket.end(); // the monitor's half ends by itself, after the last of the output
        signal.addEventListener('abort', close, { once: true });
        container.signals.once('ended', finish);
        socket.once('close', () => {
          signal.removeEventListener('abort', close);
          container.signals.off('ended', finish);
        });
        resolve(socket);
      };
      const preparation = { connect };
      const giveUp = () => {
        forget();
        resolve(undefined);
      };
      const forget = () => {
        container.preparations.delete(preparation);
        signal.removeEventListener('abort', giveUp);
        container.signals.off('removed', giveUp);
      };
      if (container.isLive) {
        connect().catch(reject);
        return;
      }
      container.preparations.add(preparation);
      signal.addEventListener('abort', giveUp, { once: true });
      container.signals.once('removed', giveUp);
    });
    this.socket.catch(() => undefined); // whoever waits for it sees it
  }
}

/** How long a busy monitor may take to take a connection. */
const acceptedMs = 5_000;

async function untilAccepted(socket: Socket): Promise<void> {
  const deadline = performance.now() + acceptedMs;
  while (!isAccepted(socket) && performance.now() < deadline) await sleep(1);
}

/** What a client types. */
class Input {
  readonly stream: Writable;

  constructor(
    room: Room,
    container: Container,
    session: { readonly keys: readonly number[]; readonly detach: () => void; readonly session: AbortSignal },
  ) {
    const { socket } = new Connection(room, container, session.session);
    const { StdinOnce, Tty } = container.record.config;
    const watch = Tty === true ? new DetachWatch(session.keys) : undefined;
    socket.then(
      (open) => {
        if (open === undefined) return;
        open.on('error', () => open.destroy()); // EPIPE: the container ended
        open.resume(); // its output is in the log; unread here, it would stop the container
      },
      () => undefined,
    );
    this.stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        socket.then((open) => {
          const { forward, detached } = watch?.push(chunk) ?? { forward: chunk, detached: false };
          if (open?.writable === true && forward.length > 0) writeFully(open, forward, done);
          else done();
          if (detached) session.detach();
        }, done);
      },
      final: (done) => {
        socket.then((open) => {
          // Closing our side is the container's end of input where it has only one client's.
          if (open?.writable === true && StdinOnce === true) open.end();
          done();
        }, done);
      },
    });
    this.stream.on('error', () => undefined); // the session's end is told by its output
  }
}

/** The monitor reads packets of at most so much, and drops the rest of a longer one. */
const packetBytes = 8_192;

/** Packet by packet: two writes that wait together would be sent as one. Calls `done` once, also when nobody is there. */
function writeFully(socket: Socket, bytes: Buffer, done: () => void): void {
  if (bytes.length === 0 || !socket.writable) {
    done();
    return;
  }
  socket.write(bytes.subarray(0, packetBytes), () => {
    writeFully(socket, bytes.subarray(packetBytes), done);
  });
}

/** @throws `container/not-running` */
export function resizeContainer(
  room: Room,
  container: Container,
  size: { readonly rows: number; readonly columns: number },
): void {
  if (!container.isLive) throw notRunning(container.id);
  resizeTerminal(bundleOf(room, container.id), size);
  publish(room, container, 'resize', { height: String(size.rows), width: String(size.columns) });
}

function paused({ id }: Container): TscomposeError<'container/paused'> {
  const message = `container ${id} is paused, unpause the container before attach`;
  return new TscomposeError({ code: 'container/paused', message, facts: { containerId: id } });
}

function restarting({ id }: Container): TscomposeError<'container/restarting'> {
  const message = `container ${id} is restarting, wait until the container is running`;
  return new TscomposeError({ code: 'container/restarting', message, facts: { containerId: id } });
}
