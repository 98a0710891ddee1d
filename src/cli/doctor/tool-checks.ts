import { firstLine, missing, ok, warning, type Check, type Machine } from './check.js';
import { installWith } from './packages.js';

/** conmon says its version on two lines, ip on its own flag. */
const tools: readonly {
  readonly name: string;
  readonly versionFlag: string;
  readonly packageName: string;
  readonly lack?: string;
}[] = [
  { name: 'conmon', versionFlag: '--version', packageName: 'conmon' },
  { name: 'nft', versionFlag: '--version', packageName: 'nftables' },
  { name: 'ip', versionFlag: '-Version', packageName: 'iproute2' },
  { name: 'unshare', versionFlag: '--version', packageName: 'util-linux' },
  { name: 'mount', versionFlag: '--version', packageName: 'mount' },
  {
    name: 'iptables',
    versionFlag: '--version',
    packageName: 'iptables',
    lack: 'needed only where another firewall drops what is forwarded, as Docker does',
  },
  { name: 'zstd', versionFlag: '--version', packageName: 'zstd', lack: 'needed only for images packed with it' },
  { name: 'xz', versionFlag: '--version', packageName: 'xz-utils', lack: 'needed only for ADD of .tar.xz archives' },
];

export const toolChecks: readonly Check[] = tools.map((tool) => async (machine: Machine) => {
  const answer = await machine.run(tool.name, [tool.versionFlag]);
  if (answer.kind !== 'absent') return ok(tool.name, versionIn(answer.output));
  const mend = installHint(machine, tool.packageName);
  return tool.lack === undefined
    ? missing(tool.name, 'not installed', mend)
    : warning(tool.name, 'not installed', `${mend} (${tool.lack})`);
});

/** One of the two is enough; crun starts containers in about half the time. */
export const checkRuntime: Check = async (machine) => {
  const [crun, runc] = await Promise.all([machine.run('crun', ['--version']), machine.run('runc', ['--version'])]);
  const found = [crun, runc].flatMap((answer) =>
    answer.kind === 'absent' ? [] : [answer.output.split('\n')[0]?.replace(' version', '') ?? ''],
  );
  if (crun.kind !== 'absent') return ok('crun or runc', found.join(', '));
  const mend = installHint(machine, 'crun');
  return runc.kind === 'absent'
    ? missing('crun or runc', 'neither is installed', mend)
    : warning('crun or runc', found.join(', '), `${mend} (containers start faster with it)`);
};

/** Every tool wraps its version in words of its own. */
function versionIn(output: string): string {
  return /\d+(?:\.\d+)+\S*/.exec(output)?.[0].replace(/[,)]+$/, '') ?? firstLine(output);
}

function installHint({ read }: Machine, packageName: string): string {
  return installWith(read('/etc/os-release') ?? '', packageName);
}
