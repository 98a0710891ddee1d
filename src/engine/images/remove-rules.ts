import { hexOf } from '../../base/digest.js';
import { TscomposeError } from '../../base/errors.js';
import { canonicalText, parseReference, type Reference, withDefaultTag } from '../../registry/index.js';
import type { Catalog } from './catalog.js';
import type { Image, ImageUser } from './types.js';

/** What a removal comes to, decided before anything is changed. */
export interface Removal {
  /** Names to take away, in the order they are reported. */
  readonly untag: readonly Reference[];
  /** Images to delete, the asked one first, then parents nobody needs. */
  readonly images: readonly Image[];
}

interface Question {
  readonly nameOrId: string;
  readonly force: boolean;
  readonly prune: boolean;
  readonly users: readonly ImageUser[];
}

/**
 * Docker's `rmi`: a name takes that name away, and the image with it when that was the last one; an id takes the image
 * with all its names when they are of one repository.
 * @throws `image/not-found`, `image/in-use` in Docker's wording
 */
export function decideRemoval(catalog: Catalog, question: Question): Removal {
  const { image, by } = catalog.resolve(question.nameOrId);
  const removal = by === 'name' ? byName(catalog, question, image) : byId(catalog, question, image);
  return { ...removal, images: [...removal.images, ...forsaken(catalog, question, removal)] };
}

/** What lists that lose their last name leave behind: images of other platforms that nobody else needs. */
function forsaken(catalog: Catalog, question: Question, { untag, images }: Removal): Image[] {
  const gone = new Set(untag.map(({ familiar }) => familiar));
  const lists = untag.flatMap((reference) => catalog.listOf(canonicalText(reference)) ?? []);
  const members = new Map(lists.flatMap(({ members: all }) => all.map(({ image }) => [image.id, image] as const)));
  return [...members.values()].filter((image) => {
    if (images.some(({ id }) => id === image.id)) return false;
    const hasName = catalog.references(image.id).some(({ familiar }) => !gone.has(familiar));
    return !hasName && conflictOf(catalog, question, image, []) === undefined;
  });
}

function byName(catalog: Catalog, question: Question, image: Image): Removal {
  const { nameOrId, force, users } = question;
  const all = catalog.references(image.id);
  const user = users.find(({ imageId }) => imageId === image.id);
  if (!force && user !== undefined && isSingleReference(all)) {
    throw inUse(
      `unable to remove repository reference ${JSON.stringify(nameOrId)} (must force) - container ${short(user.containerId)} is using its referenced image ${short(hexOf(image.id))}`,
      { reference: nameOrId, containerId: user.containerId, forceable: true },
    );
  }
  const asked = namedBy(nameOrId, all);
  const untag = [asked];
  let left = all.filter((reference) => reference.familiar !== asked.familiar);
  const sameRepository = (reference: Reference) => reference.repository === asked.repository;
  if (asked.digest === undefined && !left.some((one) => one.digest === undefined && sameRepository(one))) {
    // Digests of a repository without a tag there would keep the image for no visible reason.
    untag.push(...left.filter(sameRepository));
    left = left.filter((reference) => !sameRepository(reference));
  }
  if (left.length > 0) return { untag, images: [] };
  const conflict = conflictOf(catalog, question, image, []);
  // The name is gone already in the caller's eyes; an image others still need simply stays.
  if (conflict !== undefined && (catalog.children(image.id).length > 0 || conflict.facts.containerId !== undefined)) {
    return { untag, images: [] };
  }
  if (conflict !== undefined) throw conflict;
  return { untag, images: [image, ...prunableParents(catalog, question, image)] };
}

function byId(catalog: Catalog, question: Question, image: Image): Removal {
  const all = catalog.references(image.id);
  const conflict = conflictOf(catalog, question, image, isSingleReference(all) ? [] : all);
  if (conflict !== undefined) throw conflict;
  return { untag: all, images: [image, ...prunableParents(catalog, question, image)] };
}

/** Images below that have no name, no other child and no container. */
function prunableParents(catalog: Catalog, { prune, users }: Question, image: Image): Image[] {
  const parents: Image[] = [];
  if (!prune) return parents;
  for (let child = image; child.parent !== undefined;) {
    const parent = catalog.get(child.parent);
    if (parent === undefined) break;
    const others = catalog.children(parent.id).filter(({ id }) => id !== child.id);
    const isNeeded = others.length > 0 || catalog.references(parent.id).length > 0;
    if (isNeeded || users.some(({ imageId }) => imageId === parent.id)) break;
    parents.push(parent);
    child = parent;
  }
  return parents;
}

/** @param names - those that would stand in the way of deleting the image by its id */
function conflictOf(
  catalog: Catalog,
  { nameOrId, force, users }: Question,
  image: Image,
  names: readonly Reference[],
): TscomposeError<'image/in-use'> | undefined {
  const own = users.filter(({ imageId }) => imageId === image.id);
  const running = own.find((user) => user.running);
  const refuse = (reason: string, how: 'cannot be forced' | 'must be forced', containerId?: string) =>
    inUse(`unable to delete ${short(hexOf(image.id))} (${how}) - ${reason}`, {
      reference: nameOrId,
      forceable: how === 'must be forced',
      ...(containerId === undefined ? {} : { containerId }),
    });
  if (catalog.children(image.id).length > 0) return refuse('image has dependent child images', 'cannot be forced');
  if (running !== undefined) {
    const reason = `image is being used by running container ${short(running.containerId)}`;
    return refuse(reason, 'cannot be forced', running.containerId);
  }
  if (force) return undefined;
  if (names.length > 0) return refuse('image is referenced in multiple repositories', 'must be forced');
  const [stopped] = own;
  if (stopped === undefined) return undefined;
  const reason = `image is being used by stopped container ${short(stopped.containerId)}`;
  return refuse(reason, 'must be forced', stopped.containerId);
}

/** The name of the image that was asked for; `name@digest` may have been written with a tag as well. */
function namedBy(nameOrId: string, all: readonly Reference[]): Reference {
  const asked = withDefaultTag(parseReference(nameOrId));
  const match = all.find(
    ({ repository, tag, digest }) =>
      repository === asked.repository && (asked.digest === undefined ? tag === asked.tag : digest === asked.digest),
  );
  return match ?? asked;
}

/** One tag at most, and all names in one repository. */
function isSingleReference(references: readonly Reference[]): boolean {
  const tags = references.filter(({ digest }) => digest === undefined);
  return tags.length <= 1 && new Set(references.map(({ repository }) => repository)).size <= 1;
}

function short(hex: string): string {
  return hex.slice(0, 12);
}

function inUse(message: string, facts: TscomposeError<'image/in-use'>['facts']): TscomposeError<'image/in-use'> {
  return new TscomposeError({ code: 'image/in-use', message: `conflict: ${message}`, facts });
}
