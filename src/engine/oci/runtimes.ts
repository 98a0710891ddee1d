import { existsSync, readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isContainerId } from './container-id.js';
import { findProgram, kinds } from './probe.js';
import type { RuntimeProgram } from './runtime.js';
import { findHelpers, type Helper } from './strays.js';

/** The names by which dockerd knows runc. */
const dockerNames: readonly string[] = ['runc', 'io.containerd.runc.v2'];

/** The runtimes of this host, each with a state folder of its own: that tells whose a container is. */
export interface Runtimes {
  /** The one that was tried out; containers that name none have it. */
  readonly standard: RuntimeProgram;
  /** Paths by the names that a container may give; the standard one's first. */
  readonly paths: Readonly<Record<string, string>>;
  /** Undefined for a name that means none here. Docker's names of runc mean the standard one where there is no runc. */
  named(name: string): RuntimeProgram | undefined;
  /** What works for one of them. */
  helpers(): Helper[];
  /** Ids that one of them, or a process that works for one, still knows. */
  known(): string[];
  of(containerId: string): RuntimeProgram;
}

export async function openRuntimes(standard: RuntimeProgram, runtimeDir: string): Promise<Runtimes> {
  const others = kinds.flatMap((kind): RuntimeProgram[] => {
    const path = kind === standard.kind ? undefined : findProgram(kind);
    // Its version costs a process, and nobody asks for it.
    return path === undefined ? [] : [{ kind, path, version: kind, root: join(runtimeDir, kind), fastStart: false }];
  });
  const all = [standard, ...others];
  for (const { root } of others) await mkdir(root, { recursive: true, mode: 0o700 });
  const helpers = () => all.flatMap(({ root }) => findHelpers(root));
  const runc = all.find(({ kind }) => kind === 'runc');
  return {
    standard,
    paths: Object.fromEntries([
      ...all.map(({ kind, path }) => [kind, path] as const),
      ...(runc === undefined ? [] : dockerNames.map((name) => [name, runc.path] as const)),
    ]),
    named: (name) => {
      if (name === '') return standard;
      if (dockerNames.includes(name)) return runc ?? standard;
      return all.find(({ kind }) => kind === name);
    },
    helpers,
    known: () => [
      ...all.flatMap(({ root }) => readdirSync(root).filter(isContainerId)),
      ...helpers().map(({ containerId }) => containerId),
    ],
    of: (id) => others.find(({ root }) => existsSync(join(root, id))) ?? standard,
  };
}
