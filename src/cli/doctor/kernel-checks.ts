import { accessSync, constants, existsSync } from 'node:fs';
import { release } from 'node:os';
import { firstLine, missing, ok, warning, type Check, type Finding } from './check.js';
import { installWith } from './packages.js';

export const checkNode: Check = () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > 20 || (major === 20 && minor >= 19);
  const found = `${process.version} (${process.platform} ${process.arch})`;
  return fits ? ok('node', found) : missing('node', found, 'install Node.js 20.19 or newer');
};

/** openat2(2) came with 5.6; what is older cannot unpack images safely. */
export const checkKernel: Check = () => {
  if (process.platform !== 'linux') {
    return missing('kernel', process.platform, 'the embedded engine runs on Linux; elsewhere set DOCKER_HOST');
  }
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const fits = major > 5 || (major === 5 && minor >= 6);
  return fits ? ok('kernel', release()) : missing('kernel', release(), 'boot a kernel of 5.6 or newer');
};

export const checkRoot: Check = ({ isRoot }) =>
  isRoot
    ? ok('permissions', 'root')
    : missing(
        'permissions',
        `uid ${process.geteuid?.() ?? '?'}`,
        'run with sudo: the engine mounts and makes networks',
      );

/** namespaces(7) */
export const checkNamespaces: Check = () => {
  const absent = ['mnt', 'pid', 'net', 'uts', 'ipc', 'cgroup'].filter((name) => !existsSync(`/proc/self/ns/${name}`));
  return absent.length === 0
    ? ok('namespaces', 'mount, pid, network, uts, ipc, cgroup')
    : missing('namespaces', `without ${absent.join(', ')}`, 'boot a kernel with CONFIG_NAMESPACES and all its kinds');
};

const privileged = 'inside a container, start that one with --privileged';

/** Making one is a permission of its own: containers and hardened systems take it away even from root. */
export const checkUnshare: Check = tryUnshared({
  name: 'new namespaces',
  args: ['--mount', '--pid', '--net', '--uts', '--ipc', '--cgroup', '--fork', 'true'],
  found: 'can be made',
  mend: privileged,
});

/** seccomp(2) */
export const checkSeccomp: Check = ({ read }) => {
  const actions = read('/proc/sys/kernel/seccomp/actions_avail');
  return actions === undefined
    ? missing('seccomp', 'not in this kernel', 'boot a kernel with CONFIG_SECCOMP_FILTER')
    : ok('seccomp', actions.trim());
};

/** Without its parser the engine has no profile to give, as dockerd. */
export const checkApparmor: Check = async ({ read, run }) => {
  const name = 'AppArmor';
  if (read('/sys/module/apparmor/parameters/enabled')?.startsWith('Y') !== true) return ok(name, 'off');
  const { kind } = await run('apparmor_parser', ['--version']);
  return kind === 'absent'
    ? warning(
        name,
        'on, without apparmor_parser: containers are in no profile',
        installWith(read('/etc/os-release') ?? '', 'apparmor'),
      )
    : ok(name, 'on; containers are in the profile tscompose-default');
};

/** cgroups(7): one tree (v2), a tree per controller (v1), or both (hybrid). */
export const checkCgroups: Check = ({ read, isRoot }) => {
  const root = '/sys/fs/cgroup';
  const mounts = read('/proc/self/mounts') ?? '';
  const unified = read(`${root}/cgroup.controllers`);
  const v1 = [...mounts.matchAll(/^\S+ (\S+) cgroup (\S+)/gm)].flatMap((match) => (match[2] ?? '').split(','));
  if (unified === undefined && v1.length === 0) {
    return missing('cgroups', 'not mounted', 'mount -t cgroup2 cgroup2 /sys/fs/cgroup');
  }
  const available = unified === undefined ? v1 : unified.trim().split(' ');
  const layout = unified !== undefined ? 'v2' : /^\S+ \S+ cgroup2 /m.test(mounts) ? 'hybrid' : 'v1';
  const absent = ['memory', 'cpu', 'pids'].filter((controller) => !available.includes(controller));
  if (absent.length > 0) {
    const mend = `without them limits do not hold; boot with ${absent.map((one) => `cgroup_enable=${one}`).join(' ')}`;
    return warning('cgroups', `${layout}, without ${absent.join(', ')}`, mend);
  }
  if (isRoot && !writable(unified === undefined ? `${root}/memory` : root)) {
    return missing('cgroups', `${layout}, read-only`, `mount -o remount,rw ${root}; ${privileged}`);
  }
  return ok('cgroups', `${layout} with memory, cpu, pids`);
};

export const checkForwarding: Check = ({ read, isRoot }): Finding => {
  const file = '/proc/sys/net/ipv4/ip_forward';
  const value = read(file)?.trim();
  if (value === '1') return ok('ip forwarding', 'on');
  if (value === undefined) return missing('ip forwarding', 'not in this kernel', 'boot a kernel with CONFIG_INET');
  if (isRoot && !writable(file)) {
    return missing('ip forwarding', 'off and read-only', 'outside of this container: sysctl -w net.ipv4.ip_forward=1');
  }
  return ok('ip forwarding', 'off; the engine turns it on while networks exist');
};

/** Links are tried in a network namespace of their own, which takes them along when it ends. */
export const checkLinks: Check = tryUnshared({
  name: 'bridge and veth',
  args: ['--net', 'ip', '-batch', '-'],
  input: 'link add br0 type bridge\nlink add va type veth peer name vb\nlink set va master br0\n',
  found: 'can be made',
  mend: 'modprobe bridge veth',
});

/** Everything the engine's rule set uses, checked by the kernel and not kept. */
const ruleSet = `table ip doctor {
  map ports { type inet_proto . inet_service : ipv4_addr . inet_service; flags interval; }
  chain pre { type nat hook prerouting priority dstnat; fib daddr type local meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @ports; }
  chain post { type nat hook postrouting priority srcnat; ct status dnat masquerade; }
  chain forw { type filter hook forward priority filter; ct state established,related accept; }
}
`;

export const checkFirewall: Check = tryUnshared({
  name: 'nftables, conntrack',
  args: ['--net', 'nft', '--file', '-'],
  input: ruleSet,
  found: 'nat, masquerade, fib, maps',
  mend: 'modprobe nf_tables nft_nat nft_masq nft_fib_ipv4 nft_ct nf_conntrack',
});

/** A check that runs a command in new namespaces, as root. */
function tryUnshared(tried: {
  readonly name: string;
  /** Of unshare(1). */
  readonly args: readonly string[];
  readonly input?: string;
  readonly found: string;
  /** What to do where it fails. */
  readonly mend: string;
}): Check {
  const { name, args, input, found, mend } = tried;
  return async (machine) => {
    if (!machine.isRoot) return warning(name, 'not tried', 'run doctor as root to try it');
    const answer = await machine.run('unshare', args, input);
    switch (answer.kind) {
      case 'done':
        return ok(name, found);
      case 'absent':
        return missing(name, 'not tried: no unshare', 'install util-linux');
      case 'failed':
        return missing(name, firstLine(answer.output), answer.output.startsWith('unshare:') ? privileged : mend);
    }
  };
}

export function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
