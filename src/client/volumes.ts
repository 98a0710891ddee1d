import type { Filters } from '../api/common.js';
import type { VolumeCreateRequest, VolumeInspect, VolumeListResponse } from '../api/volume.js';
import type { Connection } from './connection.js';
import { encodeFilters } from './query.js';

export interface VolumesClient {
  list(query: { filters?: Filters }, signal: AbortSignal): Promise<VolumeInspect[]>;
  inspect(name: string, signal: AbortSignal): Promise<VolumeInspect>;
  /** A volume of that name and driver is given back as it is. */
  create(request: VolumeCreateRequest, signal: AbortSignal): Promise<VolumeInspect>;
  remove(name: string, query: { force?: boolean }, signal: AbortSignal): Promise<void>;
}

export function volumesClient(connection: Connection): VolumesClient {
  const at = (name: string) => `/volumes/${encodeURIComponent(name)}`;
  return {
    list: async ({ filters }, signal) => {
      const query = { filters: encodeFilters(filters) };
      const answer = await connection.json<Partial<VolumeListResponse>>(
        { method: 'GET', path: '/volumes', query },
        signal,
      );
      return answer.Volumes ?? [];
    },
    inspect: (name, signal) => connection.json({ method: 'GET', path: at(name) }, signal),
    create: (json, signal) => connection.json({ method: 'POST', path: '/volumes/create', json }, signal),
    remove: (name, query, signal) => connection.done({ method: 'DELETE', path: at(name), query: { ...query } }, signal),
  };
}
