import { TscomposeError } from './errors.js';

declare module './errors.js' {
  interface ErrorFacts {
    /** Written by a later version of tscompose, which alone can read it. */
    'data/newer': { readonly path: string; readonly schema: number; readonly known: number };
  }
}

/**
 * What a later version wrote is whole, though it cannot be read here: removing it or putting it aside would lose it.
 * @param value - what the file at `path` holds, parsed
 * @param known - the highest schema that this version reads
 * @throws `data/newer`
 */
export function refuseNewer(value: unknown, known: number, path: string): void {
  if (typeof value !== 'object' || value === null || !('schema' in value)) return;
  const { schema } = value;
  if (typeof schema !== 'number' || schema <= known) return;
  throw new TscomposeError({
    code: 'data/newer',
    message: `${path} was written by a later version of tscompose: schema ${schema}, known up to ${known}`,
    facts: { path, schema, known },
    hint: 'use that version again, or another data root (TSCOMPOSE_DATA_ROOT)',
  });
}
