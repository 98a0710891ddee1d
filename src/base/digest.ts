import { createHash } from 'node:crypto';

declare module './errors.js' {
  interface ErrorFacts {
    /** Bytes that do not hash to their name, whether on their way in or on disk. */
    'content/digest-mismatch': { readonly expected: string; readonly actual: string };
    'content/size-mismatch': { readonly digest?: string; readonly expectedBytes: number; readonly actualBytes: number };
  }
}

declare const brand: unique symbol;

/** `sha256:` and 64 hex digits: the hash of bytes as stored. */
export type Digest = string & { readonly [brand]: 'digest' };

const pattern = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

export function digestOf(bytes: string | Uint8Array): Digest {
  return digestFromHex(createHash('sha256').update(bytes).digest('hex'));
}

/** @throws Error when `hex` is not 64 lower-case hex digits. */
export function digestFromHex(hex: string): Digest {
  const text = `sha256:${hex}`;
  if (!isDigest(text)) throw new Error(`bug: not a sha256 in hex: ${hex}`);
  return text;
}

/** The 64 hex digits of a digest. */
export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length);
}
