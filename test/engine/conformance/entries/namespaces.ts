import { readlinkSync } from 'node:fs';
import type { Entry } from '../entry.js';
import type { Run } from '../run.js';

const idle = { image: 'tscompose-conformance:latest', network_mode: 'none', command: ['sleep', '600'] };
const same = (kind: string) => `readlink /proc/self/ns/${kind}`;
/** Of the engine under test, which runs in the namespaces that we run in; a dockerd may run in others. */
const host = (kind: string) => readlinkSync(`/proc/self/ns/${kind}`);
const elsewhere = 'it runs in the namespaces of the machine, these tests in some of their own';

const joining = (
  kind: 'ipc' | 'pid' | 'net',
  attribute: string,
  field: Entry['fields'][number],
  donor: object = {},
): Entry[] => [
  {
    attribute,
    fields: [field],
    effect: 'service:NAME is the namespace of that service',
    service: { [attribute]: 'service:donor' },
    project: { services: { donor: { ...idle, ...donor } } },
    script: same(kind),
    act: async (run: Run): Promise<string> => {
      await run.up();
      const mine = await run.outputOf('check');
      return mine === (await run.exec('donor', same(kind))) ? 'same' : 'other';
    },
    expected: 'same',
  },
  {
    attribute,
    fields: [field],
    effect: 'container:NAME is the namespace of that container',
    service: { [attribute]: 'container:tscconf-donor' },
    script: same(kind),
    act: async (run: Run): Promise<string> => {
      const hostConfig: object = 'ipc' in donor ? { IpcMode: donor.ipc } : {};
      const id = await run.create({ Cmd: ['sleep', '600'], HostConfig: hostConfig }, 'tscconf-donor');
      await run.client.containers.start(id, AbortSignal.timeout(30_000));
      await run.up();
      const mine = await run.outputOf('check');
      return mine === (await run.execIn(id, same(kind))) ? 'same' : 'other';
    },
    expected: 'same',
  },
];

/** Namespaces of its own, of the host, and of others (Compose file, "Isolation and limits"). */
export const namespaces: readonly Entry[] = [
  ...joining('ipc', 'ipc', 'HostConfig.IpcMode', { ipc: 'shareable' }),
  ...joining('pid', 'pid', 'HostConfig.PidMode'),
  ...joining('net', 'network_mode', 'HostConfig.NetworkMode'),
  {
    attribute: 'ipc',
    fields: ['HostConfig.IpcMode'],
    effect: 'shareable has a /dev/shm that those who join see',
    service: { ipc: 'service:donor' },
    project: {
      services: {
        donor: { ...idle, ipc: 'shareable', shm_size: '4m', command: ['sh', '-c', 'echo x >/dev/shm/file; sleep 600'] },
      },
    },
    script:
      'while [ ! -s /dev/shm/file ]; do sleep 0.05; done; cat /dev/shm/file; df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2',
    expected: 'x\n4096',
  },
  {
    attribute: 'ipc',
    fields: ['HostConfig.IpcMode'],
    effect: 'private cannot be joined',
    service: { ipc: 'service:donor' },
    project: { services: { donor: { ...idle, ipc: 'private' } } },
    script: 'true',
    expected: /refused: .*non-shareable IPC \(hint: use IpcMode:shareable for the donor container\)/,
  },
  {
    attribute: 'ipc',
    fields: ['HostConfig.IpcMode'],
    effect: 'none has no /dev/shm',
    service: { ipc: 'none' },
    script: 'grep -c " /dev/shm " /proc/mounts; ls -d /dev/shm 2>/dev/null',
    expected: '0',
  },
  {
    attribute: 'ipc',
    fields: ['HostConfig.IpcMode'],
    effect: 'host is the namespace of the host',
    service: { ipc: 'host' },
    script: same('ipc'),
    expected: host('ipc'),
    peer: { expected: /^ipc:/, because: elsewhere },
  },
  {
    attribute: 'pid',
    fields: ['HostConfig.PidMode'],
    effect: 'without it its own process is the first',
    script: 'echo $$; ls -d /proc/[0-9]* | grep -c .',
    expected: /^1\n[1-4]$/,
  },
  {
    attribute: 'pid',
    fields: ['HostConfig.PidMode'],
    effect: 'host shows the processes of the host',
    service: { pid: 'host' },
    script: same('pid'),
    expected: host('pid'),
    peer: { expected: /^pid:/, because: elsewhere },
  },
  {
    attribute: 'uts',
    fields: ['HostConfig.UTSMode'],
    effect: 'host has the name of the host',
    service: { uts: 'host' },
    script: same('uts'),
    expected: host('uts'),
    peer: { expected: /^uts:/, because: elsewhere },
  },
  {
    attribute: 'uts',
    fields: ['HostConfig.UTSMode', 'Hostname'],
    effect: 'host takes no other name',
    service: { uts: 'host', hostname: 'other' },
    script: 'true',
    expected: /refused: .*conflicting options: hostname and the UTS mode/,
  },
  {
    attribute: 'network_mode',
    fields: ['HostConfig.NetworkMode'],
    effect: 'host is the namespace of the host',
    service: { network_mode: 'host' },
    script: same('net'),
    expected: host('net'),
    peer: { expected: /^net:/, because: elsewhere },
  },
  {
    attribute: 'network_mode',
    fields: ['HostConfig.NetworkMode'],
    effect: 'service:NAME shares its addresses, names and files',
    service: { network_mode: 'service:donor' },
    project: {
      services: { donor: { ...idle, network_mode: 'bridge', hostname: 'donor', extra_hosts: ['extra:10.9.8.7'] } },
    },
    script: 'hostname; grep -c extra /etc/hosts; cat /etc/hostname; [ -d /sys/class/net/eth0 ] && echo eth0',
    expected: 'donor\n1\ndonor\neth0',
  },
  {
    attribute: 'cgroup',
    fields: ['HostConfig.CgroupnsMode'],
    effect: 'private sees itself as the root',
    service: { cgroup: 'private' },
    script: 'grep -v ":/$" /proc/self/cgroup | wc -l',
    expected: '0',
  },
  {
    attribute: 'cgroup',
    fields: ['HostConfig.CgroupnsMode'],
    effect: 'host sees where it is',
    service: { cgroup: 'host' },
    script: 'grep -v ":/$" /proc/self/cgroup | grep -c . | grep -v "^0" >/dev/null && echo seen',
    expected: 'seen',
  },
  {
    attribute: 'userns_mode',
    fields: ['HostConfig.UsernsMode'],
    effect: 'host is that of the engine',
    service: { userns_mode: 'host' },
    script: `${same('user')}; cat /proc/self/uid_map | tr -s " "`,
    expected: `${host('user')}\n 0 0 4294967295`,
  },
  {
    attribute: 'userns_mode',
    fields: ['HostConfig.UsernsMode'],
    effect: 'any other changes nothing without a mapping of the engine',
    service: { userns_mode: 'keep-id' },
    script: same('user'),
    expected: host('user'),
  },
];
