import { expect, test } from 'vitest';
import type { LoadOptions } from '../../../src/compose/index.js';
import { failure, type Files } from './load-text.js';

interface Case {
  readonly title: string;
  readonly files: Files | string;
  readonly options?: Partial<LoadOptions>;
}

const web = (body: string): string => `services:\n  web:\n    image: nginx\n${body.replace(/^(?=.)/gm, '    ')}\n`;

const cases: readonly Case[] = [
  // Files
  { title: 'no file anywhere', files: {} },
  { title: 'a named file is missing', files: {}, options: { files: ['gone.yaml'] } },
  { title: 'a named file is a folder', files: { 'sub/x': '' }, options: { files: ['sub'] } },
  { title: 'COMPOSE_FILE names a missing file', files: {}, options: { environment: { COMPOSE_FILE: 'gone.yaml' } } },
  { title: 'an empty file', files: '# nothing\n' },
  { title: 'a list at the top', files: '- a\n- b\n' },
  { title: 'a file of the first format', files: 'web:\n  image: nginx\n  ports: ["80:80"]\n' },
  { title: 'a name that is none, by flag', files: web(''), options: { projectName: 'Not A Name' } },
  { title: 'a name nothing is left of', files: `name: "!!!"\n${web('')}` },
  // YAML
  { title: 'a tab', files: 'services:\n\tweb: {}\n' },
  { title: 'two mappings on a line', files: 'services:\n  web: image: nginx\n' },
  {
    title: 'a value with braces and no quotes, told once',
    files: 'services: {web: {image: a, command: sh -c "x $Y{Z}"}}}\n',
  },
  { title: 'bad indentation', files: 'services:\n  web:\n    image: nginx\n   tty: true\n' },
  { title: 'an open quote', files: 'services:\n  web:\n    image: "nginx\n' },
  { title: 'a duplicate key', files: web('image: other') },
  { title: 'a key that is no text', files: web('environment: {1: a}') },
  { title: 'an unknown anchor', files: web('labels: *nothing') },
  { title: 'an anchor within itself', files: 'services:\n  web: &web\n    image: nginx\n    x-self: *web\n' },
  { title: 'a reserved character', files: web('user: @root') },
  { title: 'a number without end', files: `x-limit: .inf\n${web('cpus: .nan')}` },
  {
    title: 'a service of another file that is none',
    files: {
      'compose.yaml': 'services: {web: {image: a, extends: {file: b.yaml, service: b}}}',
      'b.yaml': 'services: {b: no}',
    },
  },
  { title: 'an env file without a name', files: web('env_file: ["${NONE}"]') },
  // Keys and types
  { title: 'an unknown key, with its neighbour', files: web('prots: ["80:80"]') },
  { title: 'an unknown key far from any', files: web('frobnicate: 1') },
  { title: 'an unknown top-level key', files: `${web('')}volums: {}\n` },
  { title: 'an unknown key deep down', files: web('healthcheck:\n  intervall: 5s') },
  { title: 'a list is wanted', files: web('ports: web') },
  { title: 'a mapping is wanted', files: 'services: [web]\n' },
  { title: 'text is wanted', files: web('hostname: [a]') },
  { title: 'true or false is wanted', files: web('tty: maybe') },
  { title: 'a whole number is wanted', files: web('scale: some') },
  { title: 'a service without content', files: 'services:\n  web:\n' },
  { title: 'one of several words is wanted', files: web('depends_on: {web: {condition: service_up}}') },
  { title: 'a required key is missing', files: web('volumes: [{source: a, target: /a}]') },
  { title: 'a date among texts', files: web('command: [--since, 2020-01-01]\nlabels: [2020-01-01]\nuser: 2020-01-01') },
  { title: 'a date among names', files: web('networks: [2020-01-01]\nenv_file: [2020-01-01]') },
  { title: 'an item twice', files: web('group_add: [a, a]') },
  { title: 'a name that is not allowed', files: 'services:\n  "my web": {image: a}\n' },
  { title: 'a port that is none', files: web('ports: ["80:http"]') },
  { title: 'port 0 of a container', files: web('ports: ["80:0"]') },
  { title: 'an IPv6 address without brackets', files: web('ports: ["::1:80:80"]') },
  { title: 'a port above 65535', files: web('ports: ["70000:80"]') },
  { title: 'port ranges of different length', files: web('ports: ["1-3:1-2"]') },
  { title: 'a mount that is none', files: web('volumes: ["/a::ro"]') },
  { title: 'a duration that is none', files: web('stop_grace_period: soon') },
  { title: 'a size that is none', files: web('mem_limit: big') },
  { title: 'a command that does not close', files: web(`command: sh -c "echo`) },
  { title: 'a host without address', files: web('extra_hosts: [db]') },
  { title: 'a port to expose that is a fraction', files: web('expose: [80.5]') },
  { title: 'a storage option that is no text', files: web('storage_opt: {size: 1.5}') },
  { title: 'a tag that says something else', files: web('hostname: !!null db\ncommand: !!int 1.5') },
  { title: 'a file for a project directory', files: web(''), options: { projectDirectory: 'compose.yaml/sub' } },
  { title: 'an include that is no list', files: `include: a.yaml\n${web('')}` },
  // Variables
  { title: 'a malformed variable', files: web('user: "${user.name}"') },
  { title: 'a required variable', files: web('user: "${WHO:?say who}"') },
  { title: 'a variable of the wrong type', files: web('scale: "${N}"'), options: { environment: { N: 'two' } } },
  { title: 'an env file named on the command line is missing', files: web(''), options: { envFiles: ['gone.env'] } },
  { title: 'an env file with a variable without a name', files: { 'compose.yaml': web(''), '.env': '=b\n' } },
  { title: 'an env file with a space in a key', files: { 'compose.yaml': web(''), '.env': 'A=1\nB C=2\n' } },
  { title: 'env_file is missing', files: web('env_file: gone.env') },
  {
    title: 'env_file has another format',
    files: { 'compose.yaml': web('env_file: [{path: a.env, format: toml}]'), 'a.env': '' },
  },
  { title: 'label_file is missing', files: web('label_file: gone.labels') },
  // References
  { title: 'an undefined dependency', files: `${web('depends_on: [databse]')}  database: {image: db}\n` },
  {
    title: 'a dependency on a disabled service',
    files: `${web('depends_on: [db]')}  db: {image: db, profiles: [data]}\n`,
  },
  { title: 'a link to an undefined service', files: web('links: ["databse:db"]') },
  { title: 'volumes of an undefined service', files: web('volumes_from: [data]') },
  { title: 'the pid namespace of an undefined service', files: web('pid: "service:app"') },
  { title: 'the ipc namespace of an undefined service', files: web('ipc: "service:app"') },
  { title: 'an undefined model', files: web('models: [llm]') },
  {
    title: 'a build context that is an undefined service',
    files: web('build: {context: ., additional_contexts: {base: "service:bsae"}}'),
  },
  { title: 'an undefined network', files: `${web('networks: [fornt]')}networks: {front: }\n` },
  { title: 'an undefined volume', files: web('volumes: ["data:/data"]') },
  { title: 'an undefined secret', files: web('secrets: [token]') },
  { title: 'an undefined config', files: web('configs: [{source: conf}]') },
  { title: 'an undefined build secret', files: web('build: {context: ., secrets: [token]}') },
  { title: 'sources that are empty', files: web('build: {context: ., secrets: [""]}\nsecrets: [""]\nconfigs: [""]') },
  { title: 'network_mode of an undefined service', files: web('network_mode: "service:vpn"') },
  {
    title: 'a cycle of dependencies',
    files:
      'services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [c]}\n  c: {image: x, links: [a]}\n',
  },
  { title: 'an extends without a service', files: web('extends: {file: base.yaml}') },
  { title: 'an extends that is a list', files: web('extends: [base]') },
  { title: 'a base that is not there', files: web('extends: bsae').concat('  base: {image: a}\n') },
  { title: 'a base file that is not there', files: web('extends: {file: gone.yaml, service: a}') },
  { title: 'a circle of extends', files: 'services:\n  a: {extends: b}\n  b: {extends: a}\n' },
  { title: 'an include that is not there', files: `include: [gone.yaml]\n${web('')}` },
  {
    title: 'a circle of includes',
    files: { 'compose.yaml': 'include: [b.yaml]\n', 'b.yaml': 'include: [compose.yaml]\n' },
  },
  // Conflicts
  {
    title: 'two mounts at one place',
    files: web('volumes:\n  - {type: bind, source: ./a, target: /data}\n  - {type: tmpfs, target: /data/}'),
  },
  { title: 'a mount and a tmpfs at one place', files: web('volumes: ["./a:/data"]\ntmpfs: /data') },
  { title: 'cpu limits that differ', files: web('cpus: 1\ndeploy: {resources: {limits: {cpus: "2"}}}') },
  { title: 'pids limits that differ', files: web('pids_limit: 1\ndeploy: {resources: {limits: {pids: 2}}}') },
  { title: 'a negative scale', files: web('scale: -1') },
  { title: 'a secret with two sources', files: `${web('secrets: [s]')}secrets: {s: {file: a, environment: B}}\n` },
  { title: 'a config without a source', files: `${web('configs: [c]')}configs: {c: {name: x}}\n` },
  { title: 'a volume name that is not allowed', files: `${web('')}volumes: {"my data": {}}\n` },
  { title: 'a blank watch path', files: web('develop: {watch: [{path: "", action: rebuild}]}') },
  { title: 'a health check interval that is none', files: web('healthcheck: {test: x, interval: often}') },
  { title: 'a pull policy that is none', files: web('pull_policy: sometimes') },
  { title: 'neither image nor build', files: 'services:\n  web:\n    tty: true\n' },
  { title: 'network_mode and networks', files: web('network_mode: host\nnetworks: [default]') },
  { title: 'dockerfile twice', files: web('build: {context: ., dockerfile: D, dockerfile_inline: FROM x}') },
  {
    title: 'a platform that is not built',
    files: web('platform: linux/arm64\nbuild: {context: ., platforms: [linux/amd64]}'),
  },
  { title: 'a health check without its kind', files: web('healthcheck: {test: [curl, localhost]}') },
  { title: 'a native health check that makes no sense', files: web('healthcheck: {test: [TCP, example.com]}') },
  { title: 'scale against replicas', files: web('scale: 2\ndeploy: {replicas: 3}') },
  { title: 'a container name for several', files: web('container_name: one\nscale: 2') },
  { title: 'memory limits that differ', files: web('mem_limit: 1g\ndeploy: {resources: {limits: {memory: 2g}}}') },
  { title: 'a watch rule without target', files: web('develop: {watch: [{path: ., action: sync}]}') },
  {
    title: 'an external volume with a driver',
    files: `${web('volumes: ["v1:/v"]')}volumes: {v1: {external: true, driver: nfs}}\n`,
  },
  { title: 'a secret without a source', files: `${web('secrets: [s]')}secrets: {s: {name: x}}\n` },
  { title: 'a config with two sources', files: `${web('configs: [c]')}configs: {c: {file: a, content: b}}\n` },
  {
    title: 'name against external.name',
    files: `${web('networks: [n]')}networks: {n: {name: a, external: {name: b}}}\n`,
  },
  { title: 'count and device_ids', files: web('gpus: [{count: 1, device_ids: ["0"]}]') },
  { title: 'a bind mount without source', files: web('volumes: [{type: bind, target: /a}]') },
  { title: 'a host address that is none', files: web('ports: [{target: 80, host_ip: here}]') },
  {
    title: 'a list over a mapping',
    files: { 'a.yaml': web('logging: {driver: x}'), 'b.yaml': 'services: {web: {deploy: [a]}}' },
    options: { files: ['a.yaml', 'b.yaml'] },
  },
  // Many at once
  {
    title: 'everything wrong is said at once, in order',
    files: { 'compose.yaml': web('prots: []\nscale: x\nmem_limit: big\ndepends_on: [db]\nvolumes: ["data:/d"]') },
  },
  {
    title: 'what is faulty is not also called missing',
    files: `${web('networks: [front]\ndepends_on: [db]')}  db: {image: [x]}\nnetworks: {front: [x]}\n`,
  },
  // Stated versions
  {
    title: 'a key the stated version never had',
    files: `version: "2.1"\n${web('init: true')}`,
    options: { strictVersion: true },
  },
];

test('each problem says where it is, what is wrong and what to do', async () => {
  const texts: string[] = [];
  for (const { title, files, options } of cases) {
    texts.push(`# ${title}\n${await failure(files, options)}\n`);
  }
  await expect(texts.join('\n')).toMatchFileSnapshot('errors.golden.txt');
});
