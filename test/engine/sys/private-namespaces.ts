import { native } from '../../../src/engine/sys/native.js';
import { mount, sysErrno } from '../../../src/engine/sys/index.js';

const CLONE_NEWNS = 0x20000;
const CLONE_NEWNET = 0x40000000;

/**
 * Moves this test file's process (its main thread, so everything synchronous and every socket) into fresh mount and
 * network namespaces. What a test makes there ends with the process; the machine never sees it.
 */
export function enterPrivateNamespaces(): void {
  const libc = native()?.libc;
  if (libc === undefined) throw new Error('these tests need the koffi library');
  if (libc.unshare(CLONE_NEWNS | CLONE_NEWNET) !== 0) throw new Error(`unshare failed, errno ${libc.errno()}`);
  mount({ target: '/', flags: ['rec', 'private'] });
}

/** Runs `body` once in-process and once with the ordinary tools. */
export const bothWays = [
  ['in-process calls', 'on'],
  ['ordinary tools', 'off'],
] as const;

export function chooseWay(ffi: 'on' | 'off'): void {
  if (ffi === 'off') process.env['TSCOMPOSE_FFI'] = 'off';
  else delete process.env['TSCOMPOSE_FFI'];
}

/** The errno that a call fails with, by its name. */
export function errnoOfCall(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return sysErrno(error);
  }
  return 'nothing was thrown';
}
