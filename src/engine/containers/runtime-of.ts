import type { HostConfig } from '../../api/container.js';
import type { RuntimeProgram } from '../oci/index.js';
import { invalidConfig } from './errors.js';
import type { Room } from './room.js';

/** @throws `container/invalid-config` for a runtime that is not there, or not any more */
export function runtimeOf({ oci }: Pick<Room, 'oci'>, { Runtime = '' }: HostConfig): RuntimeProgram {
  const runtime = oci.runtimes.named(Runtime);
  if (runtime === undefined) throw invalidConfig('Runtime', `unknown or invalid runtime name: ${Runtime}`);
  return runtime;
}
