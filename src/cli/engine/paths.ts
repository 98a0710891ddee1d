import { resolve } from 'node:path';
import type { Terminal } from '../terminal.js';

/** Folders of one embedded engine. Engines with different ones live side by side. */
export interface EnginePaths {
  /** Images, volumes, records: survives reboots. */
  readonly dataRoot: string;
  /** Socket, lock, log, sandboxes: gone after a reboot. */
  readonly runtimeDir: string;
  readonly socket: string;
  readonly log: string;
}

/** `TSCOMPOSE_DATA_ROOT` and `TSCOMPOSE_RUNTIME_DIR`, or the system's folders. */
export function enginePaths({ environment, cwd }: Pick<Terminal, 'environment' | 'cwd'>): EnginePaths {
  const folder = (name: string, fallback: string): string => resolve(cwd, environment[name] || fallback);
  const runtimeDir = folder('TSCOMPOSE_RUNTIME_DIR', '/run/tscompose');
  return {
    dataRoot: folder('TSCOMPOSE_DATA_ROOT', '/var/lib/tscompose'),
    runtimeDir,
    socket: `${runtimeDir}/engine.sock`,
    log: `${runtimeDir}/engine.log`,
  };
}
