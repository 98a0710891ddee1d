import { readFileSync } from 'node:fs';
import { hasOwnMountNamespace } from '../../src/engine/oci/index.js';

/** Whether mounts made here stay here: under `scripts/own-machine.sh` process 1 is part of the machine of our own. */
export function mountsAreOurs(): boolean {
  return hasOwnMountNamespace() || readFileSync('/proc/1/cmdline', 'utf8').includes('own-machine');
}
