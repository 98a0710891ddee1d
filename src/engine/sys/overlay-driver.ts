import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, TscomposeError } from '../../base/errors.js';
import { isKernelAtLeast } from './kernel.js';
import { mount, unmount } from './mounts.js';
import { mountByFuse } from './fuse-overlay.js';
import { mountOverlaysBy, type OverlayMounter } from './overlay-mounter.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    /** Nothing that was tried can lay layers over one another here. */
    'sys/no-overlay': { readonly dir: string; readonly driver: string };
  }
}

/** `vfs`, dockerd's name for it: by copies. */
export type OverlayDriver = 'overlay' | 'fuse-overlayfs' | 'vfs';

/**
 * Decides once how `mount` makes overlays: by the kernel or, where that cannot on the file system of `dir`, by the
 * program fuse-overlayfs, or by copies.
 * @param wanted - tries no other
 * @throws `sys/no-overlay`
 */
export function chooseOverlayDriver(dir: string, byCopy: OverlayMounter, wanted?: OverlayDriver): OverlayDriver {
  const drivers: readonly OverlayDriver[] = wanted === undefined ? ['overlay', 'fuse-overlayfs', 'vfs'] : [wanted];
  const mounters = { overlay: undefined, 'fuse-overlayfs': { mount: mountByFuse }, vfs: byCopy } as const;
  const failures: unknown[] = [];
  for (const driver of drivers) {
    try {
      mountOverlaysBy(mounters[driver]);
      tryOverlay(dir);
      return driver;
    } catch (error) {
      failures.push(error);
    }
  }
  mountOverlaysBy(undefined);
  throw new TscomposeError({
    code: 'sys/no-overlay',
    message: `cannot mount layers below ${dir}: ${failures.map(messageOf).join('; ')}`,
    facts: { dir, driver: drivers.join(', ') },
    hint: 'install fuse-overlayfs, or move the data root to a file system such as ext4, xfs or btrfs',
    cause: failures[0],
  });
}

/** Mounts two directories over one another, and takes everything away again. */
function tryOverlay(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o711 });
  const folder = mkdtempSync(join(dir, '.overlay-'));
  try {
    const [lower, upper, work, target] = ['l', 'u', 'w', 'm'].map((name) => join(folder, name));
    if (lower === undefined || upper === undefined || work === undefined || target === undefined) return;
    for (const path of [lower, upper, work, target]) mkdirSync(path);
    const quick = isKernelAtLeast(5, 10) ? ',volatile' : ''; // or unmounting writes the whole file system back
    const data = `lowerdir=${lower},upperdir=${upper},workdir=${work}${quick}`;
    mount({ source: 'overlay', target, fstype: 'overlay', data });
    unmount(target, { detach: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
