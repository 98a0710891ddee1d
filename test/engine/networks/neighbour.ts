import { createNetworkNamespace, openLinks } from '../../../src/engine/sys/index.js';
import { shell } from './guest.js';

export interface NeighbourOptions {
  /** The name of the link at both ends. */
  readonly link?: string;
  /** Addresses with their prefix lengths: this machine's, and the neighbour's. */
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
  /** The neighbour's default gateways; without one it knows nothing but its link. */
  readonly gateways?: readonly string[];
}

/** Another machine, at the other end of a link of this one, whose namespaces are private already. */
export class Neighbour {
  readonly #namespace = createNetworkNamespace();

  constructor({ link = 'eth0', ours, theirs, gateways = [] }: NeighbourOptions) {
    const here = openLinks();
    here.apply([
      { kind: 'set-up', name: 'lo' },
      { kind: 'add-veth', name: link, peer: link, peerNamespace: this.#namespace },
      ...ours.map((address) => ({ kind: 'add-address', link, address }) as const),
    ]);
    here.close();
    const there = openLinks(this.#namespace);
    there.apply([
      { kind: 'set-up', name: 'lo' },
      ...theirs.map((address) => ({ kind: 'add-address', link, address }) as const),
      { kind: 'set-up', name: link },
      ...gateways.map((gateway) => {
        const destination = gateway.includes(':') ? '::/0' : '0.0.0.0/0';
        return { kind: 'add-route', destination, gateway, link } as const;
      }),
    ]);
    there.close();
  }

  /** Runs a shell script there, as `shell` does here. */
  run(script: string): Promise<string> {
    return shell(script, ['nsenter', `--net=${this.#namespace.procPath}`, '--']);
  }

  close(): void {
    this.#namespace.close();
  }
}
