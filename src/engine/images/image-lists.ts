import { type Digest, digestOf } from '../../base/digest.js';
import { type Platform, platformText } from '../../registry/index.js';
import type { ContentLease } from '../content/index.js';
import type { Catalog } from './catalog.js';
import type { Parts } from './create-image.js';
import { indexDocuments, type MemberManifest, plainManifest } from './list-documents.js';
import { stableJson } from './json.js';
import type { Attestation, Image, ImageList, Statement } from './types.js';

export interface NewMember {
  readonly image: Image;
  /** Kept already, or to be kept. */
  readonly attestations: readonly (Attestation | Statement)[];
}

/**
 * Puts images for several platforms, and what is said about them, under names they share. The list lives as long as one
 * of them; without any nothing is kept.
 * @returns the digest of the OCI index that an archive of it has
 * @throws `image/not-found` when one of the images went meanwhile
 */
export async function createList(
  parts: Parts,
  { members, references }: { readonly members: readonly NewMember[]; readonly references: readonly string[] },
): Promise<Digest> {
  const { list, release } = await prepareList(parts, members);
  try {
    await parts.state.change((catalog) => {
      const record = list.members.map(({ image, attestations }) => {
        return { image: catalog.resolve(image.id).image.id, attestations };
      });
      const setReferences = Object.fromEntries(references.map((text) => [text, list.id]));
      return { change: { addLists: { [list.id]: { members: record } }, setReferences }, result: undefined };
    });
    return list.id;
  } finally {
    release();
  }
}

/** A list that has no name yet; what is said in it is kept until it is released. */
export async function prepareList(
  parts: Parts,
  members: readonly NewMember[],
): Promise<{ readonly list: ImageList; readonly release: () => void }> {
  const { content, layers } = parts;
  const lease = content.lease();
  try {
    const kept: ImageList['members'][number][] = [];
    const manifests: MemberManifest[] = [];
    for (const { image, attestations: given } of [...members].sort(byPlatform)) {
      const attestations: Attestation[] = [];
      for (const one of given) attestations.push('digest' in one ? one : await keepStatement(content, lease, one));
      kept.push({ image, attestations });
      const statements = await statementsOf(parts, attestations);
      manifests.push({ image, manifest: await plainManifest(image, content, layers), statements });
    }
    const id = digestOf(indexDocuments(manifests).index);
    return { list: { id, members: kept }, release: () => lease.release() };
  } catch (error) {
    lease.release();
    throw error;
  }
}

function byPlatform(one: NewMember, other: NewMember): number {
  return platformText(one.image.config) < platformText(other.image.config) ? -1 : 1;
}

async function keepStatement(
  content: Parts['content'],
  lease: ContentLease,
  { predicateType, predicate }: Statement,
): Promise<Attestation> {
  const bytes = Buffer.from(stableJson(predicate));
  lease.add(digestOf(bytes)); // before it is written: collecting may be under way
  return { predicateType, digest: (await content.writeBytes(bytes)).digest };
}

export async function statementsOf(
  { content }: Pick<Parts, 'content'>,
  attestations: readonly Attestation[],
): Promise<Statement[]> {
  const statements: Statement[] = [];
  for (const { predicateType, digest } of attestations) {
    const predicate: unknown = JSON.parse((await content.readVerified(digest)).toString()); // written by us
    statements.push({ predicateType, predicate });
  }
  return statements;
}

/** What a name (with tag or digest, whole) has for other platforms than one that joins, or comes anew. */
export function othersUnder(catalog: Catalog, name: string, joining: Platform): ImageList['members'] {
  const single = catalog.find(name)?.image;
  const members = catalog.listOf(name)?.members ?? (single === undefined ? [] : [{ image: single, attestations: [] }]);
  return members.filter(({ image }) => platformText(image.config) !== platformText(joining));
}
