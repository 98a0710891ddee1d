import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasApparmor } from '../../../../src/engine/oci/index.js';
import type { EngineProcess } from '../../server/engine-process.js';
import type { Run } from '../run.js';
import { allLinesOf, onlyBitsOf, onlyLinesOf, type Rule } from './rule.js';

const image = 'tscompose-conformance:latest';
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
/** Shell: prints those of the commands that succeed. */
const refusals = (commands: readonly string[]): string =>
  commands.map((command) => `sh -c "${command}" >/dev/null 2>&1 && echo "${command}" || :`).join('; ');
const secret = 'hush-4711-never-shown';

/** The default of every container that asks for nothing, and what the engine keeps to itself on the host. */
export const rules: readonly Rule[] = [
  {
    section: 'Capabilities',
    rule: 'Root holds fourteen: AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, MKNOD, NET_BIND_SERVICE, NET_RAW, SETFCAP, SETGID, SETPCAP, SETUID, SYS_CHROOT. Nothing is inherited or ambient.',
    entry: { script: 'grep ^Cap /proc/self/status | tr -s "\\t" " " | sort' },
    expected:
      'CapAmb: 0000000000000000\nCapBnd: 00000000a80425fb\nCapEff: 00000000a80425fb\nCapInh: 0000000000000000\nCapPrm: 00000000a80425fb',
    notLaxerThan: onlyBitsOf,
  },
  {
    section: 'Capabilities',
    rule: 'A user who is not root holds none, and may only raise one of the fourteen through a set-uid program.',
    entry: { service: { user: 'app' }, script: 'grep ^Cap /proc/self/status | tr -s "\\t" " " | sort' },
    expected:
      'CapAmb: 0000000000000000\nCapBnd: 00000000a80425fb\nCapEff: 0000000000000000\nCapInh: 0000000000000000\nCapPrm: 0000000000000000',
    notLaxerThan: onlyBitsOf,
  },
  {
    section: 'Capabilities',
    rule: 'An exec has no more than the container.',
    entry: {
      script: 'while :; do sleep 1; done',
      act: async (run: Run): Promise<string> => {
        await run.up();
        return await run.exec('check', 'grep -E "^Cap(Bnd|Eff)|^Seccomp:" /proc/self/status | tr -s "\\t" " " | sort');
      },
    },
    expected: 'CapBnd: 00000000a80425fb\nCapEff: 00000000a80425fb\nSeccomp: 2',
  },
  {
    section: 'System calls',
    rule: 'A filter is in place (seccomp mode 2); the profile is `runtime/seccomp.json`.',
    entry: { script: 'grep -E "^Seccomp:" /proc/self/status | tr -s "\\t" " "' },
    expected: 'Seccomp: 2',
  },
  {
    section: 'System calls',
    rule: 'Mounting, making namespaces, setting the clock, reading the kernel log, swapping and rebooting are refused to root.',
    entry: {
      script:
        refusals([
          'mount -t tmpfs x /tmp',
          'umount /proc',
          'unshare -U true',
          'unshare -m true',
          'unshare -n true',
          'dmesg',
          'swapoff /dev/zero',
          'hostname other',
          'ip link add x type dummy',
          'chroot / mount -o remount,rw /sys',
        ]) + '; date -s 2001-01-01 2>&1 | grep -q permitted || echo clock',
    },
    expected: '',
    notLaxerThan: onlyLinesOf,
  },
  {
    section: 'System calls',
    rule: '`no-new-privileges` is off, since programs such as `su` need set-uid, and on with `security_opt: [no-new-privileges]`.',
    entry: {
      service: { security_opt: ['no-new-privileges'] },
      script: 'grep ^NoNewPrivs /proc/self/status | tr -s "\\t" " "',
    },
    expected: 'NoNewPrivs: 1',
  },
  {
    section: 'Access control',
    rule: 'Where the host has AppArmor, a container and what is executed in it are in the profile `tscompose-default`.',
    entry: {
      script: 'while :; do sleep 1; done',
      act: async (run: Run): Promise<string> => {
        await run.up();
        return await run.exec('check', 'cat /proc/1/attr/current /proc/self/attr/current 2>/dev/null; :');
      },
    },
    expected: hasApparmor() ? 'tscompose-default (enforce)\ntscompose-default (enforce)' : /^(?![^]*-default)/,
    notLaxerThan: (ours, theirs) => ours.includes('-default') || !theirs.includes('-default'),
  },
  {
    section: 'Access control',
    rule: 'In that profile nothing can be mounted, whatever capabilities are given.',
    entry: {
      service: { cap_add: ['SYS_ADMIN'] },
      script: 'mkdir /m; mount -t tmpfs x /m 2>/dev/null && echo mounted; :',
    },
    expected: hasApparmor() ? '' : 'mounted',
    notLaxerThan: onlyLinesOf,
  },
  {
    section: 'Paths of the kernel',
    rule: 'Masked, where the kernel has them: /proc/acpi, asound, interrupts, kcore, keys, latency_stats, sched_debug, scsi, timer_list, timer_stats, /sys/firmware, /sys/devices/virtual/powercap.',
    entry: {
      script:
        'for p in /proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug /proc/scsi /proc/timer_list /proc/timer_stats /sys/firmware /sys/devices/virtual/powercap; do if [ -d $p ]; then [ -z "$(ls -A $p)" ] || echo $p; elif [ -e $p ]; then [ "$(head -c 1 $p 2>/dev/null | wc -c)" = 0 ] || echo $p; fi; done',
    },
    expected: '',
    notLaxerThan: onlyLinesOf,
  },
  {
    section: 'Paths of the kernel',
    rule: 'Every mount over a part of /proc or /sys that a dockerd makes is made here, too.',
    entry: { script: 'cut -d" " -f2 /proc/mounts | grep -E "^/(proc|sys)/" | grep -v /sys/fs/cgroup | sort' },
    expected: /\/proc\/keys[^]*\/proc\/sys/,
    notLaxerThan: allLinesOf,
  },
  {
    section: 'Paths of the kernel',
    rule: '/proc/bus, fs, irq, sys and sysrq-trigger, all of /sys and the control groups are read-only.',
    entry: {
      script: refusals([
        'echo 1 >/proc/sys/kernel/panic',
        'echo h >/proc/sysrq-trigger',
        'echo 1 >/proc/irq/default_smp_affinity',
        'mkdir /sys/fs/cgroup/memory/x',
        'echo 1 >/sys/kernel/uevent_helper',
        'touch /proc/fs/x /proc/bus/x',
      ]),
    },
    expected: '',
    notLaxerThan: onlyLinesOf,
  },
  {
    section: 'Devices',
    rule: '/dev holds full, null, random, tty, urandom and zero, links to the streams (and to the masked core), a pts of its own, shm and mqueue.',
    entry: { script: 'ls -1 /dev | grep -v "^core$"' },
    expected: 'fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero',
    notLaxerThan: onlyLinesOf,
  },
  {
    section: 'Devices',
    rule: 'The node of another device can be made, as with Docker, and not be opened: memory, kernel log, disks, FUSE.',
    entry: {
      script:
        'for d in "c 1 1" "c 1 2" "c 1 11" "b 7 0" "b 254 0" "c 10 229" "c 5 3"; do rm -f /tmp/d; mknod /tmp/d $d || echo "cannot make $d"; head -c 1 /tmp/d >/dev/null 2>&1 && echo "opened $d"; done; :',
    },
    expected: '',
    notLaxerThan: onlyLinesOf,
  },
  {
    section: 'Devices',
    rule: '/dev/shm, /dev/mqueue and tmpfs mounts take no devices and no set-uid programs, and execute nothing.',
    entry: {
      service: { tmpfs: '/quick' },
      script: 'grep -E " /(dev/shm|dev/mqueue|quick) " /proc/mounts | grep -v nosuid,nodev,noexec',
    },
    expected: '',
  },
  {
    section: 'Namespaces',
    rule: 'Its own are mount, pid, network, ipc, uts and control group; user and time are those of the host.',
    host: async (_engine: EngineProcess, run: Run): Promise<string> => {
      await run.up();
      const kinds = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'];
      const inside = (await run.exec('check', kinds.map((kind) => `readlink /proc/1/ns/${kind}`).join('; '))).split(
        '\n',
      );
      return kinds.filter((kind, index) => inside[index] !== readlinkSync(`/proc/self/ns/${kind}`)).join(' ');
    },
    entry: { script: 'while :; do sleep 1; done' },
    expected: 'cgroup ipc mnt net pid uts',
    notLaxerThan: 'none',
  },
  {
    section: 'Namespaces',
    rule: 'It sees no process but its own, and itself as the root of the control groups.',
    entry: { script: 'ls -d /proc/[0-9]* | wc -l; grep -vc ":/$" /proc/self/cgroup' },
    expected: /^[1-4]\n0$/,
    notLaxerThan: (ours, theirs) => Number(ours.split('\n')[1]) <= Number(theirs.split('\n')[1]),
  },
  {
    section: 'Files of the host',
    rule: 'Nothing of the host is mounted but its own /etc/hosts, hostname and resolv.conf; above all no socket of an engine.',
    entry: {
      script:
        'cut -d" " -f5 /proc/self/mountinfo | grep -vE "^/(proc|sys|dev)(/|$)" | sort; find / -xdev -type s 2>/dev/null',
    },
    expected: '/\n/etc/hostname\n/etc/hosts\n/etc/resolv.conf',
  },
  {
    section: 'Network',
    rule: 'A port that is not published is not reachable from another network, nor at an address of the host.',
    entry: {
      service: { networks: ['one'] },
      project: {
        services: {
          other: {
            image,
            command: ['nc', '-ll', '-p', '28741', '-e', 'echo', 'served'],
            networks: { two: { ipv4_address: '10.214.11.50' } },
          },
        },
        networks: {
          one: { ipam: { config: [{ subnet: '10.214.10.0/24' }] } },
          two: { ipam: { config: [{ subnet: '10.214.11.0/24' }] } },
        },
      },
      script:
        'sleep 0.3; for to in "10.214.11.50 28741" "10.214.10.1 28741" "10.214.11.1 28741"; do nc -w 1 $to </dev/null 2>/dev/null; done; :',
    },
    expected: '',
  },
  {
    section: 'Network',
    rule: 'A port published on 127.0.0.1 is not reachable at another address of the host.',
    entry: {
      service: { networks: ['one'] },
      project: {
        services: {
          other: {
            image,
            command: ['nc', '-ll', '-p', '7000', '-e', 'echo', 'served'],
            networks: ['two'],
            ports: ['127.0.0.1:28742:7000'],
          },
        },
        networks: {
          one: { ipam: { config: [{ subnet: '10.214.12.0/24' }] } },
          two: { ipam: { config: [{ subnet: '10.214.13.0/24' }] } },
        },
      },
      script: 'sleep 0.3; for to in 10.214.12.1 10.214.13.1; do nc -w 1 $to 28742 </dev/null 2>/dev/null; done; :',
    },
    expected: '',
  },
  {
    section: 'Network',
    rule: 'The host’s own loopback is not reachable, whatever address a packet carries.',
    entry: {
      service: { networks: ['one'] },
      project: { networks: { one: { ipam: { config: [{ subnet: '10.214.14.0/24' }] } } } },
      script: 'ip route add 127.0.0.9/32 via 10.214.14.1 2>/dev/null && echo routed; :',
    },
    expected: '',
  },
  {
    section: 'Network',
    rule: 'The engine itself listens at its socket only, until a container has a name server or a published port.',
    host: (engine): Promise<string> => Promise.resolve(listeningSockets(engine.pid).join('\n')),
    expected: '',
    notLaxerThan: 'none',
  },
  {
    section: 'Secrets',
    rule: 'The content of a secret is in the container alone: not in inspect, events, logs, the engine’s log, or an argument of any process.',
    host: async (engine: EngineProcess, run: Run): Promise<string> => {
      await run.up();
      const id = await run.container('check');
      const shown: Readonly<Record<string, string>> = {
        inspect: JSON.stringify(await run.client.containers.inspect(id, soon())),
        list: JSON.stringify(await run.client.containers.list({ all: true }, soon())),
        'engine log': engine.log(),
        arguments: commandLines(),
        record: readFileSync(join(engine.dataRoot, 'containers', id, 'container.json'), 'utf8'),
      };
      const inside = await run.exec('check', 'cat /run/secrets/token');
      const leaks = Object.entries(shown).filter(([, text]) => text.includes(secret));
      return `${inside === secret ? 'inside' : `missing inside: ${inside}`}${leaks.map(([where]) => `, ${where}`).join('')}`;
    },
    entry: {
      service: { secrets: ['token'] },
      project: { secrets: { token: { environment: 'CONFORMANCE_SECRET' } } },
      script: 'while :; do sleep 1; done',
    },
    expected: 'inside',
    notLaxerThan: 'none',
  },
  {
    section: 'Files of the engine',
    rule: 'The socket is 0600: only the engine’s user may ask it for anything.',
    host: (engine): Promise<string> => Promise.resolve((statSync(engine.socket).mode & 0o777).toString(8)),
    expected: '600',
    notLaxerThan: 'none',
  },
  {
    section: 'Files of the engine',
    rule: 'Data and run-time folders may be passed through and not be listed (0711); records, logs and sockets in them are for the owner alone.',
    host: async (engine: EngineProcess, run: Run): Promise<string> => {
      await run.up();
      const id = await run.container('check');
      const { dataRoot, runtimeDir } = engine;
      const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
      const open = (path: string): boolean => (statSync(path).mode & 0o077) !== 0;
      const kept = ['container.json', 'log'].map((name) => join(dataRoot, 'containers', id, name));
      return [mode(dataRoot), mode(runtimeDir), ...kept.filter(open)].join('\n');
    },
    entry: { script: 'while :; do sleep 1; done' },
    expected: '711\n711',
    notLaxerThan: 'none',
  },
  {
    section: 'Files of the engine',
    rule: 'Nothing in them can be written by others, but what an image says.',
    host: (engine): Promise<string> =>
      Promise.resolve([...writableByOthers(engine.dataRoot), ...writableByOthers(engine.runtimeDir)].join('\n')),
    expected: '',
    notLaxerThan: 'none',
  },
];

/** Inodes of listening TCP and bound UDP sockets of a process. */
function listeningSockets(pid: number): string[] {
  const own = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)));
  return ['tcp', 'tcp6', 'udp', 'udp6'].flatMap((kind) =>
    readFileSync(`/proc/${pid}/net/${kind}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => (kind.startsWith('udp') || fields[3] === '0A') && own.has(`socket:[${fields[9] ?? ''}]`))
      .map((fields) => `${kind} ${fields[1] ?? ''}`),
  );
}

function commandLines(): string {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => textOf(`/proc/${pid}/cmdline`)).join('\n');
}

/** Files of the engine, leaving out root file systems of images and containers, and volumes. */
function writableByOthers(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (['layers', 'upper', 'merged', 'volumes', 'u', 'shm', '.init', 'work'].includes(entry.name)) return [];
    if (entry.isDirectory()) return writableByOthers(path);
    return entry.isFile() && (statSync(path).mode & 0o022) !== 0 ? [path] : [];
  });
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // ended meanwhile
  }
}
