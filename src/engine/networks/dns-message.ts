import { isIPv4 } from 'node:net';
import { addressBytes } from '../sys/index.js';

/** One question of a DNS message (RFC 1035). Names are lower case, without the last dot. */
export interface DnsQuery {
  readonly id: number;
  readonly name: string;
  readonly type: number;
  readonly recursionDesired: boolean;
  /** Answer size that the asker takes over UDP: 512, or what EDNS says (RFC 6891). */
  readonly maxBytes: number;
  readonly edns: boolean;
  /** The header-less question as asked, so that the answer repeats the asker's capitals. */
  readonly question: Buffer;
}

export const recordTypes = { A: 1, PTR: 12, AAAA: 28, OPT: 41 } as const;
export type ResponseCode = keyof typeof responseCodes;
const responseCodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4 } as const;

const IN = 1;
const ANY_CLASS = 255;
const ttlSeconds = 600; // as Docker's

/** @returns undefined for what is not a query with exactly one question of the internet class */
export function parseQuery(message: Buffer): DnsQuery | undefined {
  if (message.length < 12) return undefined;
  const flags = message.readUInt16BE(2);
  if ((flags & 0xf800) !== 0 || message.readUInt16BE(4) !== 1) return undefined;
  const labels: string[] = [];
  let at = 12;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return undefined; // a question has nothing to point back to
    at += 1;
    if (length === 0) break;
    if (at + length > message.length) return undefined;
    labels.push(message.toString('latin1', at, at + length).toLowerCase());
    at += length;
  }
  if (at + 4 > message.length || ![IN, ANY_CLASS].includes(message.readUInt16BE(at + 2))) return undefined;
  const { edns, maxBytes } = readEdns(message, at + 4);
  return {
    id: message.readUInt16BE(0),
    name: labels.join('.'),
    type: message.readUInt16BE(at),
    recursionDesired: (flags & 0x0100) !== 0,
    maxBytes,
    edns,
    question: message.subarray(12, at + 4),
  };
}

/** The OPT record, when it is the first thing after the question, where every resolver puts it. */
function readEdns(message: Buffer, at: number): { edns: boolean; maxBytes: number } {
  const present = at + 11 <= message.length && message[at] === 0 && message.readUInt16BE(at + 1) === recordTypes.OPT;
  if (!present) return { edns: false, maxBytes: 512 };
  return { edns: true, maxBytes: Math.min(Math.max(message.readUInt16BE(at + 3), 512), 4096) };
}

/** Addresses for A and AAAA, names for PTR. */
export interface DnsAnswer {
  readonly type: 'A' | 'AAAA' | 'PTR';
  readonly value: string;
}

/**
 * The response. Where not all answers fit into `maxBytes` it holds as many as do and the TC bit: resolvers with TCP ask
 * again, those without (musl before 1.2.4) have something to go on.
 */
export function encodeResponse(
  query: DnsQuery,
  code: ResponseCode,
  answers: readonly DnsAnswer[] = [],
  maxBytes = query.maxBytes,
): Buffer {
  const header = Buffer.alloc(12);
  const additional = query.edns ? ednsRecord() : Buffer.alloc(0);
  let size = header.length + query.question.length + additional.length;
  const records: Buffer[] = [];
  let truncated = false;
  for (const answer of answers) {
    const record = encodeAnswer(answer);
    if (size + record.length > maxBytes) {
      truncated = true;
      break;
    }
    size += record.length;
    records.push(record);
  }
  const authoritativeAnswer = 0x0400;
  const recursion = 0x0080 | (query.recursionDesired ? 0x0100 : 0);
  header.writeUInt16BE(query.id, 0);
  header.writeUInt16BE(0x8000 | authoritativeAnswer | recursion | (truncated ? 0x0200 : 0) | responseCodes[code], 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt16BE(query.edns ? 1 : 0, 10);
  return Buffer.concat([header, query.question, ...records, additional]);
}

/** A refusal for a message that could not be read, when it has at least an id. */
export function encodeFormatError(message: Buffer): Buffer | undefined {
  if (message.length < 12 || (message.readUInt16BE(2) & 0x8000) !== 0) return undefined; // never answer an answer
  const header = Buffer.alloc(12);
  message.copy(header, 0, 0, 2);
  const code = (message.readUInt16BE(2) & 0x7800) === 0 ? responseCodes.FORMERR : responseCodes.NOTIMP;
  header.writeUInt16BE(0x8000 | code, 2);
  return header;
}

function encodeAnswer({ type, value }: DnsAnswer): Buffer {
  const data = type === 'PTR' ? encodeName(value) : addressBytes(value);
  const record = Buffer.alloc(12 + data.length);
  record.writeUInt16BE(0xc00c, 0); // the name of the question
  record.writeUInt16BE(recordTypes[type], 2);
  record.writeUInt16BE(IN, 4);
  record.writeUInt32BE(ttlSeconds, 6);
  record.writeUInt16BE(data.length, 10);
  data.copy(record, 12);
  return record;
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  const parts = labels.map((label) => {
    const bytes = Buffer.from(label).subarray(0, 63);
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  return Buffer.concat([...parts, Buffer.from([0])]);
}

function ednsRecord(): Buffer {
  const record = Buffer.alloc(11);
  record.writeUInt16BE(recordTypes.OPT, 1);
  record.writeUInt16BE(1232, 3);
  return record;
}

/** The address that a name below in-addr.arpa or ip6.arpa asks about; undefined for any other name. */
export function reverseAddress(name: string): string | undefined {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (four !== null) {
    const address = four.slice(1).reverse().join('.');
    return isIPv4(address) ? address : undefined; // no 999, no 001
  }
  const six = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  if (six?.[1] === undefined) return undefined;
  const digits = six[1].replaceAll('.', '').split('').reverse().join('');
  return digits.replace(/.{4}(?=.)/g, '$&:');
}
