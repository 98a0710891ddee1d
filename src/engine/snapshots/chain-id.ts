import { type Digest, digestOf } from '../../base/digest.js';

declare const brand: unique symbol;

/** Names a layer together with everything below it (OCI image-spec, config.md, "Layer ChainID"). */
export type ChainId = Digest & { readonly [brand]: 'chain-id' };

/** The chain that `diffId` makes on top of `parent`. */
export function extendChain(parent: ChainId | undefined, diffId: Digest): ChainId {
  return (parent === undefined ? diffId : digestOf(`${parent} ${diffId}`)) as ChainId;
}

/** @param diffIds - base first; none gives undefined */
export function chainIdOf(diffIds: readonly Digest[]): ChainId | undefined {
  return diffIds.reduce<ChainId | undefined>(extendChain, undefined);
}
