import type { Filters } from '../api/common.js';
import type { EndpointSettings } from '../api/container.js';
import type { NetworkCreateRequest, NetworkCreateResponse, NetworkInspect } from '../api/network.js';
import type { Connection } from './connection.js';
import { encodeFilters } from './query.js';

export interface NetworksClient {
  list(query: { filters?: Filters }, signal: AbortSignal): Promise<NetworkInspect[]>;
  inspect(nameOrId: string, signal: AbortSignal): Promise<NetworkInspect>;
  create(request: NetworkCreateRequest, signal: AbortSignal): Promise<NetworkCreateResponse>;
  remove(nameOrId: string, signal: AbortSignal): Promise<void>;
  connect(
    nameOrId: string,
    request: { Container: string; EndpointConfig?: EndpointSettings },
    signal: AbortSignal,
  ): Promise<void>;
  disconnect(nameOrId: string, request: { Container: string; Force?: boolean }, signal: AbortSignal): Promise<void>;
}

export function networksClient(connection: Connection): NetworksClient {
  const at = (nameOrId: string, action = '') => `/networks/${encodeURIComponent(nameOrId)}${action}`;
  return {
    list: ({ filters }, signal) =>
      connection.json({ method: 'GET', path: '/networks', query: { filters: encodeFilters(filters) } }, signal),
    inspect: (nameOrId, signal) => connection.json({ method: 'GET', path: at(nameOrId) }, signal),
    create: (json, signal) => connection.json({ method: 'POST', path: '/networks/create', json }, signal),
    remove: (nameOrId, signal) => connection.done({ method: 'DELETE', path: at(nameOrId) }, signal),
    connect: (nameOrId, json, signal) =>
      connection.done({ method: 'POST', path: at(nameOrId, '/connect'), json }, signal),
    disconnect: (nameOrId, json, signal) =>
      connection.done({ method: 'POST', path: at(nameOrId, '/disconnect'), json }, signal),
  };
}
