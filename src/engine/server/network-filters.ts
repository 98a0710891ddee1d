import type { Filters } from '../../api/common.js';
import type { NetworkInspect } from '../../api/network.js';
import { hasLabel } from '../../base/label-filter.js';
import { passesNameFilter } from '../../base/name-filter.js';

export interface FilteredNetwork {
  readonly network: NetworkInspect;
  readonly predefined: boolean;
  /** Whether running containers are on it. */
  readonly inUse: boolean;
}

/** `docker network ls` and prune: values of one key are alternatives, except labels; all keys must hold. */
export function matchesNetwork(candidate: FilteredNetwork, filters: Filters): boolean {
  return Object.entries(filters).every(([key, values]) => values.length === 0 || matchesKey(candidate, key, values));
}

function matchesKey({ network, predefined, inUse }: FilteredNetwork, key: string, values: readonly string[]): boolean {
  switch (key) {
    case 'id':
      return values.some((value) => passesNameFilter(value, network.Id));
    case 'name':
      return values.some((value) => passesNameFilter(value, network.Name));
    case 'driver':
      return values.includes(network.Driver);
    case 'scope':
      return values.includes(network.Scope);
    case 'type':
      return values.includes(predefined ? 'builtin' : 'custom');
    case 'dangling':
      return values.some((value) => /^(?:1|t|true)$/i.test(value) === (!inUse && !predefined));
    case 'label':
      return values.every((value) => hasLabel(network.Labels, value));
    case 'label!':
      return !values.some((value) => hasLabel(network.Labels, value));
    default:
      return true; // `until` is about time, its own question
  }
}
