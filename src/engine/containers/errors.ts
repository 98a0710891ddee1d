import { TscomposeError } from '../../base/errors.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'container/not-found': { readonly reference: string };
    'container/ambiguous': { readonly reference: string };
    'container/name-in-use': { readonly name: string; readonly containerId: string };
    'container/invalid-name': { readonly name: string };
    /** A request that no container can be made of. */
    'container/invalid-config': { readonly option: string };
    /** The image is there, for another platform than the one asked for. */
    'container/other-platform': { readonly reference: string; readonly platform: string };
    'container/invalid-filter': { readonly filter: string; readonly value?: string };
    'container/invalid-signal': { readonly signal: string };
    'container/running': { readonly containerId: string; readonly status: string };
    'container/not-running': { readonly containerId: string };
    'container/paused': { readonly containerId: string };
    'container/not-paused': { readonly containerId: string };
    'container/restarting': { readonly containerId: string };
    /** Somebody is removing it already. */
    'container/removing': { readonly containerId: string };
    /** Docker's text in the message; `exitCode` 126 or 127 when the program is to blame, else 128. */
    'container/start-failed': { readonly containerId: string; readonly exitCode: number };
    /** A command that cannot be run beside the container's own; Docker's text in the message. */
    'container/exec-failed': { readonly containerId: string };
    'container/stop-failed': { readonly containerId: string };
    'container/mount-missing': { readonly path: string };
    /** By the runtime, the kernel or the file system. */
    'container/id-map-refused': { readonly source: string; readonly destination: string };
    'container/no-log': { readonly driver: string };
    'container/path-not-found': { readonly path: string };
    'container/not-a-directory': { readonly path: string };
    'container/read-only': { readonly path: string };
    'container/cannot-overwrite': { readonly path: string };
    'exec/not-found': { readonly id: string };
    'exec/already-run': { readonly id: string };
  }
}

export function notFound(reference: string): TscomposeError<'container/not-found'> {
  return new TscomposeError({
    code: 'container/not-found',
    message: `No such container: ${reference}`,
    facts: { reference },
  });
}

export function invalidConfig(option: string, message: string): TscomposeError<'container/invalid-config'> {
  return new TscomposeError({ code: 'container/invalid-config', message, facts: { option } });
}

export function notRunning(containerId: string): TscomposeError<'container/not-running'> {
  return new TscomposeError({
    code: 'container/not-running',
    message: `container ${containerId} is not running`,
    facts: { containerId },
  });
}

export function removing(containerId: string): TscomposeError<'container/removing'> {
  return new TscomposeError({
    code: 'container/removing',
    message: `removal of container ${containerId} is already in progress`,
    facts: { containerId },
  });
}

export function invalidFilter(
  filter: string,
  value?: string,
  message = value === undefined ? `invalid filter '${filter}'` : `invalid filter '${filter}=${value}'`,
): TscomposeError<'container/invalid-filter'> {
  return new TscomposeError({
    code: 'container/invalid-filter',
    message,
    facts: { filter, ...(value === undefined ? {} : { value }) },
  });
}

export function readOnly(
  what: 'container rootfs' | 'mounted volume',
  path: string,
): TscomposeError<'container/read-only'> {
  return new TscomposeError({ code: 'container/read-only', message: `${what} is marked read-only`, facts: { path } });
}
