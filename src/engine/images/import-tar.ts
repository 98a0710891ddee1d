import type { Readable } from 'node:stream';
import { hostPlatform, nameToGive, parseReference, withTag } from '../../registry/index.js';
import { applyChanges } from './changes.js';
import type { OciImageConfig } from './config.js';
import { createImage, type Parts } from './create-image.js';
import type { Image, ImportOptions } from './types.js';

/** @throws `image/invalid-reference`, `image/invalid-change` before the archive is read; `layer/…` */
export async function importTar(parts: Parts, tar: Readable, options: ImportOptions): Promise<Image> {
  const { repo, tag, changes = [], message, platform = hostPlatform(), signal } = options;
  const reference = repo === undefined || repo === '' ? undefined : parseReference(repo);
  const name =
    reference === undefined
      ? undefined
      : tag === undefined || tag === ''
        ? nameToGive(reference)
        : nameToGive(withTag(reference, tag));
  const config = applyChanges({}, changes);
  const layer = await parts.layers.apply({ tar, signal });
  const release = parts.layers.retain(layer.chainId);
  try {
    const created = new Date().toISOString();
    const comment = message ?? 'Imported from -';
    const image: Omit<OciImageConfig, 'rootfs'> = {
      architecture: platform.architecture,
      os: platform.os,
      ...(platform.variant === undefined ? {} : { variant: platform.variant }),
      created,
      comment,
      config,
      history: [{ created, comment }],
    };
    return await createImage(parts, {
      config: image,
      chainId: layer.chainId,
      tags: name === undefined ? [] : [name.familiar],
    });
  } finally {
    release();
  }
}
