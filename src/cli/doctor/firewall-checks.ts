import { ok, warning, type Check, type Machine } from './check.js';

const name = 'other firewalls';

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly hook?: string;
}

/**
 * Chains of others that look at what this machine passes on. The engine gives each that closes an exception for what it
 * has accepted itself; here is said where it cannot: a table may belong to a running program alone (firewalld's).
 */
export const checkOtherFirewalls: Check = async (machine) => {
  if (!machine.isRoot) return warning(name, 'not tried', 'run doctor as root to try it');
  const chains = await foreignChains(machine);
  const refused: string[] = [];
  for (const chain of chains) if (!(await canBeChanged(chain, machine))) refused.push(pathOf(chain));
  if (refused.length > 0) {
    return warning(
      name,
      `${refused.join(', ')} cannot be given an exception`,
      chains.some(isOfIptables) && refused.every((path) => path.endsWith(' filter FORWARD'))
        ? 'install iptables, with which that chain is kept'
        : 'where it drops or rejects what is forwarded, let the links tsc* through: with firewalld, ' +
            "firewall-cmd --permanent --zone=trusted --add-interface='tsc+' and NftablesTableOwner=no in firewalld.conf",
    );
  }
  return ok(name, chains.length === 0 ? 'none' : `${chains.map(pathOf).join(', ')}: given exceptions where needed`);
};

async function foreignChains({ run }: Machine): Promise<Chain[]> {
  const answer = await run('nft', ['--json', 'list', 'chains']);
  if (answer.kind !== 'done') return []; // another line of the report tells of that
  const { nftables } = JSON.parse(answer.output) as { readonly nftables: readonly { readonly chain?: Chain }[] };
  return nftables.flatMap(({ chain }) =>
    chain?.hook === 'forward' && ['ip', 'ip6', 'inet'].includes(chain.family) && !chain.table.startsWith('tscompose-')
      ? [chain]
      : [],
  );
}

/** Asks the kernel, which checks a transaction and drops it. What iptables keeps is changed with iptables. */
async function canBeChanged(chain: Chain, { run }: Machine): Promise<boolean> {
  if (isOfIptables(chain)) {
    return (await run(chain.family === 'ip' ? 'iptables' : 'ip6tables', ['--version'])).kind === 'done';
  }
  const { family, table, name: chainName } = chain;
  return (await run('nft', ['--check', 'insert', 'rule', family, table, chainName, 'counter'])).kind === 'done';
}

function isOfIptables({ family, table, name: chain }: Chain): boolean {
  return family !== 'inet' && table === 'filter' && chain === 'FORWARD';
}

function pathOf({ family, table, name: chain }: Chain): string {
  return `${family} ${table} ${chain}`;
}
