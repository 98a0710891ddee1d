import { readFileSync } from 'node:fs';

/** Differs after every start of the machine (random(4)). */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}
