/** One question about precedence: a small project, and a path somebody may ask about. */
export interface Question {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly path: string;
  /** Variables of the shell. */
  readonly shell?: Readonly<Record<string, string>>;
  /** Flags before the command: `-f a.yaml --profile x`. */
  readonly flags?: string;
  /** docker compose 2.26 does not know it yet. */
  readonly newer?: true;
  /** The value is none that `config` shows, so only its story is checked. */
  readonly notInConfig?: true;
}

const web = (...lines: readonly string[]): string =>
  ['services:', '  web:', '    image: nginx', ...lines.map((line) => `    ${line}`), ''].join('\n');
const tag = 'services:\n  web:\n    image: nginx:${TAG:-latest}\n';

export const questions: readonly Question[] = [
  // Variables
  {
    title: 'a default is used when nothing sets the variable',
    files: { 'compose.yaml': tag },
    path: 'services.web.image',
  },
  {
    title: '.env wins over the default',
    files: { 'compose.yaml': tag, '.env': 'TAG=1.27\n' },
    path: 'services.web.image',
  },
  {
    title: 'the shell wins over .env',
    files: { 'compose.yaml': tag, '.env': '# images\nTAG=1.27\n' },
    shell: { TAG: '1.29' },
    path: 'services.web.image',
  },
  {
    title: 'an empty shell variable hides .env and then counts as not set for :-',
    files: { 'compose.yaml': tag, '.env': 'TAG=1.27\n' },
    shell: { TAG: '' },
    path: 'services.web.image',
  },
  {
    title: 'an empty variable is good enough for - without a colon',
    files: { 'compose.yaml': web('user: "u${ID-1000}"') },
    shell: { ID: '' },
    path: 'services.web.user',
  },
  {
    title: '--env-file takes the place of .env, and the last one wins',
    files: { 'compose.yaml': tag, '.env': 'TAG=never\n', 'a.env': 'TAG=a\n', 'b.env': 'TAG=b\n' },
    flags: '--env-file a.env --env-file b.env',
    path: 'services.web.image',
  },
  {
    title: 'COMPOSE_ENV_FILES names env files too',
    files: { 'compose.yaml': tag, '.env': 'TAG=never\n', 'ci.env': 'TAG=ci\n' },
    shell: { COMPOSE_ENV_FILES: 'ci.env' },
    path: 'services.web.image',
  },
  {
    title: 'a default may hold another variable',
    files: { 'compose.yaml': web('hostname: ${HOST:-${NAME:-web}-1}'), '.env': 'NAME=shop\n' },
    path: 'services.web.hostname',
  },
  {
    title: 'an alternate value is used when the variable is set',
    files: { 'compose.yaml': web('command: run ${DEBUG:+--verbose}') },
    shell: { DEBUG: '1' },
    path: 'services.web.command[1]',
  },
  {
    title: 'an unset variable without a default leaves a blank',
    files: { 'compose.yaml': web('hostname: web${SUFFIX}') },
    path: 'services.web.hostname',
  },
  {
    title: 'two dollars are one dollar and no variable',
    files: { 'compose.yaml': web('environment:', '  PRICE: 5$$ and $$HOME') },
    shell: { HOME: '/root' },
    path: 'services.web.environment.PRICE',
  },
  {
    title: 'a hash whose dollars are not doubled loses its parts',
    files: { 'compose.yaml': web('environment:', '  HASH: $apr1$abc$x') },
    path: 'services.web.environment.HASH',
  },
  {
    title: 'a variable becomes the type of the attribute',
    files: { 'compose.yaml': web('read_only: ${RO}'), '.env': 'RO=yes\n' },
    path: 'services.web.read_only',
  },
  // Environment of a service
  {
    title: 'environment wins over env_file',
    files: { 'compose.yaml': web('env_file: web.env', 'environment:', '  MODE: file'), 'web.env': 'MODE=env-file\n' },
    path: 'services.web.environment.MODE',
  },
  {
    title: 'a later env_file wins over an earlier one',
    files: {
      'compose.yaml': web('env_file: [one.env, two.env]'),
      'one.env': 'MODE=one\nOTHER=1\n',
      'two.env': '# last\nMODE=two\n',
    },
    path: 'services.web.environment.MODE',
  },
  {
    title: 'env_file sees the variables of the project',
    files: { 'compose.yaml': web('env_file: web.env'), 'web.env': 'URL=http://${HOST}/\n', '.env': 'HOST=example\n' },
    path: 'services.web.environment.URL',
  },
  {
    title: 'the shell does not reach into a container by itself',
    files: { 'compose.yaml': web('env_file: web.env'), 'web.env': 'MODE=env-file\n' },
    shell: { MODE: 'shell' },
    path: 'services.web.environment.MODE',
  },
  {
    title: 'a name without a value is passed on from the shell',
    files: { 'compose.yaml': web('environment:', '  - MODE'), '.env': 'MODE=dotenv\n' },
    shell: { MODE: 'shell' },
    path: 'services.web.environment.MODE',
  },
  {
    title: 'a name without a value is passed on from .env',
    files: { 'compose.yaml': web('environment:', '  MODE:'), '.env': 'MODE=dotenv\n' },
    path: 'services.web.environment.MODE',
  },
  {
    title: 'a name without a value that nothing sets hides env_file',
    files: { 'compose.yaml': web('env_file: web.env', 'environment: [MODE]'), 'web.env': 'MODE=env-file\n' },
    path: 'services.web.environment.MODE',
  },
  {
    title: 'labels win over label_file',
    files: { 'compose.yaml': web('label_file: l.env', 'labels: [tier=front]'), 'l.env': 'tier=back\n' },
    path: 'services.web.labels.tier',
    newer: true,
  },
  {
    title: 'a comment and an escape in an env file are no part of the value',
    files: { 'compose.yaml': web('env_file: web.env'), 'web.env': 'MOTD="a\\tb" # two words\n' },
    path: 'services.web.environment.MOTD',
  },
  {
    title: 'an old octal number is a number of another spelling',
    files: {
      'compose.yaml': `${web('secrets: [{source: key, mode: 0440}]')}secrets: {key: {file: ./key}}\n`,
      key: 'x',
    },
    path: 'services.web.secrets[0].mode',
  },
  {
    title: 'a secret is masked',
    files: {
      'compose.yaml': web('environment:', '  DATABASE_URL: postgres://app:${DB_PASSWORD}@db/app'),
      '.env': 'DB_PASSWORD=correct-horse\n',
    },
    path: 'services.web.environment.DATABASE_URL',
  },
  {
    title: 'a value under a telling key is masked',
    files: { 'compose.yaml': web('environment:', '  API_TOKEN: ${TOKEN:-abcdefgh}') },
    path: 'services.web.environment.API_TOKEN',
  },
  // Several files
  {
    title: 'an override file wins',
    files: { 'compose.yaml': web(), 'compose.override.yaml': 'services:\n  web:\n    image: httpd\n' },
    path: 'services.web.image',
  },
  {
    title: 'of three files the last wins',
    files: {
      'a.yaml': web('user: a'),
      'b.yaml': 'services: {web: {user: b}}\n',
      'c.yaml': 'services: {web: {user: c}}\n',
    },
    flags: '-f a.yaml -f b.yaml -f c.yaml',
    path: 'services.web.user',
  },
  {
    title: 'a later document of one file wins',
    files: { 'compose.yaml': `${web('user: a')}---\nservices:\n  web:\n    user: b\n` },
    path: 'services.web.user',
  },
  {
    title: 'ports of two files are joined',
    files: {
      'compose.yaml': web('ports: ["8080:80"]'),
      'compose.override.yaml': 'services:\n  web:\n    ports: ["8443:443"]\n',
    },
    path: 'services.web.ports[1].published',
  },
  {
    title: 'the short form of a port is tcp',
    files: { 'compose.yaml': web('ports: ["8080:80"]') },
    path: 'services.web.ports[0].protocol',
  },
  {
    title: 'volumes with the same target replace each other',
    files: {
      'compose.yaml': web('volumes: [./html:/srv]'),
      'compose.override.yaml': 'services:\n  web:\n    volumes: [./dist:/srv:ro]\n',
    },
    path: 'services.web.volumes[0].source',
  },
  {
    title: 'environment as a list and as a mapping merge by name',
    files: {
      'compose.yaml': web('environment: [A=1, B=2]'),
      'compose.override.yaml': 'services:\n  web:\n    environment: {B: 3}\n',
    },
    path: 'services.web.environment.B',
  },
  {
    title: 'a command is replaced as a whole',
    files: {
      'compose.yaml': web('command: [serve, --all, --fast]'),
      'compose.override.yaml': 'services:\n  web:\n    command: debug --slow\n',
    },
    path: 'services.web.command[0]',
  },
  {
    title: '!override drops what was there',
    files: {
      'compose.yaml': web('ports: ["8080:80"]'),
      'compose.override.yaml': 'services:\n  web:\n    ports: !override ["9090:80"]\n',
    },
    path: 'services.web.ports[0].published',
  },
  {
    title: '!reset of a mapping lets the later file start afresh',
    files: {
      'compose.yaml': web('environment: {A: 1, B: 2}'),
      'b.yaml': 'services:\n  web:\n    environment:\n      A: !reset null\n',
      'c.yaml': 'services:\n  web:\n    environment:\n      A: 3\n',
    },
    flags: '-f compose.yaml -f b.yaml -f c.yaml',
    path: 'services.web.environment.A',
  },
  // YAML
  {
    title: 'an alias brings a value from its anchor',
    files: { 'compose.yaml': `x-tz: &tz Europe/Madrid\n${web('environment:', '  TZ: *tz')}` },
    path: 'services.web.environment.TZ',
  },
  {
    title: 'a merge key brings a value from a mapping',
    files: { 'compose.yaml': 'x-base: &base\n  restart: always\nservices:\n  web:\n    <<: *base\n    image: nginx\n' },
    path: 'services.web.restart',
  },
  {
    title: 'an own key hides the one of a merge key',
    files: {
      'compose.yaml':
        'x-base: &base\n  restart: always\nservices:\n  web:\n    <<: *base\n    image: nginx\n    restart: "no"\n',
    },
    path: 'services.web.restart',
  },
  // extends and include
  {
    title: 'extends within a file',
    files: { 'compose.yaml': 'services:\n  base:\n    image: nginx\n    user: www\n  web:\n    extends: base\n' },
    path: 'services.web.user',
  },
  {
    title: 'a chain of extends over two files',
    files: {
      'compose.yaml': 'services:\n  web:\n    extends: {file: lib/mid.yaml, service: mid}\n    environment: {A: web}\n',
      'lib/mid.yaml': 'services:\n  mid:\n    extends: {file: base.yaml, service: base}\n    environment: {A: mid}\n',
      'lib/base.yaml': 'services:\n  base:\n    image: nginx\n    environment: {A: base}\n',
    },
    path: 'services.web.environment.A',
  },
  {
    title: 'a build context of an extended file is relative to that file',
    files: {
      'compose.yaml': 'services:\n  web:\n    extends: {file: lib/base.yaml, service: base}\n',
      'lib/base.yaml': 'services:\n  base:\n    build: ./app\n',
      'lib/app/Dockerfile': 'FROM scratch\n',
    },
    path: 'services.web.build.context',
  },
  {
    title: 'an included file has an .env of its own, below the shell and the outer .env',
    files: {
      'compose.yaml': 'include: [db/compose.yaml]\nservices: {web: {image: nginx}}\n',
      '.env': 'OTHER=1\n',
      'db/compose.yaml': 'services:\n  db:\n    image: postgres:${PG:-15}\n',
      'db/.env': 'PG=16\n',
    },
    path: 'services.db.image',
  },
  {
    title: 'a file lies over what it includes',
    files: {
      'compose.yaml': 'include: [db.yaml]\nservices:\n  db:\n    user: root\n',
      'db.yaml': 'services:\n  db:\n    image: postgres\n    user: postgres\n',
    },
    path: 'services.db.user',
    newer: true,
  },
  // Profiles
  {
    title: 'a service without an active profile',
    files: { 'compose.yaml': web('profiles: [tools]'), '.env': 'COMPOSE_PROFILES=debug\n' },
    path: 'services.web.image',
    notInConfig: true,
  },
  {
    title: 'a service without an active profile, by flag',
    files: { 'compose.yaml': `${web()}  tool:\n    image: busybox\n    profiles: [tools, ci]\n` },
    flags: '--profile debug',
    path: 'services.tool.image',
    notInConfig: true,
  },
  // Normal forms and defaults
  {
    title: 'a relative path starts at the project folder',
    files: { 'compose.yaml': web('volumes: [./html:/srv]') },
    path: 'services.web.volumes[0].source',
  },
  {
    title: 'a service joins the default network',
    files: { 'compose.yaml': web() },
    path: 'networks.default.name',
  },
  {
    title: 'mem_limit of the old format is a number of bytes',
    files: { 'compose.yaml': web('mem_limit: 512m') },
    path: 'services.web.mem_limit',
  },
  {
    title: 'scale of the old format is also deploy.replicas of the new one',
    files: { 'compose.yaml': web('scale: 3', 'deploy: {mode: replicated}') },
    path: 'services.web.deploy.replicas',
  },
  {
    title: 'external with a name of the old format',
    files: { 'compose.yaml': `${web('volumes: [data:/data]')}volumes:\n  data:\n    external: {name: shared}\n` },
    path: 'volumes.data.name',
  },
  {
    title: 'links imply a dependency',
    files: { 'compose.yaml': `${web('links: [db]')}  db:\n    image: postgres\n` },
    path: 'services.web.depends_on.db.condition',
  },
  {
    title: 'a volume no service uses',
    files: { 'compose.yaml': `${web()}volumes:\n  data: {driver: local}\n` },
    path: 'volumes.data.driver',
    notInConfig: true,
  },
  // The name of the project
  { title: 'the name comes from the folder', files: { 'compose.yaml': web() }, path: 'name' },
  {
    title: 'name: in a file wins over the folder',
    files: { 'compose.yaml': `name: shop-\${STAGE:-dev}\n${web()}` },
    path: 'name',
  },
  {
    title: 'COMPOSE_PROJECT_NAME in .env wins over name: in a file',
    files: { 'compose.yaml': `name: shop\n${web()}`, '.env': 'COMPOSE_PROJECT_NAME=mall\n' },
    path: 'name',
  },
  {
    title: '-p wins over everything',
    files: { 'compose.yaml': `name: shop\n${web()}`, '.env': 'COMPOSE_PROJECT_NAME=mall\n' },
    flags: '-p market',
    path: 'name',
  },
];
