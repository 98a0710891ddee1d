import { type Digest, hexOf } from '../base/digest.js';
import { hasCode, TscomposeError } from '../base/errors.js';
import { type Descriptor, parseManifest, type RegistrySession } from '../registry/index.js';

export const signatureTypes = {
  /** Of the layer that holds a payload. */
  payload: 'application/vnd.dev.cosign.simplesigning.v1+json',
  /** On that layer: base64. */
  annotation: 'dev.cosignproject.cosign/signature',
  /** Of manifests that refer to the image they sign (OCI 1.1). */
  artifact: 'application/vnd.dev.cosign.artifact.sig.v1+json',
} as const;

/** A payload as it was signed, and the signature. Nothing of it has been looked at. */
export interface Signature {
  readonly payload: Buffer;
  readonly signature: Buffer;
}

export interface FoundSignatures {
  readonly signatures: readonly Signature[];
  /** What could not be taken for a signature, in words. */
  readonly problems: readonly string[];
}

/** More than anyone signs one image with; each is a request more. */
const maxSignatures = 64;
const maxReferrers = 16;
const maxPayloadBytes = 64 << 10;
const maxSignatureText = 4_096;

/** Where cosign puts the signatures of a manifest or index: a tag of the same repository. */
export function signatureTag(digest: Digest): string {
  return `sha256-${hexOf(digest)}.sig`;
}

/**
 * All signatures of some digests that a repository has, by tag and by reference. Sizes and counts are bounded, whatever
 * the registry says.
 * @throws `registry/…` when the registry cannot be asked
 */
export async function fetchSignatures(session: RegistrySession, digests: readonly Digest[]): Promise<FoundSignatures> {
  const signatures: Signature[] = [];
  const problems: string[] = [];
  for (const digest of new Set(digests)) {
    for (const layers of await signatureManifests(session, digest, problems)) {
      for (const layer of layers) {
        if (signatures.length >= maxSignatures) {
          problems.push(`more than ${maxSignatures} signatures: the others were not looked at`);
          return { signatures, problems };
        }
        const found = await readSignature(session, layer);
        if (typeof found === 'string') problems.push(found);
        else if (found !== undefined) signatures.push(found);
      }
    }
  }
  return { signatures, problems };
}

async function signatureManifests(
  session: RegistrySession,
  digest: Digest,
  problems: string[],
): Promise<(readonly Descriptor[])[]> {
  const referrers = await session.referrers(digest, signatureTypes.artifact);
  if (referrers.length > maxReferrers) problems.push(`more than ${maxReferrers} documents that refer to it`);
  const all = [signatureTag(digest), ...referrers.slice(0, maxReferrers).map((referrer) => referrer.digest)];
  const found: (readonly Descriptor[])[] = [];
  for (const which of all) {
    try {
      const { bytes, mediaType } = await session.manifest(which);
      const manifest = parseManifest(bytes, mediaType);
      if (manifest.kind === 'image') found.push(manifest.layers);
      else problems.push('an index where signatures should be');
    } catch (error) {
      if (hasCode(error, 'registry/manifest-unknown')) continue; // no signatures here
      if (!isBadContent(error)) throw error;
      problems.push(`a document that is not one of signatures (${error.message})`);
    }
  }
  return found;
}

/** Undefined for layers of other types; a text says why one is no signature. */
async function readSignature(session: RegistrySession, layer: Descriptor): Promise<Signature | string | undefined> {
  if (layer.mediaType !== signatureTypes.payload) return undefined;
  const text = layer.annotations?.[signatureTypes.annotation];
  if (text === undefined || text === '') return 'a payload without signature';
  if (text.length > maxSignatureText || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return 'a signature that is none';
  if (layer.size > maxPayloadBytes) return `a payload of ${layer.size} bytes, where ${maxPayloadBytes} are enough`;
  try {
    return { payload: await session.document(layer), signature: Buffer.from(text, 'base64') };
  } catch (error) {
    if (!isBadContent(error)) throw error;
    return `a payload that is not what the registry says (${error.message})`;
  }
}

function isBadContent(error: unknown): error is TscomposeError {
  return (
    hasCode(error, 'content/digest-mismatch') ||
    hasCode(error, 'content/size-mismatch') ||
    hasCode(error, 'image/bad-document') ||
    (hasCode(error, 'registry/failed') && error.facts.status === 404)
  );
}
