/** How the standard output of a step is compared: exactly, as a set of lines, as JSON values, or not at all. */
export type Comparison = 'exact' | 'lines' | 'json' | 'none';

/** One command line; `stdout` says how what it writes is compared (default exactly). The exit code always is. */
export interface Step {
  readonly args: string;
  readonly stdout?: Comparison;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** It leaves something running that ends soon: the state is compared once only these services run (true: none). */
  readonly settles?: true | readonly string[];
  /** A line of the state that comes soon: the state is compared once it is there. */
  readonly becomes?: string;
  /** A service whose container is restarted once: the state is compared when it runs again. */
  readonly restarts?: string;
}

/** One project and a script of commands run in its folder; after each command the state of its containers is compared. */
export interface Scenario {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly steps: readonly (string | Step)[];
}

const two = `
services:
  web:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    depends_on: [db]
    environment: {GREETING: hello}
  db:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
  tool:
    image: busybox
    command: ["true"]
    profiles: [tools]
`;

const lines = (args: string): Step => ({ args, stdout: 'lines' });
const json = (args: string): Step => ({ args, stdout: 'json' });
const code = (args: string): Step => ({ args, stdout: 'none' });

export const scenarios: readonly Scenario[] = [
  {
    name: 'difflife',
    files: { 'compose.yaml': two },
    steps: [
      'ps -a -q',
      'create',
      'up -d',
      'up -d',
      'ps --services',
      lines('ps --services --all'),
      json('ps --format json'),
      json('ps --format json web'),
      'ps --status exited -q',
      'ps --status bogus',
      'ps --filter status=paused -q',
      'ps --filter bogus=1',
      'stop web',
      'ps --services',
      'ps --status exited --services',
      'start web',
      'start',
      'restart -t 0 db',
      'restart --no-deps web',
      'pause db',
      'ps --status paused --services',
      'unpause db',
      'pause',
      'unpause',
      'kill -s TERM web',
      'kill -s BOGUS db',
      'kill db',
      'kill',
      'start db',
      'up -d web',
      'stop -t 0',
      'rm -f web',
      'rm -f',
      'rm -f',
      'up -d --no-deps web',
      'up -d --force-recreate',
      'up -d --no-recreate',
      'up --no-start',
      'down -t 0',
      'down',
      'ps -a -q',
    ],
  },
  {
    name: 'diffscale',
    files: { 'compose.yaml': two },
    steps: [
      'up -d --scale web=2',
      'up -d --scale web=3 --no-recreate',
      'scale web=1',
      'scale web=2 db=2',
      'scale --no-deps web=1 db=1',
      'scale web',
      'scale nobody=2',
      'up -d --scale nobody=2',
      'up -d --scale web=x',
      'exec -T --index 1 web echo one',
      'exec -T --index 7 web echo none',
      'stop web',
      'rm -f -s -v',
      'create --scale web=2',
      'create --force-recreate',
      'create --build --no-build',
      'create --force-recreate --no-recreate',
      'down --remove-orphans',
    ],
  },
  {
    name: 'diffexec',
    files: { 'compose.yaml': two },
    steps: [
      'exec -T web true',
      'up -d',
      'exec -T web echo hi',
      'exec -T web sh -c "exit 5"',
      'exec -T -e A=1 -e B=2 web sh -c "echo $A$B $GREETING"',
      { args: 'exec -T -e HERE web sh -c "echo $HERE"', env: { HERE: 'from-here' } },
      'exec -T -u 7:8 web id -u',
      'exec -T -w /tmp web pwd',
      'exec -T --privileged web true',
      'exec -d web touch /made',
      'exec -T web ls /made',
      { args: 'exec -T web cat', input: 'typed\n' },
      'exec -T web no-such-command',
      'exec -T web sh -c "kill -9 $$"',
      'exec -T nobody true',
      'exec',
      'exec -T web',
      'pause web',
      'exec -T web true',
      'unpause web',
      'port web 80',
      code('top web'),
      'down -t 0',
    ],
  },
  {
    name: 'diffrun',
    files: { 'compose.yaml': two, 'vars.env': 'FILE=yes\n' },
    steps: [
      'run --rm web echo hi',
      'run --rm -T web sh -c "exit 4"',
      { args: 'run --rm -T web cat', input: 'typed\n' },
      'run --rm --no-deps -e A=1 web sh -c "echo $A $GREETING"',
      'run --rm -u 7 -w /tmp web sh -c "id -u; pwd"',
      'run --rm --entrypoint "echo from" web entry',
      'run --rm --name difrunnamed web true',
      'run --rm -v /tmp:/somewhere:ro web sh -c "touch /somewhere/x"',
      'run --rm -l a=b web true',
      'run --rm -p 127.0.0.1:18377:80 web true',
      'run --rm -P -p 127.0.0.1:18377:80 web true',
      'run --rm tool',
      'run --rm nobody true',
      'run --rm web no-such-command',
      'run',
      'ps -a --services',
      'down -t 0 --remove-orphans',
    ],
  },
  {
    name: 'difflogs',
    files: {
      'compose.yaml': `
services:
  one:
    image: busybox
    command: [sh, -c, 'echo first; echo second; echo third >&2']
  two:
    image: busybox
    command: [sh, -c, 'echo other; exit 3']
    depends_on: {one: {condition: service_completed_successfully}}
`,
    },
    steps: [
      { args: 'up -d', settles: true },
      'wait nobody',
      'logs one --no-color',
      'logs --no-log-prefix one',
      'logs --no-color --tail 1 one',
      'logs -n 0 one',
      'logs --tail bogus one',
      lines('logs --no-color'),
      'logs --no-color --index 1 two',
      'logs --index 9 two',
      'logs --no-color --since 1h --until 0s two',
      'logs nobody',
      'logs --no-color -f two',
      'ps -a --services --status exited',
      json('ps -a --format json two'),
      'down',
    ],
  },
  {
    name: 'diffattach',
    files: {
      'compose.yaml': `
services:
  job:
    image: busybox
    command: [sh, -c, 'sleep 0.3; echo working; exit 3']
    stop_grace_period: 0s
  side:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
`,
    },
    steps: [
      code('up --exit-code-from job'),
      code('up --abort-on-container-exit'),
      code('up --no-log-prefix job'),
      code('up --attach job --abort-on-container-exit'),
      code('up --no-attach side --exit-code-from side'),
      'up -d --abort-on-container-exit',
      'up -d --attach job',
      'up --build --no-build',
      'up --force-recreate --no-recreate',
      'up --exit-code-from nobody',
      'up -d --wait side',
      'up -d nobody',
      'down -t 0',
    ],
  },
  {
    name: 'diffconfig',
    files: {
      'compose.yaml': `
services:
  web:
    image: busybox:\${TAG:-latest}
    ports: ["127.0.0.1:18378:80"]
    volumes: [data:/data, ./here:/here:ro]
    networks: [front]
    profiles: [a, b]
  api:
    build: {context: ., args: {X: "1"}}
    environment: [KEY=value]
    depends_on: {db: {condition: service_healthy}}
  db:
    image: busybox
    healthcheck: {test: ["CMD", "true"], interval: 1m30s}
volumes: {data: {}}
networks: {front: {}}
`,
    },
    steps: [
      'config -q',
      'config',
      json('config --format json'),
      lines('config --services'),
      lines('config --volumes'),
      'config --profiles',
      lines('config --images'),
      lines('config --hash *'),
      'config --hash db',
      '--profile a config',
      lines('--profile * config --services'),
      { args: 'config', env: { TAG: '1.2' } },
      'config db',
      'config nobody',
      'config --no-interpolate',
      'config --format bogus',
      '-f absent.yaml config',
      '-p Bad config',
      lines('-p other config --images'),
      '--project-directory absent config -q',
      '--env-file absent.env config',
      { args: 'config --services', env: { COMPOSE_PROFILES: 'b' }, stdout: 'lines' },
    ],
  },
  {
    name: 'diffthings',
    files: {
      'compose.yaml': `
services:
  web:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    ports: ["127.0.0.1:18379:80", "127.0.0.1:18380:53/udp"]
    volumes: [data:/data, /anonymous]
    networks: {default: {aliases: [site]}}
volumes: {data: {}}
`,
      'file.txt': 'file\n',
      'dir/inner.txt': 'inner\n',
    },
    steps: [
      'up -d',
      'port web 80',
      'port --protocol udp web 53',
      'port --index 1 web 80',
      'port nobody 80',
      'port web x',
      'images -q nobody',
      json('ps --format json'),
      'ls --filter name=diffthings -q',
      json('ls --filter name=diffthings --format json'),
      json('ls --filter name=no-such-project --format json'),
      'ls --filter bogus=1',
      'cp file.txt web:/tmp/',
      'cp file.txt web:/tmp/renamed',
      'cp dir web:/tmp',
      'cp dir/. web:/tmp/content',
      'exec -T web find /tmp -type f',
      'cp web:/tmp/renamed back.txt',
      'cp web:/absent back.txt',
      'cp absent web:/tmp',
      'cp dir web:/etc/passwd',
      'cp file.txt web:/absent/',
      'cp web:/tmp web:/var',
      'cp a b',
      'cp nobody:/a b',
      'exec -T web sh -c "echo kept > /data/f; echo anon > /anonymous/f"',
      'up -d --force-recreate',
      'exec -T web cat /data/f /anonymous/f',
      'up -d -V',
      'exec -T web cat /data/f',
      'exec -T web ls /anonymous',
      'down',
      'up -d',
      'exec -T web cat /data/f',
      'down -v',
      'up -d',
      'exec -T web ls /data',
      'down -v --rmi local',
    ],
  },
  {
    name: 'diffhealth',
    files: {
      'compose.yaml': `
services:
  good:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    healthcheck: {test: "true", interval: 200ms, retries: 1}
  bad:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    healthcheck: {test: "false", interval: 200ms, retries: 1}
    profiles: [bad]
  needs-bad:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    depends_on: {bad: {condition: service_healthy}}
    profiles: [bad]
  optional:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    depends_on: {bad: {condition: service_healthy, required: false}}
    profiles: [bad]
`,
    },
    steps: [
      'up -d --wait',
      'ps --format "{{.Service}} {{.Health}}"',
      'up -d --wait --wait-timeout 5',
      'up -d needs-bad',
      'up -d --no-deps needs-bad',
      'up -d optional',
      '--profile bad up -d --wait bad',
      '--profile bad stop',
      '--profile bad down -t 0',
    ],
  },
  {
    name: 'differrors',
    files: { 'compose.yaml': two, 'broken.yaml': 'services: [', 'wrong.yaml': 'services: {a: {imag: x}}\n' },
    steps: [
      'bogus',
      'up --bogus',
      'ps nobody',
      'start',
      'stop nobody',
      'restart nobody',
      'kill nobody',
      'rm -f nobody',
      'pause nobody',
      'down nobody',
      'logs nobody',
      'pull nobody',
      'push nobody',
      'build nobody',
      'create nobody',
      'run',
      'cp',
      'wait',
      'exec web',
      'port web',
      'scale',
      '-f broken.yaml ps',
      '-f wrong.yaml up -d',
      '--ansi bogus ps',
      '--parallel x ps',
      'build',
      'push',
      'images -q',
      'top',
      'version --short --bogus',
      '-p differrors ps -q',
      '-p absentproject down',
      '-p absentproject ps -q',
      '-p absentproject stop',
    ],
  },
];
