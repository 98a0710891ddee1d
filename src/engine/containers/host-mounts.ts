import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bindForeignMount, isMountPoint, mount, type ForeignMount } from '../sys/index.js';
import { isFile } from './mount-plan.js';
import { bundleOf, type Room } from './room.js';

const prefix = 'shared-';

/**
 * Binds a mount of the host's namespace into a container's bundle: what is mounted below either is then seen by both,
 * which it would not be below what the engine itself sees of the host.
 * @param index - of the mount in its container
 * @returns where it is
 * @throws `sys/call-failed`
 */
export function bindHostMount(
  room: Pick<Room, 'runtimeDir'>,
  id: string,
  { index, ...from }: Omit<ForeignMount, 'target'> & { readonly index: number },
): string {
  const target = join(bundleOf(room, id), `${prefix}${index}`);
  if (isFile(from.source)) writeFileSync(target, '');
  else mkdirSync(target, { recursive: true });
  bindForeignMount({ ...from, target });
  return target;
}

/** To be called before they are unmounted: what the host has mounted below would be unmounted there as well. */
export function partHostMounts(bundle: string): void {
  for (const name of readdirSync(bundle).filter((one) => one.startsWith(prefix))) {
    const target = join(bundle, name);
    if (isMountPoint(target)) mount({ target, flags: ['rec', 'private'] });
  }
}

/** @throws where one is still mounted: whoever empties the bundle would empty the host's folder */
export function requireParted(bundle: string): void {
  const held = readdirSync(bundle).find((name) => name.startsWith(prefix) && isMountPoint(join(bundle, name)));
  if (held !== undefined) throw new Error(`${join(bundle, held)} is still mounted`);
}
