// Files for the image benchmark: the same bytes for the same seed, compressible about as source text is.
import { createHash } from 'node:crypto';
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';

/** `bytes` of lines: random letters and words that repeat. */
function text(seed, bytes) {
  const hex = createHash('sha512').update(seed).digest('hex');
  const parts = [];
  let length = 0;
  for (let at = 0; length < bytes; at++) {
    const noise = createHash('sha1').update(`${hex}${at}`).digest('base64');
    const line = `export const ${noise.slice(0, 12)} = require('./${noise}'); // ${hex.slice(at % 64, (at % 64) + 32)}\n`;
    parts.push(line);
    length += line.length;
  }
  return Buffer.from(parts.join('').slice(0, bytes));
}

/** `count` files of 1 to 7 KB in 100 directories. */
export function writeFiles(folder, { count, seed }) {
  for (let at = 0; at < 100; at++) mkdirSync(join(folder, `d${String(at).padStart(2, '0')}`), { recursive: true });
  for (let at = 0; at < count; at++) {
    const bytes = 1_024 + ((at * 7_919) % 6_144);
    writeFileSync(join(folder, `d${String(at % 100).padStart(2, '0')}`, `f${at}.txt`), text(`${seed} ${at}`, bytes));
  }
}

function header(path, size, type = '0') {
  const block = Buffer.alloc(512);
  block.write(path, 0);
  block.write(type === '5' ? '0000755\0' : '0000644\0', 100);
  block.write('0000000\0'.repeat(2), 108);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write('14000000000\0', 136);
  block.write('        ', 148);
  block.write(type, 156);
  block.write('ustar\0' + '00', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

const padding = (size) => Buffer.alloc((512 - (size % 512)) % 512);
const end = Buffer.alloc(1_024);

/** Pieces of a layer's tar: files of 4 KB to 2 MB, as an image of a language's run time has. */
function* layerPieces(seed, bytes) {
  const block = text(seed, 2 << 20);
  yield header('usr/', 0, '5');
  for (let at = 0, left = bytes; left > 0; at++) {
    const wanted = at % 20 === 0 ? 2 << 20 : 4_096 + ((at * 7_919) % 65_536);
    const size = Math.min(wanted, left, block.length);
    const shift = (at * 4_099) % (block.length - size + 1);
    yield header(`usr/${seed}-${at}`, size);
    yield block.subarray(shift, shift + size);
    yield padding(size);
    left -= size;
  }
  yield end;
}

/** A docker-archive of one image with `megabytes` of files in `layers` layers. */
export async function writeLayerArchive(path, { name, megabytes, layers = 1, seed = '' }) {
  const out = createWriteStream(path);
  const write = async (bytes) => out.write(bytes) || (await once(out, 'drain'));
  const diffIds = [];
  const paths = [];
  for (let at = 0; at < layers; at++) {
    const bytes = Math.floor((megabytes * 1_000_000) / layers);
    const hash = createHash('sha256');
    let size = 0;
    for (const piece of layerPieces(`${seed}-layer${at}`, bytes)) {
      hash.update(piece);
      size += piece.length;
    }
    const diffId = hash.digest('hex');
    diffIds.push(`sha256:${diffId}`);
    paths.push(`${at}/layer.tar`);
    await write(header(`${at}/layer.tar`, size));
    for (const piece of layerPieces(`${seed}-layer${at}`, bytes)) await write(Buffer.from(piece));
    await write(padding(size));
  }
  const document = async (name_, value) => {
    const bytes = Buffer.from(JSON.stringify(value));
    await write(Buffer.concat([header(name_, bytes.length), bytes, padding(bytes.length)]));
  };
  const config = { architecture: 'amd64', os: 'linux', config: {}, rootfs: { type: 'layers', diff_ids: diffIds } };
  await document('config.json', config);
  const tag = /:[^/]+$/.test(name) ? name : `${name}:latest`;
  await document('manifest.json', [{ Config: 'config.json', RepoTags: [tag], Layers: paths }]);
  await write(end);
  out.end();
  await once(out, 'finish');
}
