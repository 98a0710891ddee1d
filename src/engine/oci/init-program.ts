import { accessSync, constants } from 'node:fs';
import { TscomposeError } from '../../base/errors.js';
import './errors.js';

/** Static builds first: in the container there may be no libc, or another one. */
const candidates = [
  '/usr/bin/catatonit',
  '/usr/libexec/catatonit/catatonit',
  '/usr/libexec/podman/catatonit',
  '/usr/bin/docker-init',
  '/usr/libexec/docker/docker-init',
  '/usr/bin/tini-static',
  '/usr/bin/tini',
  '/sbin/tini',
] as const;

/** Where `init: true` puts the reaper in the container. */
export const initPathInContainer = '/sbin/docker-init';

/** A reaper of this host. @throws `oci/no-init` */
export function findInitProgram(): string {
  const found = candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false; // not this one
    }
  });
  if (found !== undefined) return found;
  throw new TscomposeError({
    code: 'oci/no-init',
    message: 'init was asked for, and this host has no init program for containers',
    facts: { tried: candidates },
    hint: 'install the package catatonit (or tini)',
  });
}
