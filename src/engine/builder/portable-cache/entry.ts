import { resolve } from 'node:path';
import { TscomposeError } from '../../../base/errors.js';

declare module '../../../base/errors.js' {
  interface ErrorFacts {
    'build/bad-cache': { readonly entry: string };
  }
}

/** One entry of `cache_from` or `cache_to`. */
export type CachePlace =
  | { readonly kind: 'registry'; readonly reference: string }
  /** A folder on the engine's machine, absolute. */
  | { readonly kind: 'local'; readonly path: string }
  /** With the image itself. */
  | { readonly kind: 'inline' }
  /** A store that this engine does not know: `gha`, `s3`, `azblob`. */
  | { readonly kind: 'unknown'; readonly type: string };

export interface CacheEntry {
  readonly place: CachePlace;
  /** The steps of all stages, not only of what ends up in the image. */
  readonly all: boolean;
  /** That it fails does not fail the build. */
  readonly ignoresErrors: boolean;
}

/**
 * Reads `type=registry,ref=…`, `type=local,src=…` or `dest=…`, `type=inline`, or an image's name alone.
 * @throws `build/bad-cache`
 */
export function cacheEntry(text: string, direction: 'from' | 'to'): CacheEntry {
  const bad = (message: string) =>
    new TscomposeError({ code: 'build/bad-cache', message: `cache_${direction}: ${message}`, facts: { entry: text } });
  const fields = new Map(
    text.includes('=')
      ? text.split(',').map((field): [string, string] => {
          const [name = '', ...value] = field.split('=');
          return [name.trim().toLowerCase(), value.join('=').trim()];
        })
      : [['ref', text]],
  );
  const type = fields.get('type') ?? 'registry';
  const need = (name: string): string => {
    const value = fields.get(name) ?? '';
    if (value === '') throw bad(`${JSON.stringify(text)} lacks ${name}=`);
    return value;
  };
  const place = (): CachePlace => {
    switch (type) {
      case 'registry':
        return { kind: 'registry', reference: need('ref') };
      case 'local':
        return { kind: 'local', path: resolve('/', need(direction === 'from' ? 'src' : 'dest')) };
      case 'inline':
        return { kind: 'inline' };
      default:
        return { kind: 'unknown', type };
    }
  };
  return { place: place(), all: fields.get('mode') === 'max', ignoresErrors: fields.get('ignore-error') === 'true' };
}
