import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { TscomposeError } from '../../base/errors.js';
import { isKernelAtLeast } from '../sys/index.js';
import type { OverlayDirectories } from './types.js';

const maxBytes = 4_095; // one page with its NUL (mount(2))

/** Features that record things in upper directories which a tar cannot hold; off, when the kernel would turn them on. */
const unwanted = ['redirect_dir', 'metacopy', 'index'] as const;

const knowsVolatile = isKernelAtLeast(5, 10);

/**
 * Mount options for an overlay. Where the full names do not fit a page, the layers are named through a directory of short
 * links held open by this process; the mount must then be made by this process or, by mount(8), while it lives.
 */
export class OverlayOptions {
  readonly #linksDir: string;
  readonly #userXattr: boolean;
  readonly #linkOf: (lowerDir: string) => string | undefined;
  #linksFd: number | undefined;
  #features: readonly string[] | undefined;

  /** @param linkOf - the name in `linksDir` that stands for a layer's directory */
  constructor(linksDir: string, userXattr: boolean, linkOf: (lowerDir: string) => string | undefined) {
    this.#linksDir = linksDir;
    this.#userXattr = userXattr;
    this.#linkOf = linkOf;
  }

  /** @throws `layer/too-many` */
  render(directories: OverlayDirectories & { readonly empty: string }): string {
    const lower = directories.lower.length === 0 ? [directories.empty] : [...directories.lower];
    // Without an upper directory overlayfs wants at least two layers.
    if (directories.upper === undefined && lower.length === 1) lower.push(directories.empty);
    const plain = this.#text(lower, directories);
    if (Buffer.byteLength(plain) <= maxBytes) return plain;
    const short = this.#text(
      lower.map((path) => this.#short(path)),
      directories,
    );
    if (Buffer.byteLength(short) <= maxBytes) return short;
    throw new TscomposeError({
      code: 'layer/too-many',
      message: `an image of ${lower.length} layers does not fit the kernel's mount options`,
      facts: { layers: lower.length },
    });
  }

  close(): void {
    if (this.#linksFd !== undefined) closeSync(this.#linksFd);
    this.#linksFd = undefined;
  }

  #text(lower: readonly string[], { upper, work, volatile = false }: OverlayDirectories): string {
    this.#features ??= unwanted.filter(isOnByDefault);
    return [
      `lowerdir=${lower.map(escapeLower).join(':')}`,
      ...(upper === undefined ? [] : [`upperdir=${escape(upper)}`]),
      ...(work === undefined ? [] : [`workdir=${escape(work)}`]),
      ...(upper !== undefined && volatile && knowsVolatile ? ['volatile'] : []),
      ...(this.#userXattr ? ['userxattr'] : this.#features.map((feature) => `${feature}=off`)),
    ].join(',');
  }

  #short(path: string): string {
    const link = this.#linkOf(path);
    if (link === undefined) return path;
    this.#linksFd ??= openSync(this.#linksDir, constants.O_RDONLY | constants.O_DIRECTORY);
    return `/proc/${process.pid}/fd/${this.#linksFd}/${link}`;
  }
}

/** Commas end an option, colons a layer, and a backslash escapes both (overlayfs.rst). */
function escapeLower(path: string): string {
  return path.replace(/[\\,:]/g, '\\$&');
}

function escape(path: string): string {
  return path.replace(/[\\,]/g, '\\$&');
}

function isOnByDefault(feature: string): boolean {
  try {
    return readFileSync(`/sys/module/overlay/parameters/${feature}`, 'latin1').startsWith('Y');
  } catch {
    return false; // an older kernel, or the module is not loaded yet: then it is off unless built otherwise
  }
}
