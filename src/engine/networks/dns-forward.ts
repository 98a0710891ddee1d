import { createSocket } from 'node:dgram';
import { connect, isIP, isIPv6 } from 'node:net';

const timeoutMs = 2_000;
const tries = 2;
const maxPending = 1_000;

let pending = 0;

/**
 * Hands a question to resolvers outside, from the host's namespace, in turn until one answers.
 * @param servers - `address` or `address#port`
 * @returns the answer as it came; undefined when nobody answered in time or too much is under way
 */
export async function forwardQuestion(
  message: Buffer,
  transport: 'udp' | 'tcp',
  servers: readonly string[],
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  if (pending >= maxPending || signal.aborted) return undefined;
  pending += 1;
  try {
    for (let attempt = 0; attempt < tries; attempt += 1) {
      for (const server of servers) {
        const [address = '', port = '53'] = server.split('#');
        if (isIP(address) === 0) continue;
        const ask = transport === 'udp' ? askByUdp : askByTcp;
        const answer = await ask(message, address, Number(port), signal);
        if (answer !== undefined) return answer;
      }
    }
    return undefined;
  } finally {
    pending -= 1;
  }
}

/** From a fresh port each time, connected: an answer from anyone else never arrives (RFC 5452). */
function askByUdp(message: Buffer, address: string, port: number, signal: AbortSignal): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    let open = true;
    const finish = (answer: Buffer | undefined): void => {
      if (!open) return;
      open = false;
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      socket.close();
      resolve(answer);
    };
    const giveUp = (): void => {
      finish(undefined);
    };
    const timer = setTimeout(giveUp, timeoutMs);
    signal.addEventListener('abort', giveUp);
    socket.on('error', giveUp);
    socket.on('message', (answer) => {
      if (answer.length >= 12 && answer.readUInt16BE(0) === message.readUInt16BE(0)) finish(answer);
    });
    socket.connect(port, address, () => {
      if (open) socket.send(message);
    });
  });
}

function askByTcp(message: Buffer, address: string, port: number, signal: AbortSignal): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal });
    const finish = (answer: Buffer | undefined): void => {
      socket.destroy();
      resolve(answer);
    };
    const reader = new FrameReader(finish);
    socket.setTimeout(timeoutMs, () => {
      finish(undefined);
    });
    socket.on('error', () => {
      finish(undefined);
    });
    socket.on('close', () => {
      finish(undefined);
    });
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes);
    });
    socket.write(frame(message));
  });
}

/** A message on a TCP stream: its length in two bytes, then itself (RFC 1035 4.2.2). */
export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** Cuts a stream into messages. */
export class FrameReader {
  readonly #onMessage: (message: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 2) {
      const end = 2 + this.#rest.readUInt16BE(0);
      if (this.#rest.length < end) return;
      const message = this.#rest.subarray(2, end);
      this.#rest = this.#rest.subarray(end);
      this.#onMessage(message);
    }
  }
}
