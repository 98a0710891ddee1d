import type { FileSpec } from '../lab.js';

/** A Dockerfile as people write it, and what the image does as a service. */
export interface ServiceStory {
  readonly name: string;
  readonly files: Readonly<Record<string, FileSpec>>;
  /** Images it starts from beside busybox: `node` from this machine, or one made of Debian packages. */
  readonly bases: readonly string[];
  readonly target?: string;
  readonly args?: Readonly<Record<string, string>>;
  readonly env?: readonly string[];
  readonly expects:
    | { readonly port: number; readonly path: string; readonly answer: string }
    /** All it writes before it ends. */
    | { readonly output: string }
    /** A command in the container, tried until it answers so. */
    | { readonly command: readonly string[]; readonly answer: string };
}
