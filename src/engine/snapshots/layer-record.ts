import { isDigest, type Digest } from '../../base/digest.js';
import { refuseNewer } from '../../base/newer-data.js';
import type { Layer } from './types.js';

/** `layer.json`, beside `diff` and `tar-index`. */
export interface LayerRecord extends Layer {
  readonly schema: 1;
  /** Body number → file, for contents that a later entry of the same tar replaced. */
  readonly moved?: Readonly<Record<number, string>>;
  /** Present until the layer is known to be on the disk itself: after another boot its files may be incomplete. */
  readonly unsyncedBoot?: string;
}

/** @returns undefined for anything that is not a record of ours. @throws `data/newer` */
export function parseLayerRecord(text: string, path: string): LayerRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // cut short by a crash: the layer counts as never made
  }
  if (typeof value !== 'object' || value === null) return undefined;
  refuseNewer(value, 1, path);
  const { schema, chainId, diffId, parent, sizeBytes, tarBytes } = value as Record<string, unknown>;
  const digests = [chainId, diffId, ...(parent === undefined ? [] : [parent])];
  if (schema !== 1 || !digests.every(isDigestText)) return undefined;
  if (typeof sizeBytes !== 'number' || typeof tarBytes !== 'number') return undefined;
  return value as LayerRecord;
}

function isDigestText(value: unknown): value is Digest {
  return typeof value === 'string' && isDigest(value);
}

/** What callers see of a record. */
export function layerOf({ chainId, diffId, parent, sizeBytes, tarBytes }: LayerRecord): Layer {
  return { chainId, diffId, sizeBytes, tarBytes, ...(parent === undefined ? {} : { parent: parent }) };
}
