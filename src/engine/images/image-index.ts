import { randomUUID } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { type Digest, isDigest } from '../../base/digest.js';
import { readIfPresent, replaceFile } from '../../base/durable-file.js';
import type { Log } from '../../base/log.js';
import { refuseNewer } from '../../base/newer-data.js';
import { objectOf } from '../../registry/index.js';

/** Where an image was pulled from. */
export interface Origin {
  /** `docker.io/library/busybox` */
  readonly repository: string;
  /** Of what the name stood for, and of the manifest in it where that was an index. */
  readonly digests: readonly Digest[];
}

/** What the store knows of an image beside its config. */
export interface ImageRecord {
  readonly parent?: Digest;
  /** Empty: made here. Absent in records of earlier versions, and until an image made here is pushed. */
  readonly origins?: readonly Origin[];
  /** RFC 3339 */
  readonly lastTagTime?: string;
}

/** Where a layer is known to lie in registries: saves uploads, and recompressing to learn its digest. */
export interface RemoteLayer {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly mediaType: string;
  /** `docker.io/library/busybox` */
  readonly repository: string;
}

/** An OCI index: images for several platforms under one name, and what is said about each. It goes with its last name. */
export interface ListRecord {
  readonly members: readonly { readonly image: Digest; readonly attestations: readonly Attestation[] }[];
}

/** A predicate about an image, as a blob of JSON. */
export interface Attestation {
  /** `https://slsa.dev/provenance/v0.2` */
  readonly predicateType: string;
  readonly digest: Digest;
}

/** All images and all names, in one file that is replaced as a whole. */
export interface ImageIndex {
  readonly schema: 1;
  readonly images: Readonly<Record<string, ImageRecord>>;
  /** `docker.io/library/busybox:latest` or `…@sha256:…` → id of an image or a list */
  readonly references: Readonly<Record<string, Digest>>;
  /** By the digest of the OCI index that an archive of it has. */
  readonly lists?: Readonly<Record<string, ListRecord>>;
  /** What names meant before images whose layers may not be on the disk itself yet: what they mean again if those are lost. */
  readonly replaced?: Readonly<Record<string, Digest>>;
  /** diffID → where registries have it */
  readonly remoteLayers?: Readonly<Record<string, readonly RemoteLayer[]>>;
}

const emptyIndex: ImageIndex = { schema: 1, images: {}, references: {} };

/** Reads the index; one that cannot be read is put aside, and the store begins empty. @throws `data/newer` */
export async function readIndex(path: string, log: Log): Promise<ImageIndex> {
  const text = await readIfPresent(path);
  if (text === undefined) return emptyIndex;
  const index = parseIndex(text, path);
  if (index !== undefined) return index;
  const aside = `${path}.damaged-${randomUUID().slice(0, 8)}`;
  log.error('the image index cannot be read and is put aside', { path, aside });
  await rename(path, aside);
  return emptyIndex;
}

export async function writeIndex(path: string, index: ImageIndex): Promise<void> {
  await replaceFile(path, JSON.stringify(index), { strength: 'durable' });
}

function parseIndex(text: string, path: string): ImageIndex | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // put aside by the caller
  }
  refuseNewer(value, 1, path);
  const index = objectOf(value);
  const images = objectOf(index?.['images']);
  const references = objectOf(index?.['references']);
  if (index?.['schema'] !== 1 || images === undefined || references === undefined) return undefined;
  const valid =
    Object.keys(images).every(isDigest) &&
    Object.values(objectOf(index['lists'] ?? {}) ?? { none: undefined }).every(isListRecord) &&
    Object.values(references).every((id) => typeof id === 'string' && isDigest(id));
  return valid ? (value as ImageIndex) : undefined;
}

function isListRecord(value: unknown): boolean {
  const members = objectOf(value)?.['members'];
  if (!Array.isArray(members)) return false;
  return members.every((member: unknown) => {
    const record = objectOf(member);
    return typeof record?.['image'] === 'string' && isDigest(record['image']) && Array.isArray(record['attestations']);
  });
}
