import { spawn } from 'node:child_process';
import { PassThrough, Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { asError, messageOf } from '../../base/errors.js';
import { badArchive } from './failures.js';
import type { Compression } from './types.js';

const magics: readonly (readonly [Compression, readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];
const longestMagic = 6;
/** Skippable zstd frames, as pzstd and zstd:chunked put in front, begin with 0x50 to 0x5f and these. */
const zstdSkippable = [0x2a, 0x4d, 0x18];
const outputChunkBytes = 256 * 1024;
/** What may follow the compressed data, or the damage in it: read for the digest, but not without end. */
const maxTrailingBytes = 64 << 20;

function detectCompression(start: Buffer): Compression {
  const match = magics.find(([, bytes]) => bytes.every((byte, at) => start[at] === byte));
  if (match !== undefined) return match[0];
  const skippable = ((start[0] ?? 0) & 0xf0) === 0x50 && zstdSkippable.every((byte, at) => start[at + 1] === byte);
  return skippable ? 'zstd' : 'none';
}

export interface Decompressed {
  readonly compression: Compression;
  readonly bytes: AsyncIterable<Buffer>;
}

/**
 * Looks at the first bytes and undoes the compression they tell of.
 * @throws `layer/bad-archive` while reading, when the compressed data is damaged or its tool is missing
 */
export async function decompress(source: AsyncIterable<Buffer>): Promise<Decompressed> {
  const iterator = source[Symbol.asyncIterator]();
  let start: Buffer = Buffer.alloc(0);
  while (start.length < longestMagic) {
    const next = await iterator.next();
    if (next.done === true) break;
    start = start.length === 0 ? next.value : Buffer.concat([start, next.value]);
  }
  const whole = prepend(start, iterator);
  const compression = detectCompression(start);
  if (compression === 'none') return { compression, bytes: whole };
  return { compression, bytes: decompressed(whole, compression) };
}

async function* prepend(start: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  try {
    if (start.length > 0) yield start;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

async function* decompressed(
  source: AsyncIterable<Buffer>,
  compression: Exclude<Compression, 'none'>,
): AsyncGenerator<Buffer, void, undefined> {
  const { input, output, failure } = openDecompressor(compression);
  const abort = new AbortController();
  const feeding = feed(source, input, abort.signal);
  feeding.catch((error: unknown) => output.destroy(asError(error)));
  try {
    for await (const chunk of output as AsyncIterable<Buffer>) yield chunk;
    await feeding;
    await failure?.();
  } catch (error) {
    await feeding; // a failing source is the better reason
    throw badArchive(`the ${compression} data is damaged (${messageOf(error)})`, undefined, error);
  } finally {
    abort.abort();
    input.destroy();
    output.destroy();
    await feeding.catch(() => undefined); // told above, or abandoned by the consumer
  }
}

/** Writes all of `source`; ends quietly when the other side wants no more. Only the source's own failure rejects. */
async function feed(source: AsyncIterable<Buffer>, input: NodeJS.WritableStream, signal: AbortSignal): Promise<void> {
  const broken = new AbortController();
  for (const event of ['error', 'close']) input.on(event, () => broken.abort());
  let trailing = 0;
  for await (const chunk of source) {
    if (signal.aborted) return;
    if (broken.signal.aborted) {
      trailing += chunk.length; // read on: the bytes still count for the digest
      if (trailing > maxTrailingBytes)
        throw badArchive(`more than ${maxTrailingBytes} bytes follow the compressed data`);
      continue;
    }
    await written(input, chunk); // the chunk's memory may be gone once the next one is asked for
  }
  if (!broken.signal.aborted) input.end();
}

/** Resolves when `chunk` is not needed any more. Whatever goes wrong, the stream's own events tell. */
function written(input: NodeJS.WritableStream, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      input.off('close', done); // a stream that is destroyed forgets the chunk it is at
      resolve();
    };
    input.once('close', done);
    input.write(chunk, done);
  });
}

interface Decompressor {
  readonly input: NodeJS.WritableStream & { destroy(): void };
  readonly output: Readable;
  /** Throws when a tool that closed its output had failed. */
  readonly failure?: () => Promise<void>;
}

function openDecompressor(compression: Exclude<Compression, 'none'>): Decompressor {
  if (compression === 'gzip') return inProcess(zlib.createGunzip({ chunkSize: outputChunkBytes }));
  if (compression === 'zstd' && 'createZstdDecompress' in zlib && typeof zlib.createZstdDecompress === 'function') {
    const create = zlib.createZstdDecompress as () => NodeJS.ReadWriteStream & Readable & { destroy(): void }; // Node 22.15
    return inProcess(create());
  }
  return byTool(compression);
}

function inProcess(transform: Readable & NodeJS.WritableStream & { destroy(): void }): Decompressor {
  return { input: transform, output: transform };
}

/** `-dc` means the same to zstd, xz and bzip2. What a header asks for of memory, xz would take: up to 4 GiB. */
function byTool(tool: 'zstd' | 'xz' | 'bzip2'): Decompressor {
  const child = spawn(tool, tool === 'xz' ? ['-dc', '--memlimit-decompress=128MiB'] : ['-dc'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
  });
  const output = new PassThrough({ highWaterMark: outputChunkBytes });
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = `${said}${text.toString()}`.slice(-1_000)));
  child.stdout.pipe(output);
  const exited = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => {
      const missing = 'code' in error && error.code === 'ENOENT';
      const reason = missing ? new Error(`the program ${tool} is not installed`) : error;
      reject(reason);
      output.destroy(reason);
    });
    child.once('close', (exitCode) => {
      if (exitCode === 0) resolve();
      else reject(new Error(said.trim() || `${tool} ended with ${String(exitCode)}`));
    });
  });
  exited.catch(() => undefined); // asked for at the end of the output
  output.once('close', () => {
    if (!output.readableEnded) child.kill('SIGKILL'); // nobody wants the rest
  });
  return { input: child.stdin, output, failure: () => exited };
}
