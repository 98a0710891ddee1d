import type { Digest } from '../../base/digest.js';
import type { ImageStore } from '../images/index.js';
import type { BuildResult } from './request.js';

/** Whether an index has to hold it together: it is for several platforms, or something is said about its image. */
export function isList({ images }: BuildResult): boolean {
  return images.length > 1 || images.some(({ attestations }) => attestations.length > 0);
}

/** Gives names to what a build came to. @returns the digest of the index, where it needs one */
export async function nameOutcome(
  store: ImageStore,
  result: BuildResult,
  names: readonly string[],
): Promise<Digest | undefined> {
  if (names.length === 0) return undefined;
  if (isList(result)) {
    const members = result.images.map(({ imageId: image, attestations }) => ({ image, attestations }));
    return await store.createList({ members, tags: names });
  }
  for (const name of names) await store.tag(result.imageId, name);
  return undefined;
}
