import type { Filters } from '../../api/common.js';
import { TscomposeError } from '../../base/errors.js';
import { hasLabel } from '../../base/label-filter.js';
import { passesNameFilter } from '../../base/name-filter.js';
import type { Volume } from './types.js';

/**
 * Whether a volume passes; values of a key are alternatives, except `label` where all must hold.
 * @param allowed - the keys of this list
 * @throws `volume/invalid-filter`
 */
export function matchesVolume(
  volume: Volume,
  filters: Filters,
  context: { readonly allowed: readonly string[]; readonly dangling: (volume: Volume) => boolean },
): boolean {
  return Object.entries(filters).every(([key, values]) => {
    if (!context.allowed.includes(key)) throw invalid(key);
    switch (key) {
      case 'name':
        return values.length === 0 || values.some((value) => passesNameFilter(value, volume.name));
      case 'driver':
        return values.length === 0 || values.includes(volume.driver);
      case 'label':
        return values.every((value) => hasLabel(volume.labels, value));
      case 'label!':
        return values.every((value) => !hasLabel(volume.labels, value));
      case 'dangling':
        return values.length === 0 || values.some((value) => readBoolean(key, value) === context.dangling(volume));
      default:
        return true; // `all` and `until` are for the caller
    }
  });
}

/** @throws `volume/invalid-filter` */
export function readBoolean(filter: string, value: string): boolean {
  if (['true', '1'].includes(value)) return true;
  if (['false', '0'].includes(value)) return false;
  throw invalid(filter, value);
}

function invalid(filter: string, value?: string): TscomposeError<'volume/invalid-filter'> {
  return new TscomposeError({
    code: 'volume/invalid-filter',
    message: value === undefined ? `invalid filter '${filter}'` : `invalid filter '${filter}=[${value}]'`,
    facts: { filter, ...(value === undefined ? {} : { value }) },
  });
}
