import type { DistributionInspect, RegistryAuth } from '../../../api/image.js';
import {
  fromSources,
  parseManifest,
  parseReference,
  type Registries,
  withDefaultTag,
} from '../../../registry/index.js';
import { parseImageConfig } from '../config.js';

/** What a registry has under a reference, and for which platforms. @throws `registry/…`, `image/invalid-reference` */
export async function inspectDistribution(
  registries: Registries,
  name: string,
  { auth, signal }: { auth: RegistryAuth | undefined; signal: AbortSignal },
): Promise<DistributionInspect> {
  const reference = withDefaultTag(parseReference(name));
  return await fromSources(registries, reference, { auth, signal }, async (session) => {
    const { bytes, digest, mediaType } = await session.topManifest();
    const manifest = parseManifest(bytes, mediaType);
    const descriptor = { mediaType: manifest.mediaType, digest, size: bytes.byteLength };
    if (manifest.kind === 'index') {
      return { Descriptor: descriptor, Platforms: manifest.manifests.flatMap(({ platform }) => platform ?? []) };
    }
    const { architecture, os, variant } = parseImageConfig(await session.document(manifest.config));
    return { Descriptor: descriptor, Platforms: [{ architecture, os, ...(variant === undefined ? {} : { variant }) }] };
  });
}
