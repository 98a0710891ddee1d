import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from '../../base/errors.js';
import { canEnterNamespaces, inNetworkNamespace, runToolSync, type NetworkNamespace } from '../sys/index.js';

/**
 * Settings of the host's network namespace that containers need, with what they were before. The old values lie in a
 * file, so that an engine that comes after a killed one can still put them back.
 * All of it is synchronous: /proc/sys/net shows the namespace of the thread that looks.
 */
export class KernelSettings {
  readonly #file: string;
  readonly #before: Map<string, string>;

  constructor(file: string) {
    this.#file = file;
    this.#before = readBefore(file);
  }

  /** Sets `/proc/sys/<key>` unless it has that value. @throws a Node system error */
  ensure(key: string, value: string): void {
    const path = `/proc/sys/${key}`;
    const found = readFileSync(path, 'utf8').trim();
    if (found === value) return;
    if (!this.#before.has(key)) {
      this.#before.set(key, found);
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      writeFileSync(this.#file, JSON.stringify([...this.#before]), { mode: 0o600 }); // first the note, then the deed
    }
    writeFileSync(path, value);
  }

  /** Puts the old values back, or merely forgets them. */
  giveBack(how: 'restore' | 'keep'): void {
    if (how === 'restore') for (const [key, value] of this.#before) writeIfPresent(`/proc/sys/${key}`, value);
    this.#before.clear();
    rmSync(this.#file, { force: true });
  }
}

/** Sets `/proc/sys/<key>` of another network namespace, where the kernel has it. */
export function setInside(namespace: NetworkNamespace, key: string, value: string): void {
  const path = `/proc/sys/${key}`;
  if (canEnterNamespaces()) {
    inNetworkNamespace(namespace, () => {
      writeIfPresent(path, value);
    });
  } else {
    const script = 'if [ -e "$1" ]; then echo "$2" >"$1"; fi';
    runToolSync('nsenter', [`--net=${namespace.procPath}`, '--', 'sh', '-c', script, 'sh', path, value]);
  }
}

/** Sets a key that some kernels do not have. */
export function writeIfPresent(path: string, value: string): void {
  try {
    writeFileSync(path, value);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function readBefore(file: string): Map<string, string> {
  try {
    return new Map(JSON.parse(readFileSync(file, 'utf8')) as [string, string][]);
  } catch {
    return new Map(); // nothing was changed, or a note cut short before anything was
  }
}
