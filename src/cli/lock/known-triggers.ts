import type { PinnedBases } from '../../api/tscompose.js';
import { entryOf } from '../../lock/index.js';
import type { CliContext } from '../context.js';
import { imageHere, openPins } from './pins.js';

/**
 * ONBUILD of bases at what the lock says they are, as far as it can be known without pulling: of those that are here,
 * and where `image`, which is to be built, is not, of those in a registry, which the build has to ask anyway.
 */
export async function knownTriggers(
  context: CliContext,
  image: string,
  firing: readonly string[],
  pins: PinnedBases['pins'],
): Promise<NonNullable<PinnedBases['triggers']>> {
  const isBuilt = (await imageHere(context, image)) !== undefined;
  const registries = openPins(context);
  const triggersOf = async (pin: string): Promise<readonly string[]> => {
    const here = await imageHere(context, pin);
    if (here !== undefined) return here.Config.OnBuild ?? [];
    return isBuilt || pin.startsWith('sha256:') ? [] : await registries.triggers(pin);
  };
  try {
    const found = await Promise.all(
      firing.map(async (reference) => {
        const pin = entryOf(reference).flatMap((entry) => pins[entry] ?? [])[0];
        return [reference, pin === undefined ? [] : await triggersOf(pin)] as const;
      }),
    );
    return Object.fromEntries(found.filter(([, triggers]) => triggers.length > 0));
  } finally {
    registries.close();
  }
}
