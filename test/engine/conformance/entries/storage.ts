import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../entry.js';
import type { Run } from '../run.js';

const image = 'tscompose-conformance:latest';
const optionsOf = (path: string) => `grep " ${path} " /proc/self/mountinfo | tail -1 | cut -d" " -f6`;

/** Mounts, volumes, files (Compose file, "Storage"). */
export const storage: readonly Entry[] = [
  {
    attribute: 'volumes',
    fields: ['HostConfig.Binds'],
    effect: 'a path is that folder of the host, to write',
    service: { volumes: ['./data:/mnt/data'] },
    files: { 'data/file': 'host\n' },
    script: 'cat /mnt/data/file; echo container >/mnt/data/new',
    act: async (run: Run): Promise<string> => {
      await run.up();
      const output = await run.outputOf('check');
      return `${output}\n${existsSync(join(run.folder, 'data/new')) ? 'written' : 'lost'}`;
    },
    expected: 'host\nwritten',
  },
  {
    attribute: 'volumes',
    fields: ['HostConfig.Binds'],
    effect: 'ro cannot be written, nor what is mounted below',
    service: { volumes: ['./data:/mnt/data:ro'] },
    files: { 'data/file': 'host\n' },
    script: 'touch /mnt/data/new 2>&1 | grep -o "Read-only file system"',
    expected: 'Read-only file system',
  },
  {
    attribute: 'volumes',
    fields: ['HostConfig.Binds'],
    effect: 'a file can be mounted on a file',
    service: { volumes: ['./hello:/etc/hello'] },
    files: { hello: 'hello\n' },
    script: 'cat /etc/hello',
    expected: 'hello',
  },
  {
    attribute: 'volumes',
    fields: ['HostConfig.Binds'],
    effect: 'z and Z ask for a label, and change nothing where there are none',
    service: { volumes: ['./data:/mnt/data:z'] },
    files: { 'data/file': 'host\n' },
    script: 'cat /mnt/data/file',
    expected: 'host',
  },
  {
    attribute: 'volumes[].bind.create_host_path',
    fields: ['HostConfig.Binds', 'HostConfig.Mounts'],
    effect: 'makes a missing folder',
    service: { volumes: ['./absent:/mnt/data'] },
    script: 'ls -ld /mnt/data | cut -c1-10',
    act: async (run: Run): Promise<string> => {
      await run.up();
      const output = await run.outputOf('check');
      return `${output} ${statSync(join(run.folder, 'absent')).isDirectory() ? 'made' : ''}`;
    },
    expected: 'drwxr-xr-x made',
  },
  {
    attribute: 'volumes[].bind.create_host_path',
    fields: ['HostConfig.Mounts'],
    effect: 'false refuses a missing folder',
    service: {
      volumes: [{ type: 'bind', source: './absent', target: '/mnt/data', bind: { create_host_path: false } }],
    },
    script: 'true',
    expected: /refused: .*its mount .* does not exist/,
  },
  {
    attribute: 'volumes[].bind.propagation',
    fields: ['HostConfig.Binds', 'HostConfig.Mounts'],
    effect: 'rslave is refused where the host shares nothing',
    service: {
      volumes: [{ type: 'bind', source: './data', target: '/mnt/data', bind: { propagation: 'rslave' } }],
    },
    files: { 'data/file': 'host\n' },
    script: 'true',
    expected: /refused: .* is mounted on .* but it is not a shared or slave mount/,
    missing: () =>
      / \/tmp .*shared:| \/ .* shared:/.test(readFileSync('/proc/self/mountinfo', 'utf8'))
        ? 'private mounts'
        : undefined,
  },
  {
    attribute: 'volumes[].bind.propagation',
    fields: ['HostConfig.Mounts'],
    effect: 'rprivate is the default',
    service: { volumes: ['./data:/mnt/data'] },
    files: { 'data/file': 'host\n' },
    script: 'grep " /mnt/data " /proc/self/mountinfo | grep -cE "shared:|master:"',
    expected: '0',
  },
  {
    attribute: 'volumes[].bind.recursive',
    fields: ['HostConfig.Mounts'],
    effect: 'disabled leaves out what is mounted below',
    service: { volumes: [{ type: 'bind', source: '/sys', target: '/mnt/sys', bind: { recursive: 'disabled' } }] },
    script: 'grep -c " /mnt/sys/" /proc/self/mountinfo',
    expected: '0',
  },
  {
    attribute: 'volumes[].bind.selinux',
    fields: ['HostConfig.Binds'],
    effect: 'is taken, and changes nothing where there are no labels',
    service: { volumes: [{ type: 'bind', source: './data', target: '/mnt/data', bind: { selinux: 'z' } }] },
    files: { 'data/file': 'host\n' },
    script: 'cat /mnt/data/file',
    expected: 'host',
  },
  {
    attribute: 'volumes',
    fields: ['HostConfig.Binds', 'HostConfig.Mounts', 'Volumes'],
    effect: 'a named one begins with what the image has there, owners and modes kept',
    service: { volumes: ['named:/seeded'] },
    project: { volumes: { named: {} } },
    script: 'cat /seeded/file /seeded/sub/inner; stat -c "%u %g %a" /seeded /seeded/file',
    expected: 'seed\ninner\n1000 1001 750\n1000 1001 644',
  },
  {
    attribute: 'volumes[].volume.nocopy',
    fields: ['HostConfig.Mounts', 'HostConfig.Binds'],
    effect: 'leaves it empty',
    service: { volumes: [{ type: 'volume', source: 'named', target: '/seeded', volume: { nocopy: true } }] },
    project: { volumes: { named: {} } },
    script: 'ls -A /seeded | wc -l',
    expected: '0',
  },
  {
    attribute: 'volumes',
    fields: ['Volumes', 'HostConfig.Mounts'],
    effect: 'one without a name is new for the container',
    service: { volumes: ['/seeded'] },
    script: 'cat /seeded/file; grep -c " /seeded " /proc/self/mountinfo',
    expected: 'seed\n1',
  },
  {
    attribute: 'volumes[].read_only',
    fields: ['HostConfig.Mounts'],
    effect: 'cannot be written',
    service: { volumes: [{ type: 'volume', source: 'named', target: '/seeded', read_only: true }] },
    project: { volumes: { named: {} } },
    script: 'cat /seeded/file; touch /seeded/x 2>&1 | grep -o "Read-only file system"',
    expected: 'seed\nRead-only file system',
  },
  {
    attribute: 'volumes[].volume.subpath',
    fields: ['HostConfig.Mounts'],
    effect: 'is a folder of the volume',
    service: {
      volumes: [{ type: 'volume', source: 'named', target: '/part', volume: { subpath: 'sub' } }],
      depends_on: { seed: { condition: 'service_completed_successfully' } },
    },
    project: {
      services: { seed: { image, network_mode: 'none', volumes: ['named:/seeded'], command: ['true'] } },
      volumes: { named: {} },
    },
    script: 'cat /part/inner',
    expected: 'inner',
  },
  {
    attribute: 'volumes[].volume.subpath',
    fields: ['HostConfig.Mounts'],
    effect: 'may not lead out of the volume',
    service: { volumes: [{ type: 'volume', source: 'named', target: '/part', volume: { subpath: '../..' } }] },
    project: { volumes: { named: {} } },
    script: 'true',
    expected: /refused: /,
  },
  {
    attribute: 'volumes[].type',
    fields: ['HostConfig.Mounts'],
    effect: 'image is the files of an image, read-only',
    service: { volumes: [{ type: 'image', source: image, target: '/other', image: { subpath: 'seeded' } }] },
    script: 'cat /other/file; touch /other/x 2>&1 | grep -o "Read-only file system"',
    expected: 'seed\nRead-only file system',
    peer: { expected: /refused: .*mount type unknown|refused: .*image/, because: 'it is older than the mount type' },
  },
  {
    attribute: 'volumes[].tmpfs',
    fields: ['HostConfig.Mounts'],
    effect: 'has its size and mode',
    service: { volumes: [{ type: 'tmpfs', target: '/quick', tmpfs: { size: '2m', mode: 0o1700 } }] },
    script: 'df -k /quick | tail -1 | tr -s " " | cut -d" " -f2; stat -c %a /quick',
    expected: '2048\n1700',
  },
  {
    attribute: 'tmpfs',
    fields: ['HostConfig.Tmpfs'],
    effect: 'may not be executed, nor hold devices or set-uid programs',
    service: { tmpfs: '/quick' },
    script: `${optionsOf('/quick')}; stat -c %a /quick`,
    expected: 'rw,nosuid,nodev,noexec,relatime\n1777',
  },
  {
    attribute: 'tmpfs',
    fields: ['HostConfig.Tmpfs'],
    effect: 'takes mount options',
    service: { tmpfs: ['/quick:size=1m,mode=700,uid=1000,exec'] },
    script: `${optionsOf('/quick')}; df -k /quick | tail -1 | tr -s " " | cut -d" " -f2; stat -c "%a %u" /quick`,
    expected: 'rw,nosuid,nodev,relatime\n1024\n700 1000',
  },
  {
    attribute: 'read_only',
    fields: ['HostConfig.ReadonlyRootfs'],
    effect: 'the root cannot be written, a tmpfs and /dev/shm can',
    service: { read_only: true, tmpfs: ['/run'] },
    script:
      'touch /x 2>&1 | grep -o "Read-only file system"; touch /run/x /dev/shm/x && echo written; touch /etc/hosts 2>&1 | grep -o "Read-only file system"',
    expected: 'Read-only file system\nwritten\nRead-only file system',
  },
  {
    attribute: 'volumes_from',
    fields: ['HostConfig.VolumesFrom'],
    effect: 'has the mounts of another service',
    service: { volumes_from: ['other'] },
    project: {
      services: {
        other: { image, network_mode: 'none', volumes: ['named:/seeded', './data:/mnt/data:ro'], command: ['true'] },
      },
      volumes: { named: {} },
    },
    files: { 'data/file': 'host\n' },
    script:
      'cat /seeded/file /mnt/data/file; touch /seeded/x && echo written; touch /mnt/data/x 2>/dev/null || echo denied',
    expected: 'seed\nhost\nwritten\ndenied',
  },
  {
    attribute: 'volumes_from',
    fields: ['HostConfig.VolumesFrom'],
    effect: ':ro has them read-only',
    service: { volumes_from: ['other:ro'] },
    project: {
      services: { other: { image, network_mode: 'none', volumes: ['named:/seeded'], command: ['true'] } },
      volumes: { named: {} },
    },
    script: 'cat /seeded/file; touch /seeded/x 2>/dev/null || echo denied',
    expected: 'seed\ndenied',
  },
  {
    attribute: 'volumes.*.driver_opts',
    fields: ['HostConfig.VolumeDriver'],
    effect: 'a volume can be a tmpfs with a size',
    service: { volumes: ['quick:/quick'] },
    project: {
      volumes: { quick: { driver: 'local', driver_opts: { type: 'tmpfs', device: 'tmpfs', o: 'size=3m,mode=1770' } } },
    },
    script: 'df -k /quick | tail -1 | tr -s " " | cut -d" " -f2; grep " /quick " /proc/mounts | cut -d" " -f3',
    expected: '3072\ntmpfs',
  },
  {
    attribute: 'volumes.*.driver_opts',
    fields: ['HostConfig.VolumeDriver'],
    effect: 'a volume can be a folder of the host',
    service: { volumes: ['bound:/bound'] },
    project: { volumes: { bound: { driver: 'local', driver_opts: { type: 'none', o: 'bind', device: './data' } } } },
    files: { 'data/file': 'host\n' },
    script: 'cat /bound/file',
    expected: 'host',
  },
  {
    attribute: 'secrets',
    fields: ['HostConfig.Binds', 'HostConfig.Mounts'],
    effect: 'a file is at /run/secrets, read-only',
    service: { secrets: ['token'] },
    project: { secrets: { token: { file: './token.txt' } } },
    files: { 'token.txt': 'hush\n' },
    script: 'cat /run/secrets/token; touch /run/secrets/token 2>/dev/null || echo denied',
    expected: 'hush\ndenied',
  },
  {
    attribute: 'secrets',
    fields: [],
    effect: 'from the environment has uid, gid and mode',
    service: { secrets: [{ source: 'token', target: 'named', uid: '1000', gid: '1001', mode: 0o440 }] },
    project: { secrets: { token: { environment: 'FROM_SHELL' } } },
    script: 'cat /run/secrets/named; echo; stat -c "%u %g %a" /run/secrets/named',
    expected: 'shell\n1000 1001 440',
  },
  {
    attribute: 'configs',
    fields: [],
    effect: 'content is a file at the target, with uid, gid and mode',
    service: { configs: [{ source: 'conf', target: '/etc/app.conf', uid: '1000', gid: '1001', mode: 0o400 }] },
    project: { configs: { conf: { content: 'key=value\n' } } },
    script: 'cat /etc/app.conf; stat -c "%u %g %a" /etc/app.conf',
    expected: 'key=value\n1000 1001 400',
  },
  {
    attribute: 'configs',
    fields: ['HostConfig.Binds', 'HostConfig.Mounts'],
    effect: 'a file is at /NAME by default',
    service: { configs: ['conf'] },
    project: { configs: { conf: { file: './conf.txt' } } },
    files: { 'conf.txt': 'from file\n' },
    script: 'cat /conf',
    expected: 'from file',
  },
];
