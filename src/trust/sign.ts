import { createPublicKey, type KeyObject } from 'node:crypto';
import { type Digest, digestOf } from '../base/digest.js';
import { hasCode } from '../base/errors.js';
import {
  type Descriptor,
  ensureBlob,
  mediaTypes,
  parseManifest,
  type Reference,
  type RegistrySession,
} from '../registry/index.js';
import { fingerprint, signBytes } from './keys.js';
import { judge } from './judge.js';
import { makePayload } from './payload.js';
import { fetchSignatures, signatureTag, signatureTypes } from './signatures.js';

/**
 * Signs what a repository has under a digest, beside the signatures it has already, where `cosign verify --key` and we
 * look for them.
 * @returns `known` when this key has signed it before: nothing was sent
 * @throws `registry/…`
 */
export async function signImage(
  session: RegistrySession,
  reference: Reference,
  digest: Digest,
  key: KeyObject,
): Promise<'signed' | 'known'> {
  const { signatures } = await fetchSignatures(session, [digest]);
  const own = { name: fingerprint(key), key: createPublicKey(key) };
  const subject = { repository: reference.repository, digests: [digest] };
  if (judge(signatures, subject, [own], Date.now()).good) return 'known';

  const payload = makePayload(reference, digest);
  const layer: Descriptor = {
    mediaType: signatureTypes.payload,
    digest: digestOf(payload),
    size: payload.length,
    annotations: { [signatureTypes.annotation]: signBytes(key, payload).toString('base64') },
  };
  const layers = [...(await presentLayers(session, digest)), layer];
  const config = Buffer.from(JSON.stringify(configOf(layers)));
  await ensureBlob(session, payload);
  await ensureBlob(session, config);
  const manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, size: config.length, digest: digestOf(config) },
    layers,
  };
  await session.putManifest(signatureTag(digest), Buffer.from(JSON.stringify(manifest)), mediaTypes.ociManifest);
  return 'signed';
}

async function presentLayers(session: RegistrySession, digest: Digest): Promise<readonly Descriptor[]> {
  try {
    const { bytes, mediaType } = await session.manifest(signatureTag(digest));
    const manifest = parseManifest(bytes, mediaType);
    return manifest.kind === 'image' ? manifest.layers : [];
  } catch (error) {
    if (hasCode(error, 'registry/manifest-unknown')) return [];
    throw error;
  }
}

/** Signatures lie in an image, so there is a config, which says nothing. */
function configOf(layers: readonly Descriptor[]): unknown {
  const created = '0001-01-01T00:00:00Z';
  return {
    architecture: '',
    config: {},
    created,
    history: layers.map(() => ({ created })),
    os: '',
    rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.digest) },
  };
}
