import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { firstLine, missing, ok, warning, type Check } from './check.js';
import { writable } from './kernel-checks.js';

const scarceBytes = 2 * 1024 ** 3;

/** The nearest folder that exists: the engine makes the rest. */
function existing(path: string): string {
  return existsSync(path) ? path : existing(dirname(path));
}

export const checkDataRoot: Check = ({ dataRoot, isRoot }) => {
  const folder = existing(dataRoot);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const found = `${dataRoot}, ${(free / 1024 ** 3).toFixed(1)} GiB free`;
  if (isRoot && !writable(folder)) {
    return missing('data folder', `${folder} is not writable`, 'name another one with TSCOMPOSE_DATA_ROOT');
  }
  return free < scarceBytes
    ? warning('data folder', found, 'make room, or name another folder with TSCOMPOSE_DATA_ROOT')
    : ok('data folder', found);
};

/** A real overlay on the file system of the data folder, in a mount namespace that ends with the try. */
export const checkOverlay: Check = async ({ dataRoot, isRoot, run, read }) => {
  if (!isRoot) {
    return (read('/proc/filesystems') ?? '').includes('\toverlay\n')
      ? warning('overlay mounts', 'in this kernel, not tried', 'run doctor as root to try it')
      : warning('overlay mounts', 'not loaded', 'modprobe overlay');
  }
  const above = existing(dataRoot);
  if (!writable(above)) {
    return warning('overlay mounts', 'not tried', `make ${above} writable, or name another with TSCOMPOSE_DATA_ROOT`);
  }
  const folder = mkdtempSync(join(above, '.tscompose-doctor-'));
  try {
    const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((name) => join(folder, name));
    for (const path of [lower, upper, work, merged]) mkdirSync(path ?? folder);
    const options = `lowerdir=${lower ?? ''},upperdir=${upper ?? ''},workdir=${work ?? ''}`;
    const mount = ['mount', '-t', 'overlay', 'overlay', '-o', options, merged ?? ''];
    const answer = await run('unshare', ['--mount', '--propagation', 'private', ...mount]);
    if (answer.kind === 'done') return ok('overlay mounts', `on the file system of ${dataRoot}`);
    const why = answer.kind === 'failed' ? firstLine(answer.output) : 'not tried: no unshare';
    const mend = 'modprobe overlay; where the folder itself lies on an overlay, name another with TSCOMPOSE_DATA_ROOT';
    return warning('overlay mounts', `${why}; fuse-overlayfs serves, or files are copied (vfs): slow and large`, mend);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

export const checkRuntimeDir: Check = ({ runtimeDir, isRoot }) => {
  const folder = existing(runtimeDir);
  return isRoot && !writable(folder)
    ? missing('runtime folder', `${folder} is not writable`, 'name another one with TSCOMPOSE_RUNTIME_DIR')
    : ok('runtime folder', runtimeDir);
};
