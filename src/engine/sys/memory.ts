import { native } from './native.js';

/**
 * Gives memory that was freed back to the kernel (malloc_trim(3)); glibc keeps it otherwise, tens of megabytes after a
 * large image. Takes some milliseconds. Nothing happens without FFI.
 */
export function releaseFreedMemory(): void {
  native()?.libc.malloc_trim(0);
}
