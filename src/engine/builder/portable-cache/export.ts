import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hexOf } from '../../../base/digest.js';
import { messageOf } from '../../../base/errors.js';
import { hostPlatform, parseReference, withDefaultTag } from '../../../registry/index.js';
import type { Image } from '../../images/index.js';
import type { ChainId } from '../../snapshots/index.js';
import { chainsUpTo, type DoneStep, recordsWithin, withDocument } from './document.js';
import type { CacheEntry } from './entry.js';
import { type CacheIo, warn } from './import.js';
import { archiveName, type CacheParts, discardCarrier } from './parts.js';

/** What is left for other builds: the steps of this one, and the chains of its images. */
export interface CacheContent {
  /** By platform. */
  readonly targets: readonly (ChainId | undefined)[];
  readonly steps: readonly DoneStep[];
}

/** @throws what a push or a write throws, unless the entry has `ignore-error=true` */
export async function exportCaches(
  parts: CacheParts,
  entries: readonly CacheEntry[],
  content: CacheContent,
  io: CacheIo,
): Promise<void> {
  for (const { place, all, ignoresErrors } of entries) {
    try {
      if (place.kind === 'registry') await toRegistry(parts, place.reference, chosen(parts, content, all), io);
      else if (place.kind === 'local') await toFolder(parts, place.path, chosen(parts, content, all), io);
      else if (place.kind === 'unknown') warn(io, `cache_to type=${place.type} is not known here and is passed over`);
    } catch (error) {
      io.signal.throwIfAborted();
      if (!ignoresErrors) throw error;
      warn(io, `cannot export the build cache: ${messageOf(error)}`);
    }
  }
}

interface Carrier {
  readonly chainId: ChainId | undefined;
  readonly steps: readonly DoneStep[];
}

/** One carrier for each target's chain and, where all stages are wanted, one for each other chain that ends nowhere else. */
function chosen({ layers }: CacheParts, { targets, steps }: CacheContent, all: boolean): readonly Carrier[] {
  const carriers: Carrier[] = targets.map((chainId) => ({ chainId, steps }));
  if (!all) return carriers;
  const ends = [...targets, ...steps.map(({ solved }) => solved.chainId)].filter((id) => id !== undefined);
  const covered = new Set<ChainId>(targets.flatMap((target) => [...chainsUpTo(layers, target)]));
  const byDepth = [...new Set(ends)].sort((one, other) => layers.chain(other).length - layers.chain(one).length);
  for (const chainId of byDepth) {
    if (covered.has(chainId)) continue;
    for (const below of chainsUpTo(layers, chainId)) covered.add(below);
    carriers.push({ chainId, steps: steps.filter(({ solved }) => solved.chainId !== undefined) });
  }
  return carriers;
}

async function carry(parts: CacheParts, { chainId, steps }: Carrier, more: readonly string[] = []): Promise<Image> {
  const records = recordsWithin(parts.layers, chainId, steps);
  const config = withDocument(hostPlatform(), { records, more });
  return await parts.images.create({ config, chainId });
}

async function toRegistry(
  parts: CacheParts,
  reference: string,
  [main, ...others]: readonly Carrier[],
  io: CacheIo,
): Promise<void> {
  if (main === undefined) return;
  const name = withDefaultTag(parseReference(reference));
  const nameOf = ({ chainId }: Carrier): string =>
    `${name.familiarRepository}:${name.tag ?? 'latest'}-${chainId === undefined ? 'empty' : hexOf(chainId).slice(0, 12)}`;
  for (const other of others) await push(parts, await carry(parts, other), nameOf(other), io);
  await push(parts, await carry(parts, main, others.map(nameOf)), reference, io);
}

/** Pushes a carrier under a name that it has there alone. */
async function push(parts: CacheParts, { id: image }: Image, name: string, io: CacheIo): Promise<void> {
  const { images } = parts;
  const release = images.retain(image);
  try {
    const auth = await io.registryAuth?.(parseReference(name).domain);
    await images.push(name, { image, auth, onProgress: io.onProgress, signal: io.signal });
  } finally {
    release();
    await discardCarrier(parts, image);
  }
}

async function toFolder(parts: CacheParts, path: string, carriers: readonly Carrier[], io: CacheIo): Promise<void> {
  const made: Image[] = [];
  await mkdir(path, { recursive: true });
  const staging = join(path, `.${archiveName}.new`);
  try {
    for (const carrier of carriers) made.push(await carry(parts, carrier));
    const archive = parts.images.save(
      made.map(({ id }) => id),
      { signal: io.signal },
    );
    await pipeline(archive, createWriteStream(staging), { signal: io.signal });
    await rename(staging, join(path, archiveName));
  } finally {
    await rm(staging, { force: true });
    for (const { id } of made) await discardCarrier(parts, id);
  }
}
