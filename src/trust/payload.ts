import type { Digest } from '../base/digest.js';
import { objectOf, parseObject, parseReference, type Reference } from '../registry/index.js';

/** `critical.type` of what cosign signs (its specifications, SIGNATURE_SPEC.md: "simple signing"). */
const signedType = 'cosign container image signature';

/** What a signature says: this digest, in that repository. */
export function makePayload({ domain, path }: Reference, digest: Digest): Buffer {
  // The name that cosign has for Docker's registry.
  const repository = `${domain === 'docker.io' ? 'index.docker.io' : domain}/${path}`;
  const critical = {
    identity: { 'docker-reference': repository },
    image: { 'docker-manifest-digest': digest },
    type: signedType,
  };
  return Buffer.from(JSON.stringify({ critical, optional: null }));
}

/** What an image has to be for a payload to speak of it. */
export interface Subject {
  /** `docker.io/library/busybox` */
  readonly repository: string;
  /** The manifest's, and that of the index it was found by. */
  readonly digests: readonly Digest[];
  /** The tag that was asked for, where one was. */
  readonly tag?: string | undefined;
}

/** Undefined when the payload speaks of the subject, else what is wrong. Call it only for what was signed. */
export function mismatch(payload: Buffer, { repository, digests, tag }: Subject): string | undefined {
  let document: Record<string, unknown>;
  try {
    document = parseObject('payload', payload);
  } catch {
    return 'signs something that is no JSON';
  }
  const critical = objectOf(document['critical']);
  if (critical?.['type'] !== signedType) return 'signs something that is no container image';
  const digest = objectOf(critical['image'])?.['docker-manifest-digest'];
  if (typeof digest !== 'string' || !digests.some((own) => own === digest)) {
    return `is for another digest, ${shown(digest)}`;
  }
  const named = objectOf(critical['identity'])?.['docker-reference'];
  const identity = typeof named === 'string' ? identityOf(named) : undefined;
  if (identity?.repository !== repository) return `is for another repository, ${shown(named)}`;
  if (identity.tag !== undefined && tag !== undefined && identity.tag !== tag)
    return `is for another tag, ${shown(named)}`;
  return undefined;
}

function identityOf(text: string): Reference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined; // no name of a repository is ours
  }
}

/** From a signed document, but signed by whom? It is shown, so it must not play with the terminal. */
function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 200)) : 'none';
}
