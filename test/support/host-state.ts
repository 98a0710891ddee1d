import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** Everything an engine could leave on a host, as sorted lines, one list a kind. */
export interface HostState {
  readonly mounts: readonly string[];
  readonly links: readonly string[];
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly namespaces: readonly string[];
  readonly nftables: readonly string[];
  readonly iptables: readonly string[];
  readonly cgroups: readonly string[];
  readonly processes: readonly string[];
  readonly sysctls: readonly string[];
}

/** Reads the whole state from the kernel. Takes some tens of milliseconds. */
export function readHostState(): HostState {
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ').slice(3).join(' '))
      .sort(),
    links: json('ip', ['-json', 'link'])
      .map((link) => text(link, 'ifname'))
      .sort(),
    addresses: run('ip', ['-o', 'addr'])
      .map((line) => line.replace(/valid_lft.*/, ''))
      .sort(),
    routes: run('ip', ['route', 'show', 'table', 'all'])
      .map((line) => line.replace('linkdown', '').trim()) // of a bridge that has no port at this moment
      .sort(),
    namespaces: namespaces(),
    nftables: run('nft', ['-s', 'list', 'ruleset']).map((line) =>
      line.replace(/counter packets \d+ bytes \d+/, 'counter'),
    ),
    iptables: run('iptables-save', []).filter((line) => !line.startsWith('#') && !line.startsWith(':')),
    cgroups: cgroups('/sys/fs/cgroup'),
    processes: processes(),
    sysctls: ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding', 'net.ipv4.conf.all.route_localnet'].map(
      (name) => `${name}=${readIfThere(`/proc/sys/${name.replaceAll('.', '/')}`)}`,
    ),
  };
}

/**
 * The state as soon as `settled` holds for it, or the last one read within `withinMs`: the kernel takes down what was
 * inside a network namespace (both ends of each pair of links) some time after the last process has left it.
 */
export async function hostStateOnce(settled: (state: HostState) => boolean, withinMs = 10_000): Promise<HostState> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const state = readHostState();
    if (settled(state) || performance.now() > deadline) return state;
    await setTimeout(50);
  }
}

function run(tool: string, args: readonly string[]): string[] {
  try {
    return execFileSync(tool, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n');
  } catch {
    return []; // a tool this host lacks has no state to compare
  }
}

function json(tool: string, args: readonly string[]): Readonly<Record<string, unknown>>[] {
  return JSON.parse(run(tool, args).join('\n') || '[]') as Readonly<Record<string, unknown>>[];
}

function text(object: Readonly<Record<string, unknown>>, key: string): string {
  return String(object[key]);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return ''; // the kernel has no such setting
  }
}

const pids = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

function namespaces(): string[] {
  const found = new Set<string>();
  for (const pid of pids()) {
    for (const kind of ['mnt', 'net', 'pid', 'ipc', 'uts', 'cgroup', 'user']) {
      try {
        found.add(readlinkSync(`/proc/${pid}/ns/${kind}`));
      } catch {
        // the process ended meanwhile
      }
    }
  }
  return [...found].sort();
}

function processes(): string[] {
  const found: string[] = [];
  for (const pid of pids()) {
    const words = readIfThere(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    if (words !== '' && !isKernelThread(pid)) found.push(`${pid} ${words}`);
  }
  return found.sort();
}

function isKernelThread(pid: string): boolean {
  return readIfThere(`/proc/${pid}/maps`) === '';
}

function cgroups(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return []; // removed meanwhile
  }
  return names
    .map((name) => join(folder, name))
    .filter((path) => {
      try {
        return statSync(path).isDirectory();
      } catch {
        return false; // removed meanwhile
      }
    })
    .flatMap((path) => [path, ...cgroups(path)])
    .sort();
}

/**
 * Lines that are in `after` and not in `before`, a list a kind; only kinds with a difference. Control groups have no
 * namespace of ours, so other engines' come and go: only those that name `engineId` count.
 */
export function leftBehind(
  before: HostState,
  after: HostState,
  engineId: string,
): Partial<Record<keyof HostState, readonly string[]>> {
  const entries = Object.entries(after) as [keyof HostState, readonly string[]][];
  return Object.fromEntries(
    entries
      .map(([kind, lines]) => [kind, lines.filter((line) => !before[kind].includes(line))] as const)
      .map(
        ([kind, lines]) =>
          [kind, kind === 'cgroups' ? lines.filter((line) => line.includes(engineId)) : lines] as const,
      )
      .filter(([, lines]) => lines.length > 0),
  );
}

/** Lines that are in `before` and no longer in `after`. */
export function takenAway(
  before: HostState,
  after: HostState,
  engineId: string,
): Partial<Record<keyof HostState, readonly string[]>> {
  return leftBehind(after, before, engineId);
}

/** Whether `after` is `before`, neither more nor less; for {@link hostStateOnce}. */
export function isAsBefore(before: HostState, after: HostState, engineId: string): boolean {
  return [leftBehind, takenAway].every((difference) => Object.keys(difference(before, after, engineId)).length === 0);
}
