import { callFailed } from './call-failed.js';
import type { NetworkNamespace } from './network-namespace.js';

/** One change to the links, addresses or routes of a namespace. */
export type LinkChange =
  | {
      readonly kind: 'add-bridge';
      readonly name: string;
      readonly mac?: string;
      readonly mtu?: number;
    }
  | {
      /** Both ends; the peer starts in `peerNamespace`, down. This end is up, on `master` when given. */
      readonly kind: 'add-veth';
      readonly name: string;
      readonly peer: string;
      readonly peerNamespace: NetworkNamespace;
      readonly peerMac?: string;
      readonly mtu?: number;
      readonly master?: string;
    }
  | ({
      /** A link of another namespace, down, that shares `parent` with this one; of its own MAC. */
      readonly kind: 'add-macvlan';
      /** `bridge`, `private`, `vepa` or `passthru` */
      readonly mode: string;
      readonly mac: string;
    } & ChildPlace)
  | ({
      /** The same with the parent's MAC. */
      readonly kind: 'add-ipvlan';
      /** `l2`, `l3` or `l3s` */
      readonly mode: string;
      /** `bridge`, `private` or `vepa` */
      readonly flag: string;
    } & ChildPlace)
  /** A free text on the link, up to 255 bytes. */
  | { readonly kind: 'set-alias'; readonly name: string; readonly alias: string }
  | { readonly kind: 'set-up'; readonly name: string }
  | { readonly kind: 'set-down'; readonly name: string }
  | { readonly kind: 'rename'; readonly name: string; readonly to: string }
  | { readonly kind: 'set-master'; readonly name: string; readonly master: string }
  /** Lets a bridge send a frame back out of the port it came from. */
  | { readonly kind: 'set-hairpin'; readonly name: string }
  /** Keeps a bridge from passing frames between this port and other isolated ones. */
  | { readonly kind: 'set-isolated'; readonly name: string }
  | { readonly kind: 'delete-link'; readonly name: string }
  /** `address` with prefix length. IPv6 skips duplicate address detection. */
  | { readonly kind: 'add-address'; readonly link: string; readonly address: string }
  | { readonly kind: 'add-route'; readonly destination: string; readonly gateway?: string; readonly link: string }
  | { readonly kind: 'delete-route'; readonly destination: string; readonly gateway?: string; readonly link: string };

export interface ChildPlace {
  readonly parent: string;
  readonly name: string;
  readonly namespace: NetworkNamespace;
  /** 0: the parent's. */
  readonly mtu: number;
}

export interface LinkInfo {
  readonly name: string;
  readonly index: number;
  /** `bridge`, `veth`, …; undefined for a hardware device or loopback. */
  readonly type: string | undefined;
  readonly up: boolean;
  readonly mtu: number;
  readonly mac: string;
  readonly alias: string | undefined;
  /** Index of the bridge it is a port of; 0 for none. */
  readonly masterIndex: number;
}

export interface AddressInfo {
  readonly linkIndex: number;
  readonly address: string;
  readonly prefixLength: number;
}

export interface RouteInfo {
  /** `10.0.0.0/8`; `0.0.0.0/0` and `::/0` for the default ones. */
  readonly destination: string;
  readonly gateway: string | undefined;
  readonly linkIndex: number | undefined;
}

/** rtnetlink(7) of one namespace. */
export interface Links {
  /** Applies the changes in order and stops at the first that fails. @throws `sys/call-failed` */
  apply(changes: readonly LinkChange[]): void;
  list(): LinkInfo[];
  addresses(): AddressInfo[];
  /** Unicast routes of the main table, both families. */
  routes(): RouteInfo[];
  close(): void;
}

/** Link names are at most 15 bytes (IFNAMSIZ), and the kernel cuts nothing. @throws `sys/call-failed` with ERANGE */
export function checkLinkName(name: string): string {
  if (name.length > 0 && Buffer.byteLength(name) <= 15) return name;
  throw callFailed('if_nametoindex', [name], 'ERANGE');
}
