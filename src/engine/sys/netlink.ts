import { closeSync } from 'node:fs';
import { callFailed } from './call-failed.js';
import { retrying, type Libc } from './native.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_NETLINK = 270;
/** A family of netlink: connection tracking and nftables. */
export const NETLINK_NETFILTER = 12;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_DUMP = 0x300;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSGERR_ATTR_MSG = 1;
const EINTR = 'EINTR';

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** One request and its answer at a time over a netlink(7) socket of the namespace it was opened in. */
export class NetlinkSocket {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(64 << 10);
  #sequence = 0;

  /** @throws `sys/call-failed` */
  constructor(libc: Libc, protocol: number) {
    this.#libc = libc;
    this.#fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (this.#fd < 0) throw callFailed('socket', ['AF_NETLINK', protocol], libc.errno());
    const on = Buffer.from([1, 0, 0, 0]);
    libc.setsockopt(this.#fd, SOL_NETLINK, NETLINK_EXT_ACK, on, on.length); // words beside the errno, where known
    libc.setsockopt(this.#fd, SOL_NETLINK, NETLINK_CAP_ACK, on, on.length);
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Sends one request and waits for its acknowledgement. `what` names it in the error. */
  request(message: NetlinkMessage, what: readonly unknown[]): void {
    const sequence = this.#send({ ...message, flags: message.flags | NLM_F_ACK }, what);
    for (;;) {
      for (const answer of this.#receive(what)) {
        if (answer.sequence === sequence && answer.type === NLMSG_ERROR) {
          throwIfError(answer, what);
          return;
        }
      }
    }
  }

  /** The one message that answers a request such as RTM_GETLINK for one name. */
  query(message: NetlinkMessage, what: readonly unknown[]): Buffer {
    const sequence = this.#send(message, what);
    for (;;) {
      for (const answer of this.#receive(what)) {
        if (answer.sequence !== sequence) continue;
        if (answer.type !== NLMSG_ERROR) return Buffer.from(answer.body);
        throwIfError(answer, what);
      }
    }
  }

  /** Every message of a dump. A table that changed meanwhile is read again. */
  dump(message: NetlinkMessage, what: readonly unknown[]): Buffer[] {
    for (let attempt = 1; ; attempt += 1) {
      const { bodies, interrupted } = this.#dumpOnce(message, what);
      if (!interrupted) return bodies;
      if (attempt === 10) throw callFailed('netlink', what, EINTR, 'the table kept changing');
    }
  }

  #dumpOnce(message: NetlinkMessage, what: readonly unknown[]): { bodies: Buffer[]; interrupted: boolean } {
    const sequence = this.#send({ ...message, flags: message.flags | NLM_F_DUMP }, what);
    const bodies: Buffer[] = [];
    let interrupted = false;
    for (;;) {
      for (const answer of this.#receive(what)) {
        if (answer.sequence !== sequence) continue;
        interrupted ||= (answer.flags & NLM_F_DUMP_INTR) !== 0;
        if (answer.type === NLMSG_DONE) return { bodies, interrupted };
        if (answer.type === NLMSG_ERROR) throwIfError(answer, what);
        else bodies.push(Buffer.from(answer.body));
      }
    }
  }

  #send({ type, flags, body }: NetlinkMessage, what: readonly unknown[]): number {
    this.#sequence = (this.#sequence + 1) % 0x7fffffff;
    const header = Buffer.alloc(16);
    header.writeUInt32LE(16 + body.length, 0);
    header.writeUInt16LE(type, 4);
    header.writeUInt16LE(flags | NLM_F_REQUEST, 6);
    header.writeUInt32LE(this.#sequence, 8);
    const bytes = Buffer.concat([header, body]);
    const sent = retrying(this.#libc, () => this.#libc.send(this.#fd, bytes, bytes.length, 0));
    if (sent < 0) throw callFailed('netlink', what, this.#libc.errno());
    return this.#sequence;
  }

  #receive(what: readonly unknown[]): Answer[] {
    const size = retrying(this.#libc, () => this.#libc.recv(this.#fd, this.#buffer, this.#buffer.length, 0));
    if (size < 0) throw callFailed('netlink', what, this.#libc.errno());
    const answers: Answer[] = [];
    for (let at = 0; at + 16 <= size;) {
      const length = this.#buffer.readUInt32LE(at);
      if (length < 16) break;
      answers.push({
        type: this.#buffer.readUInt16LE(at + 4),
        flags: this.#buffer.readUInt16LE(at + 6),
        sequence: this.#buffer.readUInt32LE(at + 8),
        body: this.#buffer.subarray(at + 16, at + length),
      });
      at += align(length);
    }
    return answers;
  }
}

const NLM_F_DUMP_INTR = 0x10;

interface Answer extends NetlinkMessage {
  readonly sequence: number;
}

/** nlmsgerr: a negative errno, the request's header, and attributes with words for people. */
function throwIfError(answer: Answer, what: readonly unknown[]): void {
  const errno = -answer.body.readInt32LE(0);
  if (errno === 0) return;
  let said: string | undefined;
  if ((answer.flags & NLM_F_ACK_TLVS) !== 0 && (answer.flags & NLM_F_CAPPED) !== 0) {
    const text = readAttributes(answer.body, 20).get(NLMSGERR_ATTR_MSG);
    said = text?.toString('utf8', 0, text.length - 1);
  }
  throw callFailed('netlink', what, errno, said);
}

/** One attribute: length, type, payload, padded to four bytes. */
export function attribute(type: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(align(4 + payload.length));
  bytes.writeUInt16LE(4 + payload.length, 0);
  bytes.writeUInt16LE(type, 2);
  payload.copy(bytes, 4);
  return bytes;
}

export function nested(type: number, ...parts: readonly Buffer[]): Buffer {
  return attribute(type | NLA_F_NESTED, Buffer.concat(parts));
}

export function textAttribute(type: number, text: string): Buffer {
  return attribute(type, Buffer.from(`${text}\0`));
}

export function numberAttribute(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32LE(value >>> 0);
  return attribute(type, payload);
}

export const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/** The attributes from byte `from` on, by type; the last one of a type wins. */
export function readAttributes(bytes: Buffer, from: number): Map<number, Buffer> {
  const attributes = new Map<number, Buffer>();
  for (let at = from; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) break;
    attributes.set(bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length));
    at += align(length);
  }
  return attributes;
}

function align(length: number): number {
  return (length + 3) & ~3;
}
