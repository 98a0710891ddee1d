import { readFileSync } from 'node:fs';
import { hasCode } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import { runTool } from '../../base/spawn.js';
import { nftListJson } from '../sys/index.js';

/**
 * Another firewall's `FORWARD` chain with policy drop, as dockerd makes it, drops what our own rules let through: a drop
 * anywhere wins. So our bridges get an exception in it (`DOCKER-USER` is the place that dockerd leaves to others). It does
 * not extend to Docker's own bridges: from our containers, too, only published ports of Docker's are to be reached.
 * The rule carries the engine's name, so that several engines do not remove each other's.
 */
export class ForeignFirewall {
  readonly #comment: string;
  readonly #log: Log;
  readonly #bridges = new Set<string>();
  #ensured: string | undefined;
  #lookedAtMs = 0;
  #pending: Promise<void> = Promise.resolve();

  constructor(comment: string, log: Log) {
    this.#comment = comment;
    this.#log = log;
  }

  /** Lets a bridge through, now or when such a firewall turns up. Bridges named `tsc…` share one rule. */
  async ensure(bridge: string): Promise<void> {
    this.#bridges.add(bridge.startsWith('tsc') ? 'tsc+' : bridge);
    const bridges = [...this.#bridges].join();
    const known = bridges === this.#ensured;
    if (known && performance.now() - this.#lookedAtMs < lookAgainMs) return this.#pending;
    this.#lookedAtMs = performance.now();
    this.#ensured = bridges;
    const before = this.#pending;
    this.#pending = before.then(() => this.#apply());
    return known ? before : this.#pending; // a firewall that may have been started meanwhile is no reason to wait
  }

  /** Takes every exception of this engine away again, also those of an earlier process. */
  remove(): Promise<void> {
    this.#pending = this.#pending.then(async () => {
      this.#bridges.clear();
      this.#ensured = undefined;
      for (const tool of ['iptables', 'ip6tables']) if (mayFilter(tool)) await this.#removeWith(tool);
    });
    return this.#pending;
  }

  async #apply(): Promise<void> {
    for (const tool of ['iptables', 'ip6tables']) if (mayFilter(tool)) await this.#applyWith(tool);
  }

  async #applyWith(tool: string): Promise<void> {
    const found = await this.#rules(tool);
    if (found === undefined) return;
    const chain = found.includes('-N DOCKER-USER') ? 'DOCKER-USER' : 'FORWARD';
    const wanted = chain === 'FORWARD' && found.includes('-P FORWARD ACCEPT') ? [] : this.#exceptions(chain, found);
    const ours = found.filter((line) => line.startsWith('-A ') && this.#isOurs(line));
    if (ours.map(unquoted).join('\n') === wanted.join('\n')) return;
    await this.#change(tool, ours, wanted);
  }

  /** Rules in their order, as `iptables -S` prints them. What goes to or comes from another's containers is theirs to judge. */
  #exceptions(chain: string, found: readonly string[]): string[] {
    const comment = `-m comment --comment ${this.#comment}`;
    const rule = (match: string, target: string) => `-A ${chain} ${match} ${comment} -j ${target}`;
    const bridges = [...this.#bridges];
    const others = chain === 'DOCKER-USER' ? dockerBridges(found) : [];
    return [
      ...bridges.flatMap((own) =>
        others.flatMap((other) => [rule(`-i ${own} -o ${other}`, 'RETURN'), rule(`-i ${other} -o ${own}`, 'RETURN')]),
      ),
      ...bridges.flatMap((own) => [rule(`-i ${own}`, 'ACCEPT'), rule(`-o ${own}`, 'ACCEPT')]),
    ];
  }

  async #removeWith(tool: string): Promise<void> {
    const found = (await this.#rules(tool)) ?? [];
    const ours = found.filter((line) => line.startsWith('-A ') && this.#isOurs(line));
    if (ours.length > 0) await this.#change(tool, ours, []);
  }

  /** In one transaction, so that nothing is dropped in between. */
  async #change(tool: string, ours: readonly string[], wanted: readonly string[]): Promise<void> {
    const lines = [
      '*filter',
      ...ours.map((line) => line.replace(/^-A/, '-D')),
      ...wanted.toReversed().map((line) => line.replace(/^-A/, '-I')), // each goes to the top
      'COMMIT',
      '',
    ];
    await this.#run(`${tool}-restore`, ['--noflush'], lines.join('\n'));
  }

  #isOurs(line: string): boolean {
    return unquoted(line).includes(` --comment ${this.#comment} `);
  }

  async #rules(tool: string): Promise<string[] | undefined> {
    return (await this.#run(tool, ['-S']))?.split('\n');
  }

  /** @returns undefined where there is no such tool or it can do nothing here; that leaves our own rules */
  async #run(tool: string, args: readonly string[], input = ''): Promise<string | undefined> {
    try {
      const signal = new AbortController().signal;
      return (await runTool(tool, ['-w', '5', ...args], { signal, timeoutMs: 10_000, input })).stdout;
    } catch (error) {
      if (!hasCode(error, 'tool/missing')) this.#log.warn('cannot look into the firewall of the host', { tool, error });
      return undefined;
    }
  }
}

function unquoted(line: string): string {
  return line.replaceAll('"', '');
}

/**
 * Patterns of the links that Docker's containers are on: its default bridge, those it names itself, and those that its
 * own rules tell of.
 */
function dockerBridges(rules: readonly string[]): string[] {
  const told = rules.flatMap((line) => {
    const [, name] =
      /^-A (?:DOCKER-ISOLATION-STAGE-2|DOCKER-BRIDGE|FORWARD) -o (\S+) -j (?:DROP|DOCKER)$/.exec(line) ?? [];
    return name === undefined || name === 'docker0' || name.startsWith('br-') ? [] : [name];
  });
  return ['docker0', 'br-+', ...new Set(told)];
}

/** A firewall that is started or flushed later is noticed by a join after this time. */
const lookAgainMs = 10_000;

/** Whether asking the tool is worth it: merely starting iptables would make its tables. */
function mayFilter(tool: string): boolean {
  const family = tool === 'iptables' ? 'ip' : 'ip6';
  try {
    if (readFileSync(`/proc/net/${family}_tables_names`, 'utf8').includes('filter')) return true;
  } catch {
    // the old iptables is not in this kernel
  }
  try {
    const listing = JSON.stringify(nftListJson(`list chains ${family}`));
    return /"name":\s*"(FORWARD|DOCKER-USER)"/.test(listing);
  } catch {
    return false; // no nf_tables, hence no rules of iptables-nft
  }
}
