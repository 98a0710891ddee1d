import type { ImageSummary } from '../../api/image.js';
import type { ChainId, LayerStore } from '../snapshots/index.js';
import type { Catalog } from './catalog.js';
import { booleanFilter, checkFilters, matchesLabels, matchesReference, untilFilter } from './filters.js';
import { unixSeconds } from './image-views.js';
import type { Image, SummaryOptions } from './types.js';

const acceptedFilters = ['before', 'dangling', 'label', 'label!', 'reference', 'since', 'until'];

/** `GET /images/json`, newest first. @throws `image/invalid-filter`, `image/not-found` (of before and since) */
export function summarize(
  catalog: Catalog,
  layers: LayerStore,
  { all = false, filters = {}, sharedSize = false, usedBy }: SummaryOptions,
): ImageSummary[] {
  checkFilters(filters, acceptedFilters);
  const dangling = booleanFilter(filters, 'dangling');
  const until = untilFilter(filters, Date.now());
  const before = Math.min(...createdOf(catalog, filters['before'] ?? []));
  const since = Math.max(...createdOf(catalog, filters['since'] ?? []));
  const patterns = filters['reference'] ?? [];
  const matches = (familiar: string) =>
    patterns.length === 0 || patterns.some((pattern) => matchesReference(familiar, pattern));

  const shown = catalog.images().flatMap((image) => {
    const created = Date.parse(image.created);
    if (created >= before || created <= since || (until !== undefined && created > until)) return [];
    if (!matchesLabels(image, filters) || catalog.isOnlyVariant(image)) return [];
    const tags = image.tags.filter(matches);
    const digests = image.repoDigests.filter(matches);
    if (tags.length === 0 && digests.length === 0) {
      const isLeaf = catalog.children(image.id).length === 0;
      if (!(all || isLeaf) || dangling === false || patterns.length > 0) return [];
      if (dangling === true && !isLeaf) return [];
    } else if (dangling === true && (tags.length > 0 || catalog.children(image.id).length > 0)) {
      return [];
    }
    return [{ image, tags, digests }];
  });

  const shares = sharedSize ? layerUses(catalog, layers) : undefined;
  const users = usedBy?.();
  return shown
    .map(({ image, tags, digests }) => ({
      Id: image.id,
      ParentId: image.parent ?? '',
      RepoTags: tags,
      RepoDigests: digests,
      Created: unixSeconds(image.created),
      Size: image.sizeBytes,
      SharedSize: shares === undefined ? -1 : sharedBytes(image, layers, shares),
      Labels: image.config.config?.Labels ?? null,
      Containers: users === undefined ? -1 : users.filter(({ imageId }) => imageId === image.id).length,
    }))
    .sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1));
}

function createdOf(catalog: Catalog, names: readonly string[]): number[] {
  return names.map((name) => Date.parse(catalog.resolve(name).image.created));
}

function layerUses(catalog: Catalog, layers: LayerStore): Map<ChainId, number> {
  const uses = new Map<ChainId, number>();
  for (const { chainId } of catalog.images()) {
    if (chainId === undefined) continue;
    for (const layer of layers.chain(chainId)) uses.set(layer.chainId, (uses.get(layer.chainId) ?? 0) + 1);
  }
  return uses;
}

function sharedBytes({ chainId }: Image, layers: LayerStore, uses: ReadonlyMap<ChainId, number>): number {
  if (chainId === undefined) return 0;
  return layers
    .chain(chainId)
    .filter((layer) => (uses.get(layer.chainId) ?? 0) > 1)
    .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
