import type { Log } from '../../base/log.js';
import { IptablesExceptions } from './iptables-exceptions.js';
import { NftExceptions } from './nft-exceptions.js';

/**
 * Another firewall's chain that drops what is forwarded (dockerd's, ufw's, firewalld's, one written by hand) drops what
 * our own rules let through, too: a drop anywhere wins. So each such chain gets one exception, for packets that our own
 * tables have accepted and marked; everything else is left to it. It comes after the other firewall's own rules and
 * before what closes the chain, so that those rules still hold, and carries the engine's name, so that several engines
 * do not remove each other's.
 */
export class ForeignFirewall {
  readonly #exceptions: readonly [IptablesExceptions, NftExceptions];
  #lookedAtMs = -Infinity;
  #pending: Promise<void> = Promise.resolve();

  constructor(comment: string, log: Log) {
    this.#exceptions = [new IptablesExceptions(comment, log), new NftExceptions(comment, log)];
  }

  /**
   * Lets accepted traffic through whatever firewalls there are now. Looks again after a while, since one may be started
   * or loaded anew at any time; only the first look is waited for.
   */
  ensure(): Promise<void> {
    const first = this.#lookedAtMs === -Infinity;
    const before = this.#pending;
    if (!this.isDue) return before;
    return first ? this.look() : (void this.look(), before);
  }

  /** Whether the last look was some time ago. */
  get isDue(): boolean {
    return performance.now() - this.#lookedAtMs >= lookAgainMs;
  }

  /** Looks now. */
  look(): Promise<void> {
    this.#lookedAtMs = performance.now();
    this.#pending = this.#pending.then(async () => {
      for (const exceptions of this.#exceptions) await exceptions.ensure();
    });
    return this.#pending;
  }

  /** Takes every exception of this engine away again, also those of an earlier process. */
  remove(): Promise<void> {
    this.#lookedAtMs = -Infinity;
    this.#pending = this.#pending.then(async () => {
      for (const exceptions of this.#exceptions) await exceptions.remove();
    });
    return this.#pending;
  }
}

const lookAgainMs = 10_000;
