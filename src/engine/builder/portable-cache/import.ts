import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../../base/errors.js';
import { parseReference } from '../../../registry/index.js';
import type { Image } from '../../images/index.js';
import type { BuildIo, BuildMessage } from '../request.js';
import type { CacheEntry } from './entry.js';
import { documentOf, takeRecords } from './document.js';
import { archiveName, type CacheParts, discardCarrier } from './parts.js';

export interface CacheIo {
  readonly onProgress: (message: BuildMessage) => void;
  readonly registryAuth: BuildIo['registryAuth'];
  readonly signal: AbortSignal;
}

/** Takes over the steps that other builds left at these places. That one cannot be read is told, and no failure. */
export async function importCaches(parts: CacheParts, entries: readonly CacheEntry[], io: CacheIo): Promise<void> {
  for (const { place } of entries) {
    try {
      if (place.kind === 'registry') await fromRegistry(parts, place.reference, io);
      else if (place.kind === 'local') await fromFolder(parts, place.path, io);
      else if (place.kind === 'unknown') warn(io, `cache_from type=${place.type} is not known here and is passed over`);
    } catch (error) {
      io.signal.throwIfAborted();
      const where = place.kind === 'registry' ? place.reference : place.kind === 'local' ? place.path : place.kind;
      warn(io, `cannot import the build cache from ${where}: ${messageOf(error)}`);
    }
  }
}

export function warn({ onProgress }: Pick<CacheIo, 'onProgress'>, text: string): void {
  onProgress({ stream: `[Warning] ${text}\n` });
}

async function fromRegistry(parts: CacheParts, reference: string, io: CacheIo): Promise<void> {
  const { images } = parts;
  const known = new Set(images.list().map(({ id }) => id));
  const pending = [reference];
  for (const [index, name] of pending.entries()) {
    if (index > 100) return; // no build has so many stages
    const { domain, repository } = parseReference(name);
    if (repository !== parseReference(reference).repository) continue; // an image does not send us elsewhere with our login
    const image = await images.pull(name, {
      auth: await io.registryAuth?.(domain),
      onProgress: io.onProgress,
      signal: io.signal,
      naming: 'none', // the user's own tag may be what is asked for, and stays what it is
    });
    const release = images.retain(image.id);
    try {
      const more = await take(parts, image);
      if (name === reference) pending.push(...more);
    } finally {
      release();
      if (!known.has(image.id)) await discardCarrier(parts, image.id);
    }
  }
}

async function fromFolder(parts: CacheParts, path: string, { onProgress, signal }: CacheIo): Promise<void> {
  const archive = createReadStream(join(path, archiveName));
  const known = new Set(parts.images.list().map(({ id }) => id));
  const loaded = await parts.images.load(archive, { onProgress, signal, quiet: true });
  for (const image of loaded) {
    await take(parts, image);
    if (!known.has(image.id)) await discardCarrier(parts, image.id);
  }
}

/** @returns names of the images with the steps of other stages */
async function take({ cache, layers }: CacheParts, image: Image): Promise<readonly string[]> {
  const document = documentOf(image);
  if (document === undefined) return []; // an image without steps: its layers are here now, which is all it can give
  await takeRecords(cache, layers, image, document);
  return document.more ?? [];
}
