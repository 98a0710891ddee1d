import { readFileSync } from 'node:fs';
import { hasCode } from '../../base/errors.js';
import type { Log } from '../../base/log.js';
import { runTool } from '../../base/spawn.js';
import { nftListJson } from '../sys/index.js';
import { acceptedMark } from './nft-script.js';

/** Exceptions for marked packets in `FORWARD` of iptables, or in `DOCKER-USER`, which dockerd leaves to others. */
export class IptablesExceptions {
  readonly #comment: string;
  readonly #log: Log;

  constructor(comment: string, log: Log) {
    this.#comment = comment;
    this.#log = log;
  }

  async ensure(): Promise<void> {
    for (const tool of toolsWithRules()) {
      const rules = await this.#rules(tool);
      if (rules === undefined) continue;
      const place = exceptionPlace(rules.filter((line) => !this.#isOurs(line)));
      const lines = place === undefined ? [] : [this.#exception(place.chain)];
      await this.#replace(tool, rules, lines, place?.index ?? 0);
    }
  }

  async remove(): Promise<void> {
    for (const tool of toolsWithRules()) {
      const rules = await this.#rules(tool);
      if (rules !== undefined) await this.#replace(tool, rules, [], 0);
    }
  }

  /** As `iptables -S` prints it. */
  #exception(chain: string): string {
    return `-A ${chain} -m mark --mark ${acceptedMark}/${acceptedMark} -m comment --comment ${this.#comment} -j ACCEPT`;
  }

  /** In one transaction, so that nothing is dropped in between; and none when all is as it should be. */
  async #replace(tool: string, rules: readonly string[], wanted: readonly string[], index: number): Promise<void> {
    const ours = rules.filter((line) => this.#isOurs(line));
    const [rule] = wanted;
    const inPlace =
      rule === undefined || ofChain(rules, chainOf(rule)).findIndex((line) => this.#isOurs(line)) === index;
    if (inPlace && ours.map(unquoted).join('\n') === wanted.join('\n')) return;
    const lines = [
      '*filter',
      ...ours.map((line) => line.replace(/^-A/, '-D')),
      ...wanted.map((line) => line.replace(/^-A (\S+)/, `-I $1 ${index + 1}`)),
      'COMMIT',
      '',
    ];
    await this.#run(`${tool}-restore`, ['--noflush'], lines.join('\n'));
  }

  #isOurs(line: string): boolean {
    return line.startsWith('-A ') && unquoted(line).includes(` --comment ${this.#comment} `);
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

/**
 * Where an exception belongs: before the rule that closes the chain to everything, or at its end.
 * @param rules - `iptables -S` of the table `filter`
 * @returns undefined when nothing is closed
 */
export function exceptionPlace(rules: readonly string[]): { chain: string; index: number } | undefined {
  const forward = ofChain(rules, 'FORWARD');
  const closed = forward.findIndex((line) => closes(line, rules));
  if (closed === -1 && rules.includes('-P FORWARD ACCEPT')) return undefined;
  if (!forward.includes('-A FORWARD -j DOCKER-USER')) {
    return { chain: 'FORWARD', index: closed === -1 ? forward.length : closed };
  }
  const user = ofChain(rules, 'DOCKER-USER');
  const end = user.findIndex((line) => line === '-A DOCKER-USER -j RETURN' || closes(line, rules));
  return { chain: 'DOCKER-USER', index: end === -1 ? user.length : end };
}

/** Whether a rule drops or rejects everything that comes to it, by itself or through the chain that it leads to. */
function closes(line: string, rules: readonly string[], depth = 0): boolean {
  const target = /^-A \S+ -[jg] (\S+)(?: --reject-with \S+)?$/.exec(line)?.[1];
  if (target === undefined || depth > 8) return false;
  if (target === 'DROP' || target === 'REJECT') return true;
  const inside = ofChain(rules, target);
  const end = inside.findIndex((rule) => closes(rule, rules, depth + 1));
  // What comes before may let through or return some packets, but not all of them.
  return end !== -1 && !inside.slice(0, end).some((rule) => /^-A \S+ -j (?:RETURN|ACCEPT)$/.test(rule));
}

function ofChain(rules: readonly string[], chain: string): string[] {
  return rules.filter((line) => line.startsWith(`-A ${chain} `));
}

function chainOf(rule: string): string {
  return rule.split(' ')[1] ?? '';
}

function unquoted(line: string): string {
  return line.replaceAll('"', '');
}

/** Merely starting iptables would make its tables, so those that have none are not asked. */
function toolsWithRules(): string[] {
  return (['ip', 'ip6'] as const).flatMap((family) => {
    const tool = `${family}tables`;
    const old = hasOldRules(family); // beside the rules that the same command keeps in nftables today
    return [...(old || hasNftRules(family) ? [tool] : []), ...(old ? [`${tool}-legacy`] : [])];
  });
}

function hasOldRules(family: 'ip' | 'ip6'): boolean {
  try {
    return readFileSync(`/proc/net/${family}_tables_names`, 'utf8').includes('filter');
  } catch {
    return false; // the old iptables is not in this kernel
  }
}

function hasNftRules(family: 'ip' | 'ip6'): boolean {
  try {
    return /"name":\s*"(FORWARD|DOCKER-USER)"/.test(JSON.stringify(nftListJson(`list chains ${family}`)));
  } catch {
    return false; // no nf_tables, hence no rules of iptables-nft
  }
}
