import type { Readable } from 'node:stream';
import type { StoreProblem, StoreReport } from '../../api/tscompose.js';
import { messageOf } from '../../base/errors.js';
import type { Parts } from './create-image.js';

/**
 * Reads everything in the store and compares it with the digest it goes by. What is removed meanwhile is left out.
 * Changes nothing.
 */
export async function verifyStore({ content, layers, state }: Parts, signal: AbortSignal): Promise<StoreReport> {
  const problems: StoreProblem[] = [];
  const report = { blobs: 0, layers: 0, bytesRead: 0 };
  for (const { digest } of await content.list()) {
    try {
      report.bytesRead += await readWhole(await content.open(digest), signal);
      report.blobs += 1;
    } catch (error) {
      signal.throwIfAborted();
      if (await content.has(digest)) problems.push({ what: 'blob', id: digest, reason: messageOf(error) });
    }
  }
  for (const { chainId } of layers.list()) {
    if (layers.get(chainId) === undefined) continue;
    try {
      report.bytesRead += await readWhole(layers.exportLayer(chainId, signal), signal);
      report.layers += 1;
    } catch (error) {
      signal.throwIfAborted();
      if (layers.get(chainId) !== undefined) problems.push({ what: 'layer', id: chainId, reason: messageOf(error) });
    }
  }
  const images = state.catalog.images();
  for (const { id, chainId, config, tags } of images) {
    const found = chainId === undefined || layers.get(chainId) === undefined ? [] : layers.chain(chainId);
    const missing = config.rootfs.diff_ids.length - found.length;
    const about = { what: 'image' as const, id, names: [...tags] };
    if (missing > 0) problems.push({ ...about, reason: `${missing} of its layers are missing` });
    if (!(await content.has(id))) problems.push({ ...about, reason: 'its config is missing' });
  }
  return { ...report, images: images.length, problems };
}

/** @returns how many bytes it had; both kinds of streams fail at their end when these are not the right ones */
async function readWhole(stream: Readable, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    bytes += chunk.length;
  }
  return bytes;
}
