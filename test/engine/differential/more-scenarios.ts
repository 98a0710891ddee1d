import type { Scenario, Step } from './scenarios.js';

const lines = (args: string): Step => ({ args, stdout: 'lines' });
const json = (args: string): Step => ({ args, stdout: 'json' });
const code = (args: string): Step => ({ args, stdout: 'none' });

/** What the basic scripts leave out: templates, names, environments, profiles, dry runs, copies, waits and one-offs. */
export const moreScenarios: readonly Scenario[] = [
  {
    name: 'difftemplates',
    files: {
      'compose.yaml': `
services:
  web:
    image: busybox
    command: sleep 1000
    ports: ["127.0.0.1:18381:80", "127.0.0.1:18382:53/udp", "443"]
    labels: {com.example.team: "a team"}
    stop_grace_period: 0s
  db:
    image: busybox
    command: [sleep, "1000"]
    expose: ["5432"]
    healthcheck: {test: "true", interval: 200ms}
    stop_grace_period: 0s
  job:
    image: busybox
    command: [sh, -c, 'exit 7']
`,
    },
    steps: [
      code('up -d --wait web db'),
      { args: 'up -d job', settles: ['web', 'db'] },
      'ps --format "{{.Name}}"',
      'ps --format "{{.Service}} {{.State}} {{.Health}} {{.ExitCode}}" -a',
      'ps --format "{{upper .Name}} {{lower .Service}} {{title .State}}" db',
      'ps --format "{{json .Name}} {{json .Names}} {{json .Project}}" db',
      'ps --format "{{join (split .Name `-`) `_`}}" db',
      'ps --format "{{printf `%-12s|%5s|` .Service .State}}" db',
      'ps --format "{{.Service | printf `%q`}}" db',
      'ps --format "{{if eq .State `running`}}up{{else}}down{{end}}" -a',
      'ps --format "{{with .Health}}{{.}}{{else}}none{{end}}"',
      'ps --format "{{len .Name}} {{slice .Name 0 4}}" db',
      'ps --format "{{truncate .Service 2}}{{pad .Service 2 3}}|" db',
      'ps --format "{{.Label `com.example.team`}}|{{.Label `absent`}}" web',
      'ps --format "{{.Command}}|{{.Image}}|{{.Networks}}|{{.LocalVolumes}}" db',
      'ps --format "{{.Publishers}}" db',
      'ps --format "{{range .Publishers}}{{.TargetPort}}/{{.Protocol}} {{end}}" db',
      'ps --format "{{len .Publishers}}" web',
      'ps --format "{{index .Names}}" db',
      'ps --format "{{println .Service}}" db',
      'ps --format "{{and .Service .State}} {{or .Health .State}} {{not .Health}}"',
      'ps --format "{{$x := .Service}}{{$x}}{{/* nothing */}}" db',
      'ps --format "{{html `<a>`}} {{js `it\'s`}} {{urlquery `a b`}}" db',
      'ps --format "{{- .Service -}} "',
      'ps --format "table {{.Service}}\\t{{.State}}\\t{{.Health}}"',
      'ps --format "table {{.Name}}\\t{{.Ports}}" db',
      'ps --format "table {{upper .Service}}" db',
      'ps -a --format "table {{.Service}}\\t{{.ExitCode}}\\t{{.Image}}"',
      'ps --format "{{.Bogus}}"',
      'ps --format "{{.Name"',
      'ps --format "{{bogus .Name}}"',
      'ps --format bogus',
      'ps --format ""  --services',
      'ps -a --status exited --format "{{.Service}}"',
      'ps --status running --status exited -a --services',
      'ps --filter status=running --services',
      'ps --no-trunc --format "{{.Command}}" job -a',
      'ps -q --format json db',
      'stats --no-stream --format "{{.Name}}" db',
      'stats --no-stream --format "{{upper .Name}} {{len .Container}}" db',
      'stats --no-stream --format "{{json .Name}}" db',
      lines('stats --no-stream -a --format "table {{.Name}}"'),
      'stats --no-stream nobody',
      'stats --no-stream --format "{{.Bogus}}" db',
      'images --format bogus',
      'images --format "{{.ID}}"',
      json('ls --filter name=difftemplates --format json'),
      'ls -a --filter name=difftemplates -q',
      'ls --format bogus',
      'port web 443 --protocol bogus',
      'port --protocol tcp web 53',
      code('version --format json'),
      code('version --short'),
      'down -t 0',
    ],
  },
  {
    name: 'diffnames',
    files: {
      'compose.yaml': `
services:
  own:
    image: busybox
    container_name: diffnames-application
    command: echo own
  other:
    image: busybox
    container_name: application
    command: echo other
    depends_on: [own]
  plain:
    image: busybox
    command: echo plain
    depends_on: [other]
`,
    },
    steps: [
      lines('up'),
      lines('logs --no-color'),
      'ps -a --format "{{.Name}}"',
      'up -d --scale own=2',
      'scale own=2',
      'run --rm own echo ran',
      'config --images own',
      'rm -f own',
      'down',
    ],
  },
  {
    name: 'diffenv',
    files: {
      '.env': 'TAG=from-dot-env\nOTHER=x\nONLY=dot\nQUOTED="two words"\nNESTED=${TAG}-nested\n',
      'one.env': 'TAG=from-one\nONE=1\n',
      'two.env': 'TAG=from-two\nexport TWO="2"\n# no\n\nEMPTY=\n',
      'service.env': 'PLAIN=p\nEXPANDED=${TAG}\nSINGLE=\'${TAG}\'\nMULTI="a\\nb"\n',
      'compose.yaml': `
services:
  a:
    image: busybox:\${TAG:-latest}
    environment:
      TAG: \${TAG:-latest}
      ONLY: \${ONLY-unset}
      DEFAULT: \${ABSENT:-fallback}
      ALTERNATIVE: \${OTHER:+set}
      DOLLAR: $$TAG
      PASSED:
    env_file: [service.env, {path: absent.env, required: false}]
`,
      'other/compose.yml': 'services: {b: {image: busybox, environment: {FROM: other}}}\n',
      'required.yaml': 'services: {a: {image: "busybox:${NEEDED:?is needed}"}}\n',
    },
    steps: [
      'config',
      { args: 'config', env: { TAG: 'from-shell', PASSED: 'yes' } },
      '--env-file one.env config --images',
      '--env-file one.env --env-file two.env config',
      '--env-file two.env --env-file one.env config --images',
      '-f required.yaml config',
      { args: '-f required.yaml config --images', env: { NEEDED: 'given' } },
      { args: 'config --services', env: { COMPOSE_FILE: 'other/compose.yml' } },
      { args: 'config --services', env: { COMPOSE_FILE: 'compose.yaml:other/compose.yml' }, stdout: 'lines' },
      {
        args: 'config --services',
        env: { COMPOSE_FILE: 'compose.yaml,other/compose.yml', COMPOSE_PATH_SEPARATOR: ',' },
        stdout: 'lines',
      },
      { args: 'config', env: { COMPOSE_PROJECT_NAME: 'renamed' } },
      { args: '-p flagged config --images', env: { COMPOSE_PROJECT_NAME: 'renamed' } },
      { args: 'config', env: { COMPOSE_ENV_FILES: 'one.env' } },
      { args: 'config --images', env: { COMPOSE_DISABLE_ENV_FILE: '1' } },
      'config --no-interpolate --images',
      'config --no-normalize',
      'config --no-path-resolution',
      'config --no-consistency -q',
      lines('config --variables'),
      'config -o written.yaml',
      '-f written.yaml config --services',
      { args: '-f - config --services', input: 'services: {stdin: {image: busybox}}\n' },
      { args: '-f - config', input: 'services: {stdin: }\n' },
      lines('-f compose.yaml -f other/compose.yml config --images'),
      '--project-directory other config --services',
      json('config --format json a'),
      'config --hash a',
      'config --hash nobody',
    ],
  },
  {
    name: 'diffprofiles',
    files: {
      'compose.yaml': `
services:
  always: {image: busybox, command: sleep 1000, stop_grace_period: 0s}
  dev: {image: busybox, command: sleep 1000, stop_grace_period: 0s, profiles: [dev]}
  test: {image: busybox, command: sleep 1000, stop_grace_period: 0s, profiles: [test, dev], depends_on: [always]}
  lone: {image: busybox, command: sleep 1000, stop_grace_period: 0s, profiles: [lone], depends_on: [dev]}
`,
    },
    steps: [
      lines('config --services'),
      lines('--profile dev config --services'),
      lines('--profile dev --profile test config --services'),
      'config --profiles',
      { args: 'config --services', env: { COMPOSE_PROFILES: 'test' }, stdout: 'lines' },
      { args: 'config --services', env: { COMPOSE_PROFILES: '*' }, stdout: 'lines' },
      { args: 'config --services', env: { COMPOSE_PROFILES: 'dev,lone' }, stdout: 'lines' },
      'up -d',
      'up -d test',
      '--profile lone up -d lone',
      '--profile dev up -d',
      'stop',
      '--profile dev stop',
      'start',
      'ps -a --services',
      '--profile dev restart -t 0 dev',
      '--profile nothing ps --services',
      'down -t 0',
      '--profile * down -t 0',
    ],
  },
  {
    name: 'diffdry',
    files: {
      'compose.yaml': `
services:
  web:
    build: {dockerfile_inline: "FROM busybox\\nRUN true\\n"}
    command: sleep 1000
    depends_on: [db]
    stop_grace_period: 0s
  db:
    image: busybox
    command: sleep 1000
    volumes: [data:/data]
    stop_grace_period: 0s
volumes: {data: {}}
`,
    },
    steps: [
      code('--dry-run up -d db'),
      code('--dry-run create db'),
      code('--dry-run down'),
      'up -d db',
      code('--dry-run up -d db'),
      code('--dry-run up -d --force-recreate db'),
      code('--dry-run up -d --scale db=3 db'),
      code('--dry-run stop -t 0'),
      code('--dry-run restart db'),
      code('--dry-run kill db'),
      code('--dry-run pause db'),
      code('--dry-run rm -f -s db'),
      code('--dry-run down -v --rmi all'),
      'ps --format "{{.Service}} {{.State}}"',
      'down -v -t 0',
    ],
  },
  {
    name: 'diffcopies',
    files: {
      'compose.yaml': `
services:
  web:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    deploy: {replicas: 2}
`,
      'file.txt': 'file\n',
    },
    steps: [
      'up -d',
      'cp --index 2 file.txt web:/only-two',
      'exec -T --index 2 web cat /only-two',
      'exec -T --index 1 web cat /only-two',
      'cp file.txt web:/both',
      'exec -T --index 1 web cat /both',
      'exec -T --index 2 web cat /both',
      'cp --index 5 file.txt web:/x',
      'cp -a file.txt web:/archived',
      'exec -T web sh -c "ln -s /both /link; mkdir /d; ln -s ../both /d/l"',
      'cp web:/link copied-link',
      'cp -L web:/link copied-file',
      'cp web:/d copied-folder',
      'cp copied-file web:/again',
      'exec -T web cat /again',
      'cp web:/both web:/other',
      'cp web:/both',
      'cp - web:/x',
      'exec -T --index 2 web sh -c "exit 9"',
      'exec -T -e A=b --workdir /tmp --user 1:1 web sh -c "pwd; id -g; echo $A"',
      'down -t 0',
    ],
  },
  {
    name: 'diffwaits',
    files: {
      'compose.yaml': `
services:
  quick: {image: busybox, command: [sh, -c, 'sleep 0.5; exit 3'], stop_grace_period: 0s}
  slow: {image: busybox, command: sleep 1000, stop_grace_period: 0s}
  trapped:
    image: busybox
    command: [sh, -c, 'trap "exit 5" TERM; while :; do sleep 0.1; done']
    stop_signal: SIGTERM
  restarting:
    image: busybox
    command: [sh, -c, 'test -e /f && sleep 1000; touch /f; exit 1']
    restart: on-failure
    stop_grace_period: 0s
`,
    },
    steps: [
      { args: 'up -d quick slow', becomes: 'quick exited 3' },
      'wait quick',
      'wait nobody',
      'up -d trapped',
      'stop -t 5 trapped',
      'start trapped',
      { args: 'kill -s SIGTERM trapped', becomes: 'trapped exited 5' },
      'start trapped',
      'restart -t 5 trapped',
      'kill -s 9 trapped',
      'kill -s SIGKILL slow',
      'start slow',
      { args: 'up -d restarting', restarts: 'restarting' },
      'up -d --no-start --force-recreate slow',
      'up -d --no-recreate slow',
      'up -d --timeout 0 --force-recreate slow',
      'up -d --quiet-pull --no-build slow',
      'up -d --pull never slow',
      'up -d --pull bogus slow',
      'up -d --remove-orphans slow',
      'rm -f quick',
      'rm -sf slow',
      'down -t 0 nobody',
      'down -t 0 trapped',
      'down -t 0',
    ],
  },
  {
    name: 'diffoneoffs',
    files: {
      'compose.yaml': `
services:
  web:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    depends_on: [db]
    environment: {FROM: file}
    working_dir: /tmp
    user: "5:6"
    ports: ["127.0.0.1:18383:80"]
    volumes: [data:/data]
    networks: {default: {aliases: [site]}}
  db: {image: busybox, command: sleep 1000, stop_grace_period: 0s}
  broken: {image: busybox, command: sleep 1, depends_on: {failing: {condition: service_completed_successfully}}}
  failing: {image: busybox, command: "false"}
volumes: {data: {}}
`,
      'vars.env': 'FROM=env-file\n',
    },
    steps: [
      'run --rm --no-deps web sh -c "pwd; id -u; id -g; echo $FROM"',
      'run --rm --no-deps -e FROM=flag -e MORE web sh -c "echo $FROM $MORE"',
      { args: 'run --rm --no-deps -e MORE web sh -c "echo $MORE"', env: { MORE: 'more' } },
      'run --rm --no-deps --workdir / --user 0 web sh -c "pwd; id -u"',
      'run --rm --no-deps --cap-drop ALL --user 0 web chown 1 /etc/passwd',
      'run --rm --no-deps --cap-add NET_ADMIN --user 0 web ip link set lo down',
      'run --rm --no-deps --entrypoint "" web echo direct',
      'run --rm --no-deps --entrypoint "sh -c" web "echo one two"',
      'run --rm --no-deps --use-aliases web true',
      'run --rm --no-deps --service-ports web true',
      'run --rm --no-deps -v data:/elsewhere web ls /elsewhere',
      'run --rm --no-deps -i=false web cat',
      'run --rm --no-deps -T web sh -c "echo out; echo err >&2; exit 12"',
      { args: 'run --no-deps --name diffoneoffsleft web true', settles: true },
      'run --no-deps --name diffoneoffsleft web true',
      'ps -a --format "{{.Name}}"',
      'ps -a --orphans=false --format "{{.Name}}"',
      'run --rm web true',
      'ps --services',
      'run --rm broken',
      'run --rm --no-deps broken true',
      code('run -d --no-deps --name diffoneoffslong db'),
      'exec -T db true',
      'stop',
      'down -v -t 0 --remove-orphans',
    ],
  },
  {
    // What is named decides when an attached up ends and what is stopped; and flags that no other script has.
    name: 'diffnamed',
    files: {
      'compose.yaml': `
services:
  job:
    image: busybox
    command: sh -c 'echo job; exit 3'
    depends_on: [dep]
  dep:
    image: busybox
    command: sleep 1000
    stop_grace_period: 0s
    volumes: [/anonymous]
  aside:
    image: busybox
    attach: false
    command: sleep 1000
    stop_grace_period: 0s
    profiles: [aside]
  own:
    build: {dockerfile_inline: "FROM busybox\\nRUN true\\n"}
    command: sleep 1000
    stop_grace_period: 0s
    profiles: [own]
`,
      'other.yaml': 'services: {lone: {image: busybox, command: sleep 1000, stop_grace_period: 0s}}\n',
    },
    steps: [
      { args: 'up job', stdout: 'none' },
      { args: 'up --abort-on-container-exit job', stdout: 'none' },
      { args: 'up --exit-code-from job --attach-dependencies job', stdout: 'none' },
      { args: 'up --timestamps --no-color --attach job --abort-on-container-exit job', stdout: 'none' },
      { args: '--profile aside up --no-attach dep', stdout: 'none' },
      { args: 'up -d --always-recreate-deps job', settles: ['dep', 'aside'] },
      { args: 'up -d -V dep', settles: ['dep', 'aside'] },
      code('create --pull missing --quiet-pull dep'),
      { args: 'logs --timestamps --no-log-prefix aside', stdout: 'none' },
      { args: 'stats --all --no-trunc --no-stream --format "{{.Name}}" dep', stdout: 'lines' },
      code('pull --policy missing --include-deps -q job'),
      code('pull --ignore-buildable own'),
      code('push --ignore-push-failures --include-deps -q own'),
      code('--profile own build own'),
      { args: 'run --rm -T --no-deps --cap-add NET_ADMIN --quiet-pull job sh -c "grep CapEff /proc/self/status"' },
      { args: 'run --rm -T --build own echo built', stdout: 'none' },
      code('cp -a dep:/etc/passwd copied'),
      'kill -s KILL --remove-orphans aside',
      code('-f other.yaml up -d'),
      { args: '-f other.yaml up -d', env: { COMPOSE_IGNORE_ORPHANS: '1' }, stdout: 'none' },
      { args: '-f other.yaml up -d', env: { COMPOSE_REMOVE_ORPHANS: '1' }, stdout: 'none' },
      { args: 'ps -aq', env: { COMPOSE_ANSI: 'sometimes' }, stdout: 'lines' },
      { args: 'ps', env: { COMPOSE_PARALLEL_LIMIT: 'some' } },
      {
        args: 'config --services',
        env: { COMPOSE_PATH_SEPARATOR: ',', COMPOSE_FILE: 'compose.yaml,other.yaml' },
        stdout: 'lines',
      },
      code('--dry-run exec lone true'),
      { args: 'down -t 0 --remove-orphans', stdout: 'none' },
    ],
  },
];
