import type { Log } from '../../base/log.js';
import { nftGeneration } from '../sys/index.js';
import type { ForeignFirewall } from './foreign-firewall.js';
import type { PacketRules } from './packet-rules.js';

const everyMs = 2_000;

/**
 * Notices that somebody changed the packet rules of the host (`nft flush ruleset`, a reloaded firewall): the rules of
 * this engine are put back, and firewalls looked at again. Costs one question to the kernel every two seconds.
 */
export class RulesWatch {
  readonly #rules: PacketRules;
  readonly #firewall: ForeignFirewall;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #seen: number | undefined;
  /** Firewalls may have changed since they were looked at. */
  #unseen = false;

  constructor(rules: PacketRules, firewall: ForeignFirewall, log: Log) {
    this.#rules = rules;
    this.#firewall = firewall;
    this.#log = log;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      void this.#look();
    }, everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #look(): Promise<void> {
    if (!this.#rules.inUse) return; // what is not there cannot have been taken away
    try {
      const generation = nftGeneration();
      const changed = generation !== this.#seen;
      this.#seen = generation;
      const restored = changed && this.#rules.restore();
      if (restored) this.#log.warn('the packet rules of this engine were gone and are put back', {});
      this.#unseen ||= changed;
      if (!this.#unseen || !(restored || this.#firewall.isDue)) return;
      this.#unseen = false;
      await this.#firewall.look();
    } catch (error) {
      this.#log.error('cannot put the packet rules of this engine back', { error });
    }
  }
}
