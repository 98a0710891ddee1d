import { execFileSync } from 'node:child_process';
import { copyFileSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const list = fileURLToPath(new URL('debian-bases.txt', import.meta.url));

/** Bases that are made of Debian packages; `scripts/fetch-toolchains.sh` fetches them. */
export const debianBases: readonly string[] = readFileSync(list, 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(' ')[0] ?? '');

/**
 * Makes a root file system of the packages in a folder. No script of a package runs; what alternatives and the base
 * system's own scripts would make is made here.
 */
export function debianRoot(root: string, folder: string): void {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(root, 'usr', name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.deb'))) {
    const script = 'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"';
    execFileSync('sh', ['-c', script, 'sh', join(folder, name), root]);
  }
  for (const name of ['passwd', 'group']) {
    copyFileSync(join(root, `usr/share/base-passwd/${name}.master`), join(root, 'etc', name));
  }
  const alternatives = { cc: 'gcc', awk: 'mawk' };
  for (const [link, target] of Object.entries(alternatives)) {
    const path = join(root, 'usr/bin', link);
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) symlinkSync(target, path);
  }
}
