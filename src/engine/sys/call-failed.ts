import { getSystemErrorName } from 'node:util';
import { TscomposeError, hasCode, errnoOf } from '../../base/errors.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    /** A kernel or libc call that failed; `errno` is a name such as `EBUSY`. */
    'sys/call-failed': { readonly call: string; readonly args: string; readonly errno: string };
    /** Neither the foreign function interface nor an ordinary tool can do this here. */
    'sys/unsupported': { readonly what: string };
  }
}

/** `errno` is a number from errno(3) or already a name; `detail` is what the kernel or the tool said beyond it. */
export function callFailed(
  call: string,
  args: readonly unknown[],
  errno: number | string,
  detail?: string,
): TscomposeError<'sys/call-failed'> {
  const name = typeof errno === 'string' ? errno : errnoName(errno);
  const shown = args.map(show).join(', ');
  const said = detail === undefined || detail === '' ? '' : `: ${detail}`;
  return new TscomposeError({
    code: 'sys/call-failed',
    message: `${call}(${shown}) failed with ${name}${said}`,
    facts: { call, args: shown, errno: name },
  });
}

export function unsupported(what: string): TscomposeError<'sys/unsupported'> {
  return new TscomposeError({
    code: 'sys/unsupported',
    message: `this host cannot ${what}: the koffi library could not be loaded`,
    facts: { what },
    hint: 'install tscompose again on this machine, so that npm takes the koffi build for it',
  });
}

/** The errno name of a failed call of this room or of Node's own `fs`; undefined for anything else. */
export function sysErrno(error: unknown): string | undefined {
  return hasCode(error, 'sys/call-failed') ? error.facts.errno : errnoOf(error);
}

function errnoName(errno: number): string {
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`; // a number libuv has no name for
  }
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  return typeof value === 'string' ? withoutPassword(value).slice(0, 400) : String(value);
}

/** Mount options of network file systems hold them (mount.cifs(8)). */
function withoutPassword(text: string): string {
  return text.replace(/((?:^|,)pass(?:word)?2?=)[^,]*/g, '$1********');
}
