import type { NetworkCreateRequest } from '../../api/network.js';

/** One range of a network, as created. */
export interface NetworkRange {
  /** With prefix length. */
  readonly subnet: string;
  /** The part of it that addresses are handed out from. */
  readonly ipRange?: string;
  /** Absent on an internal network that asked for none. */
  readonly gateway?: string;
  readonly auxiliary: Readonly<Record<string, string>>;
  /** Chosen by the engine, not by the user. */
  readonly automatic: boolean;
}

export type NetworkDriver = 'bridge' | 'host' | 'null' | 'macvlan' | 'ipvlan';

/** How the links of a macvlan or ipvlan network hang on a link of the host. */
export interface ParentLink {
  readonly kind: 'macvlan' | 'ipvlan';
  /** Name of a link of the host. */
  readonly link: string;
  readonly mode: string;
  /** Of ipvlan alone: who may talk to whom. */
  readonly flag?: string;
}

/** The members of a request that a `--config-only` network keeps for others. */
export type NetworkConfiguration = Pick<NetworkCreateRequest, 'IPAM' | 'EnableIPv6' | 'Options' | 'Labels'>;

/** A network as it lies on disk; it changes only by being removed. */
export interface NetworkRecord {
  readonly id: string;
  readonly name: string;
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
  readonly driver: NetworkDriver;
  readonly predefined: boolean;
  readonly internal: boolean;
  readonly attachable: boolean;
  /** Absent: true. */
  readonly enableIPv4?: boolean;
  readonly enableIPv6: boolean;
  readonly ranges: readonly NetworkRange[];
  readonly ipamDriver: string;
  /** Null when the request had none, which is shown apart from `{}`. */
  readonly ipamOptions: Readonly<Record<string, string>> | null;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Name of the bridge on the host; empty for the other drivers. */
  readonly bridgeName: string;
  /** 0 on a parent link: that one's. */
  readonly mtu: number;
  /** Of `macvlan` and `ipvlan` alone. */
  readonly parent?: ParentLink;
  /** Of one that is nothing but settings for others (`--config-only`), which has no ranges and no bridge. */
  readonly configuration?: NetworkConfiguration;
  /** Name of the network that its settings were taken from. */
  readonly configFrom?: string;
}

export const networkSchema = 1;

/** @throws Error when `value` is not a record as {@link networkSchema} writes it */
export function parseNetworkRecord(value: unknown): NetworkRecord {
  if (typeof value === 'object' && value !== null && 'id' in value && 'name' in value && 'ranges' in value) {
    if (typeof value.id === 'string' && typeof value.name === 'string' && Array.isArray(value.ranges)) {
      return value as NetworkRecord; // written by this program, whole or not at all
    }
  }
  throw new Error('not a network record');
}
