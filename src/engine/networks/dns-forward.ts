import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, isIP, isIPv6, type Socket } from 'node:net';
import { adoptUdp, bindUdp, connectFrom, inNetworkNamespace, type NetworkNamespace } from '../sys/index.js';

/** Less than the five seconds after which the resolvers of glibc and musl give a question up or ask it again. */
const deadlineMs = 4_500;
/** A server that has not answered by then may be gone: the next is asked, too. */
const patienceMs = 1_000;
const maxPending = 1_000;

let pending = 0;

export interface ForwardOptions {
  /** `address` or `address#port`, in order of preference. */
  readonly servers: readonly string[];
  readonly transport: 'udp' | 'tcp';
  /** The container's namespace, for servers on its own loopback. Undefined: there are none, or it has ended. */
  readonly inside: () => NetworkNamespace | undefined;
  readonly signal: AbortSignal;
}

/**
 * Hands a question to resolvers outside, from the host's namespace, and gives the first answer of use as it came. A
 * server that refuses or fails is passed over at once, one that is silent after a moment; all are asked twice.
 * @returns undefined when nobody answered in time or too much is under way
 */
export async function forwardQuestion(message: Buffer, options: ForwardOptions): Promise<Buffer | undefined> {
  if (pending >= maxPending || options.signal.aborted) return undefined;
  pending += 1;
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const timer = setTimeout(() => {
    ended.abort();
  }, deadlineMs);
  try {
    return await firstOfUse(message, { ...options, signal });
  } finally {
    clearTimeout(timer);
    ended.abort();
    pending -= 1;
  }
}

function firstOfUse(message: Buffer, options: ForwardOptions): Promise<Buffer | undefined> {
  const { servers, signal } = options;
  const targets = servers.map(targetOf).filter((target) => target !== undefined);
  const round = [...targets, ...targets];
  return new Promise((resolve) => {
    let open = 0;
    let refusal: Buffer | undefined;
    let impatience: NodeJS.Timeout | undefined;
    const finish = (answer: Buffer | undefined): void => {
      clearTimeout(impatience);
      signal.removeEventListener('abort', giveUp);
      resolve(answer);
    };
    const giveUp = (): void => {
      finish(refusal);
    };
    const askNext = (): void => {
      clearTimeout(impatience);
      const target = round.shift();
      if (target === undefined) {
        if (open === 0) finish(refusal);
        return;
      }
      impatience = setTimeout(askNext, patienceMs);
      open += 1;
      void ask(message, target, options).then((answer) => {
        open -= 1;
        if (answer !== undefined && !isRefusal(answer)) finish(answer);
        else if (!signal.aborted) {
          refusal ??= answer;
          askNext();
        }
      });
    };
    signal.addEventListener('abort', giveUp);
    askNext();
  });
}

interface Target {
  readonly address: string;
  readonly port: number;
}

function targetOf(server: string): Target | undefined {
  const [address = '', port = '53'] = server.split('#');
  return isIP(address) === 0 ? undefined : { address, port: Number(port) };
}

/** SERVFAIL, NOTIMP and REFUSED (RFC 1035 4.1.1): another server may know better. */
function isRefusal(answer: Buffer): boolean {
  return [2, 4, 5].includes(answer.readUInt8(3) & 0xf);
}

async function ask(message: Buffer, target: Target, options: ForwardOptions): Promise<Buffer | undefined> {
  try {
    return await (options.transport === 'udp' ? askByUdp : askByTcp)(message, target, options);
  } catch {
    return undefined; // a namespace that has just ended, or no descriptors left: as a server that is not there
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

/** From a fresh port each time, connected: an answer from anyone else never arrives (RFC 5452). */
async function askByUdp(message: Buffer, target: Target, options: ForwardOptions): Promise<Buffer | undefined> {
  const { address, port } = target;
  const socket = await udpSocket(address, options);
  if (options.signal.aborted) {
    socket.close();
    return undefined;
  }
  return new Promise((resolve) => {
    let open = true;
    const finish = (answer: Buffer | undefined): void => {
      if (!open) return;
      open = false;
      options.signal.removeEventListener('abort', giveUp);
      socket.close();
      resolve(answer);
    };
    const giveUp = (): void => {
      finish(undefined);
    };
    options.signal.addEventListener('abort', giveUp);
    socket.on('error', giveUp);
    socket.on('message', (answer) => {
      if (answers(message, answer)) finish(answer);
    });
    socket.connect(port, address, (error?: Error) => {
      if (error !== undefined)
        giveUp(); // no route there, say
      else if (open) socket.send(message);
    });
  });
}

/** Whether it has a header, with the number of the question. */
function answers(question: Buffer, answer: Buffer): boolean {
  return answer.length >= 12 && answer.readUInt16BE(0) === question.readUInt16BE(0);
}

async function udpSocket(address: string, { inside }: ForwardOptions): Promise<UdpSocket> {
  const namespace = isLoopback(address) ? inside() : undefined;
  if (namespace === undefined) return createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  try {
    const { fd } = inNetworkNamespace(namespace, () => bindUdp(isIPv6(address) ? '::1' : '127.0.0.1', 0));
    return await adoptUdp(fd, isIPv6(address) ? 6 : 4);
  } finally {
    namespace.close();
  }
}

function askByTcp(message: Buffer, target: Target, options: ForwardOptions): Promise<Buffer | undefined> {
  const socket = tcpSocket(target, options);
  return new Promise((resolve) => {
    const finish = (answer: Buffer | undefined): void => {
      options.signal.removeEventListener('abort', giveUp);
      socket.destroy();
      resolve(answer);
    };
    const giveUp = (): void => {
      finish(undefined);
    };
    const reader = new FrameReader((answer) => {
      finish(answers(message, answer) ? answer : undefined);
    });
    options.signal.addEventListener('abort', giveUp);
    socket.on('error', giveUp);
    socket.on('close', giveUp);
    socket.on('data', (bytes: Buffer) => {
      reader.push(bytes);
    });
    socket.write(frame(message));
  });
}

function tcpSocket({ address, port }: Target, { inside }: ForwardOptions): Socket {
  const namespace = isLoopback(address) ? inside() : undefined;
  if (namespace === undefined) return connect({ host: address, port });
  try {
    return connectFrom(namespace, address, port);
  } finally {
    namespace.close();
  }
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
