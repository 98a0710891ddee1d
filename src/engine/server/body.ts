import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { messageOf, TscomposeError } from '../../base/errors.js';
import { badBody } from './errors.js';
import { shaped, type MembersShape } from './shape.js';

const maxJsonBytes = 4 << 20;

/**
 * The body as JSON (reference, "JSON bodies"): an empty one is `{}`, another type than JSON is refused.
 * @param shape - what its members have to be
 * @throws `request/bad-body`, `request/too-large`
 */
export async function readJson(
  body: Readable,
  headers: IncomingHttpHeaders,
  shape: MembersShape = { members: {} },
): Promise<Record<string, unknown>> {
  const text = await readText(body, maxJsonBytes);
  if (text.trim() === '') return {};
  const type = headers['content-type'] ?? '';
  if (!/^application\/json\s*(?:;|$)/i.test(type)) {
    throw badBody(`unsupported Content-Type header (${type}): must be 'application/json'`);
  }
  const value = parse(text);
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw badBody('invalid JSON: the body is not an object');
  return shaped(value as Record<string, unknown>, shape);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = messageOf(error);
    if (/after JSON/i.test(reason)) throw badBody('unexpected content after JSON');
    throw badBody(`invalid JSON: ${reason}`);
  }
}

/** @throws `request/too-large` */
async function readText(body: Readable, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limitBytes) {
      throw new TscomposeError({
        code: 'request/too-large',
        message: `the body is larger than ${limitBytes} bytes`,
        facts: { limitBytes },
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * The body of a request that asks for an upgrade: Node's parser stops at its head, so the body still lies on the
 * connection, in front of what belongs to the upgraded stream. That rest is put back on the socket.
 * @param head - what Node read beyond the request's head
 * @throws `request/bad-body` for a chunked body, `request/too-large`
 */
export async function readUpgradeBody(socket: Duplex, head: Buffer, headers: IncomingHttpHeaders): Promise<Buffer> {
  if (headers['transfer-encoding'] !== undefined) throw badBody('a request that upgrades needs a Content-Length');
  const length = Number(headers['content-length'] ?? 0);
  if (length > maxJsonBytes) throw badBody('the body of a request that upgrades is too large');
  const chunks = [head];
  let have = head.byteLength;
  while (have < length) {
    const chunk = await nextChunk(socket);
    if (chunk === undefined) throw badBody('the connection ended within the body');
    chunks.push(chunk);
    have += chunk.byteLength;
  }
  const all = Buffer.concat(chunks);
  if (all.byteLength > length) socket.unshift(all.subarray(length));
  return all.subarray(0, length);
}

function nextChunk(socket: Duplex): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const settle = (chunk?: Buffer) => {
      socket.off('data', settle).off('end', settle).off('close', settle);
      socket.pause();
      resolve(chunk);
    };
    socket.on('data', settle).on('end', settle).on('close', settle);
  });
}
