import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Copies a program of this machine with the libraries it is linked to, each to the same path below `root`. */
export function copyProgram(program: string, root: string, as = program): void {
  const { stdout } = spawnSync('ldd', [realpathSync(program)], { encoding: 'utf8' }); // says nothing of a static one
  const libraries = stdout.match(/\/\S+(?= \(0x)/g) ?? [];
  for (const [from, to] of [[program, as], ...libraries.map((path) => [path, path])] as [string, string][]) {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    copyFileSync(realpathSync(from), join(root, to));
  }
}
