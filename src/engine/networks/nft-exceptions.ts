import type { Log } from '../../base/log.js';
import { nftApply, nftListJson, sysErrno } from '../sys/index.js';
import { acceptedMark } from './nft-script.js';

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
  readonly policy?: string;
}

interface Rule {
  readonly handle: number;
  readonly comment?: string;
  readonly expr?: readonly Readonly<Record<string, unknown>>[];
}

/** Exceptions for marked packets in chains of nftables that close `forward`: those of firewalld, or of nftables.conf. */
export class NftExceptions {
  readonly #comment: string;
  readonly #log: Log;

  constructor(comment: string, log: Log) {
    this.#comment = comment;
    this.#log = log;
  }

  ensure(): Promise<void> {
    for (const chain of this.#foreignChains())
      this.#guarded(chain, () => {
        this.#ensureIn(chain);
      });
    return Promise.resolve();
  }

  remove(): Promise<void> {
    for (const chain of this.#foreignChains())
      this.#guarded(chain, () => {
        const ours = rulesOf(chain).filter(({ comment }) => comment === this.#comment);
        apply(ours.map(({ handle }) => `delete rule ${pathOf(chain)} handle ${handle}`));
      });
    return Promise.resolve();
  }

  #ensureIn(chain: Chain): void {
    const rules = rulesOf(chain);
    const ours = rules.filter(({ comment }) => comment === this.#comment);
    const others = rules.filter(({ comment }) => comment !== this.#comment);
    const end = others.findIndex(closes);
    const wanted = chain.policy === 'drop' || end !== -1 ? [end === -1 ? others.length : end] : [];
    const inPlace = ours.map((rule) => rules.indexOf(rule)).join() === wanted.join();
    if (inPlace) return;
    const rule = `meta mark & ${acceptedMark} == ${acceptedMark} accept comment "${this.#comment}"`;
    const before = others[end]?.handle;
    apply([
      ...ours.map(({ handle }) => `delete rule ${pathOf(chain)} handle ${handle}`),
      ...wanted.map(() =>
        before === undefined
          ? `add rule ${pathOf(chain)} ${rule}`
          : `insert rule ${pathOf(chain)} position ${before} ${rule}`,
      ),
    ]);
  }

  /** Of all families that IP packets meet on their way; without those of engines like this one, and of iptables. */
  #foreignChains(): Chain[] {
    let listed: Chain[];
    try {
      listed = listing<Chain>('list chains', 'chain');
    } catch {
      return []; // no nf_tables in this kernel
    }
    return listed.filter(
      ({ family, table, name, hook }) =>
        hook === 'forward' &&
        ['ip', 'ip6', 'inet'].includes(family) &&
        !table.startsWith('tscompose-') &&
        !(family !== 'inet' && table === 'filter' && name === 'FORWARD'),
    );
  }

  /** A table may belong to a running program alone (`flags owner`), or go away meanwhile. */
  #guarded(chain: Chain, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (sysErrno(error) === 'ENOENT') return;
      this.#log.warn('cannot make an exception in a firewall of the host', { chain: pathOf(chain), error });
    }
  }
}

/** Whether a rule drops or rejects everything that comes to it. */
function closes({ expr = [] }: Rule): boolean {
  const does = expr.flatMap((statement) => Object.keys(statement)).filter((key) => !['counter', 'log'].includes(key));
  return does.length === 1 && (does[0] === 'drop' || does[0] === 'reject');
}

function rulesOf(chain: Chain): Rule[] {
  return listing<Rule>(`list chain ${pathOf(chain)}`, 'rule');
}

function pathOf({ family, table, name }: Chain): string {
  return `${family} ${table} ${name}`;
}

/** The objects of one kind in libnftables-json(5). */
function listing<T>(command: string, kind: string): T[] {
  const { nftables } = nftListJson(command) as { readonly nftables: readonly Readonly<Record<string, T>>[] };
  return nftables.flatMap(({ [kind]: found }) => (found === undefined ? [] : [found]));
}

function apply(lines: readonly string[]): void {
  if (lines.length > 0) nftApply(lines.join('\n'));
}
