import { symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadProject, renderProject, selectServices } from '../../../src/compose/index.js';
import { Trace } from '../../../src/compose/trace.js';
import { config, failure, folder, load, web, type Config } from './load-text.js';

describe('finding files', () => {
  test('a file in a folder above is found, with its override, and its folder names the project', async () => {
    const directory = folder({
      'compose.yml': 'services: {web: {image: a}}',
      'compose.override.yaml': 'services: {web: {image: b}}',
      'deep/er/keep': '',
    });
    const project = await loadProject({ cwd: join(directory, 'deep/er'), environment: {} });
    expect(project.model.services['web']?.image).toBe('b');
    expect([project.name, project.workingDir]).toEqual(['demo', directory]);
    expect(project.composeFiles).toEqual([join(directory, 'compose.yml'), join(directory, 'compose.override.yaml')]);
  });

  test('an override file is not looked for beside a named file', async () => {
    const files = {
      'compose.yaml': 'services: {web: {image: a}}',
      'compose.override.yaml': 'services: {web: {image: b}}',
    };
    expect(await web(files, { files: ['compose.yaml'] })).toMatchObject({ image: 'a' });
  });

  test('of several names the first is taken, with a warning', async () => {
    const { project, warnings } = await load({
      'docker-compose.yml': 'services: {web: {image: old}}',
      'compose.yaml': 'services: {web: {image: new}}',
    });
    expect(project.model.services['web']?.image).toBe('new');
    expect(warnings.join('\n')).toContain('Found multiple config files');
  });

  test('COMPOSE_FILE lists files, also from .env', async () => {
    const files = {
      '.env': 'COMPOSE_FILE=a.yml:b.yml',
      'a.yml': 'services: {web: {image: a}}',
      'b.yml': 'services: {web: {tty: true}}',
    };
    expect(await web(files)).toMatchObject({ image: 'a', tty: true });
  });

  test('a file may be read from standard input', async () => {
    const stdin = (): Promise<string> => Promise.resolve('services: {web: {image: piped}}');
    expect(await web({}, { files: ['-'], stdin })).toMatchObject({ image: 'piped' });
  });
});

describe('the project name', () => {
  const named = 'name: From File\nservices: {web: {image: "$COMPOSE_PROJECT_NAME"}}';

  test.each([
    ['the flag', { projectName: 'flag', environment: { COMPOSE_PROJECT_NAME: 'env' } }, 'flag'],
    ['then the variable', { environment: { COMPOSE_PROJECT_NAME: 'env' } }, 'env'],
    ['then the file, normalised', {}, 'fromfile'],
  ])('comes from %s', async (_, options, name) => {
    const { project } = await load(named, options);
    expect([project.name, project.model.services['web']?.image]).toEqual([name, name]);
  });

  test('of several files the last name counts, with its variables filled in', async () => {
    const files = { 'a.yml': 'name: one\nservices: {web: {image: x}}', 'b.yml': 'name: "two-${N}"' };
    expect(await config(files, { files: ['a.yml', 'b.yml'], environment: { N: '2' } })).toMatchObject({
      name: 'two-2',
    });
  });
});

test('a project named after a symbolic link says so', async () => {
  const directory = folder({ 'real/compose.yaml': 'services: {web: {image: a}}' });
  symlinkSync('real', join(directory, 'linked'));
  const warnings: string[] = [];
  const cwd = join(directory, 'linked');
  const project = await loadProject({ cwd, environment: {}, onWarning: ({ message }) => warnings.push(message) });
  expect([project.name, warnings]).toEqual(['linked', [expect.stringContaining('symbolic link')]]);
});

describe('variables', () => {
  const printed = 'services: {web: {image: "${V:-unset}"}}';
  const files = { 'compose.yaml': printed, '.env': 'V=dotenv', 'other.env': 'V=other', 'more.env': 'V=more' };

  test.each([
    ['the environment over every file', { environment: { V: 'shell' }, envFiles: ['other.env'] }, 'shell'],
    ['the last env file named', { envFiles: ['other.env', 'more.env'] }, 'more'],
    ['COMPOSE_ENV_FILES', { environment: { COMPOSE_ENV_FILES: 'other.env' } }, 'other'],
    ['.env', {}, 'dotenv'],
    ['the default when .env is switched off', { environment: { COMPOSE_DISABLE_ENV_FILE: '1' } }, 'unset'],
  ])('come from %s', async (_, options, value) => {
    expect(await web(files, options)).toMatchObject({ image: value });
  });

  test('a variable that is not set warns once', async () => {
    const { warnings } = await load('services: {web: {image: "a$B", user: "$B"}}');
    expect(warnings).toEqual(['The "B" variable is not set. Defaulting to a blank string.']);
  });

  test('values take the type of their attribute', async () => {
    const text = 'services: {web: {image: a, tty: "${T}", scale: "${N}", cpus: "${F}", ulimits: {nofile: "${N}"}}}';
    const environment = { T: 'yes', N: '3', F: '0.5' };
    expect(await web(text, { environment })).toMatchObject({ tty: true, scale: 3, cpus: 0.5, ulimits: { nofile: 3 } });
  });

  test('names and keys are not filled in, and dollars come out doubled', async () => {
    const text = 'services: {web: {image: a, labels: {"$K": "$$v"}}}';
    expect(await web(text)).toMatchObject({ labels: { $$K: '$$v' } });
  });
});

describe('several files', () => {
  async function merged(base: string, over: string): Promise<Record<string, unknown>> {
    const file = (body: string): string => `services:\n  web:\n${body.replace(/^/gm, '    ')}\n`;
    const files = { 'a.yml': file(`image: i\n${base}`), 'b.yml': file(over) };
    const service = await web(files, { files: ['a.yml', 'b.yml'] });
    const shown = Object.entries(service).filter(
      ([key, value]) => !['image', 'networks'].includes(key) && value !== null,
    );
    return Object.fromEntries(shown);
  }

  test.each([
    ['a command replaces', 'command: [a, b]', 'command: [c]', { command: ['c'] }],
    ['a null command brings back the image’s', 'command: [a]', 'command:', {}],
    ['an empty command clears', 'command: [a]', 'command: []', { command: [] }],
    [
      'environment merges by name over both forms',
      'environment: {A: 1, B: 2}',
      'environment: [B=3, C=4]',
      { environment: { A: '1', B: '3', C: '4' } },
    ],
    [
      'ports append, equal ones once',
      'ports: ["80:80"]',
      'ports: ["80:80", "81:81"]',
      {
        ports: [
          { mode: 'ingress', target: 80, published: '80', protocol: 'tcp' },
          { mode: 'ingress', target: 81, published: '81', protocol: 'tcp' },
        ],
      },
    ],
    [
      'mounts merge by target',
      'volumes: [/a:/x, /b:/y]',
      'volumes: [/c:/x]',
      {
        volumes: [
          { type: 'bind', source: '/c', target: '/x', bind: { create_host_path: true } },
          { type: 'bind', source: '/b', target: '/y', bind: { create_host_path: true } },
        ],
      },
    ],
    ['dns appends, equal ones once', 'dns: 1.1.1.1', 'dns: [8.8.8.8, 1.1.1.1]', { dns: ['1.1.1.1', '8.8.8.8'] }],
    ['a list of labels and a mapping meet', 'labels: [a=1]', 'labels: {b: }', { labels: { a: '1', b: '' } }],
    [
      'logging options of one driver merge',
      'logging: {driver: x, options: {a: "1"}}',
      'logging: {options: {b: "2"}}',
      {
        logging: { driver: 'x', options: { a: '1', b: '2' } },
      },
    ],
    [
      'another logging driver drops the options',
      'logging: {driver: x, options: {a: "1"}}',
      'logging: {driver: y}',
      { logging: { driver: 'y' } },
    ],
    ['ulimits replace', 'ulimits: {nofile: {soft: 1, hard: 2}}', 'ulimits: {nofile: 5}', { ulimits: { nofile: 5 } }],
    [
      'extra_hosts append what is new',
      'extra_hosts: [a=1.1.1.1]',
      'extra_hosts: [a=1.1.1.1, b=2.2.2.2]',
      { extra_hosts: ['a=1.1.1.1', 'b=2.2.2.2'] },
    ],
    [
      'a null build keeps the earlier one',
      'build: /a',
      'build:',
      { build: { context: '/a', dockerfile: 'Dockerfile' } },
    ],
    ['an empty container name takes the earlier one back', 'container_name: one', 'container_name: "${NONE}"', {}],
    ['!reset takes away', 'user: u\nlabels: {a: b}', 'user: !reset null\nlabels: !reset {}', {}],
    ['!override replaces', 'labels: {a: b}', 'labels: !override {c: d}', { labels: { c: 'd' } }],
  ])('%s', async (_, base, over, result) => {
    expect(await merged(base, over)).toEqual(result);
  });

  test('an empty list of services is refused in any of them', async () => {
    const files = { 'compose.yaml': 'services: {a: {image: x}}', 'compose.override.yaml': 'services:\n  # b:\n' };
    expect(await failure(files)).toContain('compose.override.yaml:1:1: services must be a mapping');
  });

  test('a build text and a build mapping merge', async () => {
    const files = { 'a.yml': 'services: {web: {build: ./app}}', 'b.yml': 'services: {web: {build: {target: t}}}' };
    expect(await web(files, { files: ['a.yml', 'b.yml'] })).toMatchObject({
      build: { context: '$DIR/app', dockerfile: 'Dockerfile', target: 't' },
    });
  });

  test('documents of one file merge like files', async () => {
    expect(await web('services: {web: {image: a}}\n---\nservices: {web: {user: u}}\n')).toMatchObject({
      image: 'a',
      user: 'u',
    });
    expect(await web('services: {web: {\nimage: a\n}}\n---\nservices: {web: {user:\nu}}\n')).toMatchObject({
      image: 'a',
      user: 'u',
    });
  });
});

describe('anchors and merge keys', () => {
  test('own keys win over merged ones, earlier merges over later ones', async () => {
    const text = `
x-a: &a {user: a, hostname: a, image: a}
x-b: &b {user: b, domainname: b}
services:
  web:
    hostname: own
    <<: [*a, *b]
`;
    expect(await web(text)).toMatchObject({ user: 'a', hostname: 'own', image: 'a', domainname: 'b' });
  });
});

test.each(['include: [{path: []}]', 'include: [{}]', 'include: [null]'])(
  '%s includes nothing, and is told',
  async (text) => {
    const { project, warnings } = await load(`${text}\nservices: {web: {image: x}}\n`);
    expect(project.model.services['web']?.image).toBe('x');
    expect(warnings).toEqual(['include[0] names no file, and includes nothing']);
  },
);

test('anchors stand on keys too, and for later documents', async () => {
  const text = 'services: {web: &w {image: x, labels: {&k a: 1, b: *k }}}\n---\nservices: {db: *w}\n';
  const labels = { a: '1', b: 'a' };
  expect((await config(text)).services).toMatchObject({ web: { labels }, db: { image: 'x', labels } });
});

test('tags of YAML that say more than a type are read as what they stand on', async () => {
  expect(await web('services: {web: {image: x, labels: !!set {a, b: c}, user: !!binary YQ==}}')).toMatchObject({
    labels: { a: '', b: 'c' },
    user: 'a',
  });
  expect(await failure('services: {web: {image: x, labels: !!omap [a: b]}}')).toContain('services.web.labels');
  expect(await failure('services: {web: {image: !!binary "@@"}}')).toContain('must be Base64');
});

test('a carriage return ends a line, also without a line feed', async () => {
  expect(await web('services:\r  web:\r\n    image: x\r    command: |\r      a\r      b\r')).toMatchObject({
    image: 'x',
    command: ['a', 'b'],
  });
});

describe('extends', () => {
  test('a file that several services extend is read once', async () => {
    const trace = new Trace();
    const files = {
      'compose.yaml':
        'services: {a: {extends: {file: b.yaml, service: b}}, c: {extends: {file: b.yaml, service: b}, tty: true}}',
      'b.yaml': 'services: {b: {image: x, extends: d}, d: {command: run}}',
    };
    const { services } = await config(files, { trace });
    expect(services).toMatchObject({ a: { image: 'x', command: ['run'] }, c: { command: ['run'], tty: true } });
    expect(trace.documents.map(({ source }) => basename(source.file))).toEqual(['compose.yaml', 'b.yaml']);
  });

  test('within a file, in a chain', async () => {
    const text = `
services:
  base: {image: b, environment: {A: 1, B: 1}, ports: ["1:1"]}
  middle: {extends: base, environment: {B: 2}}
  web: {extends: {service: middle}, environment: [C=3], command: run}
`;
    expect(await web(text)).toMatchObject({
      image: 'b',
      environment: { A: '1', B: '2', C: '3' },
      command: ['run'],
      ports: [{ target: 1 }],
    });
  });

  test('of another file, whose paths are relative to it', async () => {
    const files = {
      'compose.yaml': 'services: {web: {extends: {file: lib/base.yaml, service: b}, volumes: [./own:/own]}}',
      'lib/base.yaml': 'services: {b: {build: ., volumes: [./data:/data], env_file: v.env}}',
      'lib/v.env': 'FROM=lib',
    };
    expect(await web(files)).toMatchObject({
      build: { context: '$DIR/lib' },
      environment: { FROM: 'lib' },
      volumes: [{ source: '$DIR/lib/data' }, { source: '$DIR/own' }],
    });
  });
});

describe('include', () => {
  const files = {
    'compose.yaml': `
include:
  - path: sub/compose.yaml
    env_file: inc.env
services:
  web: {image: w, depends_on: [db]}
`,
    'inc.env': 'TAG=1',
    'sub/compose.yaml': 'services: {db: {image: "db:${TAG}", volumes: [./d:/d, vol:/v]}}\nvolumes: {vol: }',
  };

  test('brings in services and resources, with variables and paths of their own', async () => {
    const result = await config(files);
    expect(result.services['db']).toMatchObject({
      image: 'db:1',
      volumes: [{ source: '$DIR/sub/d' }, { source: 'vol' }],
    });
    expect(result['volumes']).toEqual({ vol: { name: 'demo_vol' } });
  });

  test('what the including file says lies over what it includes', async () => {
    const over = { ...files, 'compose.yaml': `${files['compose.yaml']}  db: {user: me}\n` };
    expect((await config(over)).services['db']).toMatchObject({ image: 'db:1', user: 'me' });
  });

  test('nests, each level relative to its own folder', async () => {
    const nested = {
      'compose.yaml': 'include: [a/compose.yaml]',
      'a/compose.yaml': 'include: [b/compose.yaml]',
      'a/b/compose.yaml': 'services: {web: {build: ./x}}',
    };
    expect(await web(nested)).toMatchObject({ build: { context: '$DIR/a/b/x' } });
  });
});

describe('profiles and selection', () => {
  const text = `
services:
  web: {image: w, depends_on: {db: {condition: service_started, required: false}}, networks: [front]}
  db: {image: d, profiles: [data], networks: [back], volumes: [vol:/v]}
  tool: {image: t, profiles: [tools], depends_on: [web]}
networks: {front: , back: , never: }
volumes: {vol: }
`;

  test('services without an active profile are set aside, with what only they use', async () => {
    const { project } = await load(text);
    expect(Object.keys(project.model.services)).toEqual(['web']);
    expect(Object.keys(project.disabledServices)).toEqual(['db', 'tool']);
    expect(Object.keys(project.model.networks ?? {})).toEqual(['front']);
    expect(Object.keys(project.unusedResources.networks ?? {})).toEqual(['back', 'default', 'never']);
  });

  test.each([
    ['a profile', { profiles: ['data'] }, ['db', 'web']],
    ['the variable', { environment: { COMPOSE_PROFILES: 'data, tools' } }, ['db', 'tool', 'web']],
    ['a star', { profiles: ['*'] }, ['db', 'tool', 'web']],
  ])('%s enables them', async (_, options, services) => {
    const { project } = await load(text, options);
    expect(Object.keys(project.model.services)).toEqual(services);
  });

  test('naming a service enables it, takes its dependencies along and brings back its resources', async () => {
    const { project } = await load(text);
    const selected = selectServices(project, ['tool', 'db'], { withDependencies: true });
    expect(Object.keys(selected.model.services)).toEqual(['db', 'tool', 'web']);
    expect(Object.keys(selected.model.volumes ?? {})).toEqual(['vol']);
    const alone = selectServices(project, ['tool'], { withDependencies: false });
    expect(Object.keys(alone.model.services)).toEqual(['tool']);
    expect(alone.model.services['tool']?.depends_on).toBeUndefined();
  });

  test('without a profile the one of no name is active', async () => {
    const text = 'services: {a: {image: x, profiles: ["${OWN}"]}, b: {image: x, profiles: [p]}}';
    expect(Object.keys((await load(text)).project.model.services)).toEqual(['a']);
    const { project } = await load(text, { profiles: ['p'] });
    expect(Object.keys(project.model.services)).toEqual(['b']);
  });

  test('an unknown service is refused, with the nearest name', async () => {
    const { project } = await load(text);
    expect(() => selectServices(project, ['wbe'], { withDependencies: true })).toThrow('no such service: wbe');
    expect(() => selectServices(project, ['constructor'], { withDependencies: true })).toThrow('no such service');
  });
});

describe('env_file and label_file', () => {
  test('later files win, environment wins over files, names without a value look around', async () => {
    const files = {
      'compose.yaml': `
services:
  web:
    image: x
    env_file: [a.env, {path: b.env, required: true}, {path: gone.env, required: false}, {path: raw.env, format: raw}]
    environment: [OWN=own, SHELL, NOWHERE]
    label_file: l.env
    labels: {two: own}
`,
      'a.env': 'A=a\nB=a\nOWN=a\nNOWHERE=file\nX=${B}-${SHELL}',
      'b.env': 'B=b\nY=${A}',
      'raw.env': 'R="$A"',
      'l.env': 'one=1\ntwo=2',
    };
    expect(await web(files, { environment: { SHELL: 's' } })).toMatchObject({
      environment: { A: 'a', B: 'b', NOWHERE: null, OWN: 'own', R: '"$$A"', SHELL: 's', X: 'a-s', Y: 'a' },
      labels: { one: '1', two: 'own' },
    });
  });
});

describe('what is implied', () => {
  test('dependencies follow from links and shared namespaces, the default network from use', async () => {
    const result = await config(`
services:
  web: {image: w, links: ["a:alias"], network_mode: "service:b", volumes_from: ["c:ro"], pid: "service:d"}
  a: {image: a}
  b: {image: b}
  c: {image: c}
  d: {image: d}
`);
    expect(result.services['web']?.['depends_on']).toEqual({
      a: { condition: 'service_started', restart: true, required: true },
      b: { condition: 'service_started', restart: true, required: true },
      c: { condition: 'service_started', required: true },
      d: { condition: 'service_started', restart: true, required: true },
    });
    expect(result['networks']).toEqual({ default: { name: 'demo_default', ipam: {} } });
  });

  test('resources are named after the project, external ones by their key or name', async () => {
    const result = await config(`
services: {web: {image: w, networks: [a, b, c], volumes: [vol:/v]}}
networks: {a: , b: {external: true}, c: {external: {name: real}}}
volumes: {vol: {name: own}}
`);
    expect(result['networks']).toEqual({
      a: { name: 'demo_a', ipam: {} },
      b: { name: 'b', external: true, ipam: {} },
      c: { name: 'real', external: true, ipam: {} },
    });
    expect(result['volumes']).toEqual({ vol: { name: 'own' } });
  });
});

test('positions survive every stage', async () => {
  const { project, directory } = await load({
    'compose.yaml': 'services:\n  web:\n    image: a\n    ports:\n      - "80:80"\n',
    'compose.override.yaml': 'services:\n  web:\n    ports:\n      - "81:81"\n    user: me\n',
  });
  const place = (...path: (string | number)[]): string => {
    const at = project.locate(path);
    return at === undefined ? 'nowhere' : `${at.file.replace(`${directory}/`, '')}:${at.line}:${at.column}`;
  };
  expect(place('services', 'web', 'image')).toBe('compose.yaml:3:12');
  expect(place('services', 'web', 'ports', 0)).toBe('compose.yaml:5:9');
  expect(place('services', 'web', 'ports', 1, 'target')).toBe('compose.override.yaml:4:9');
  expect(place('services', 'web', 'user')).toBe('compose.override.yaml:5:11');
  expect(place('services', 'gone')).toMatch(/^compose/);
});

test('names of the language are data like any other', async () => {
  const result = await config(`
services:
  __proto__: {image: p, labels: {__proto__: a, constructor: b}}
  constructor: {image: c, environment: {valueOf: d, toString: }}
`);
  expect(Object.keys(result.services).sort()).toEqual(['__proto__', 'constructor']);
  expect(result.services.constructor).toMatchObject({ image: 'c', environment: { toString: null, valueOf: 'd' } });
  expect(({} as Record<string, unknown>)['image']).toBeUndefined();
});

test('what is rendered loads again as the same project', async () => {
  const { project } = await load({
    'compose.yaml': `
services:
  web:
    build: {context: ., args: [A=1], extra_hosts: [h=1.1.1.1]}
    command: sh -c "echo $$HOME"
    ports: ["127.0.0.1:8080-8081:80-81", 90]
    volumes: [vol:/v:ro, ./b:/b, {type: tmpfs, target: /t, tmpfs: {size: 1m}}]
    deploy: {resources: {limits: {cpus: "0.5", memory: 64m}}}
    healthcheck: {test: curl localhost, interval: 90s}
    secrets: [s]
    x-note: {a: [1, 2]}
volumes: {vol: {labels: {a: b}}}
secrets: {s: {file: ./s}}
`,
  });
  for (const format of ['yaml', 'json'] as const) {
    const again = await load({ 'compose.yaml': renderProject(project, { format }) });
    expect(renderProject(again.project, { format })).toBe(renderProject(project, { format }));
  }
});

describe('stages left out', () => {
  const text = `
services:
  web: {image: "a:\${TAG}", scale: "\${N}", build: ./app, volumes: ["./x:/x", "\${V}:/v"]}
`;

  test('without interpolation the merged tree is shown, variables and all', async () => {
    const { project, directory } = await load(text, { without: ['interpolate'] });
    const raw = JSON.parse(renderProject(project, { format: 'json', escapeDollars: false })) as Config;
    expect(raw.services['web']).toMatchObject({
      image: 'a:${TAG}',
      scale: '${N}',
      build: { context: join(directory, 'app') },
      volumes: [
        { type: 'bind', source: join(directory, 'x'), target: '/x' },
        { type: 'volume', source: '${V}', target: '/v' },
      ],
    });
  });

  test('without interpolation a name without a value gets none', async () => {
    const written = { environment: ['A', 'B='], build: { args: ['A'] } };
    const inList = JSON.stringify({ services: { web: written } });
    const inMap = 'services: {web: {build: {args: {A: }}, environment: {A: }}}';
    const options = { without: ['interpolate'], environment: { A: '1' } } as const;
    const shown = async (text: string): Promise<unknown> =>
      (JSON.parse(renderProject((await load(text, options)).project, { format: 'json' })) as Config).services['web'];
    expect(await shown(inList)).toMatchObject(written);
    expect(await shown(inMap)).toMatchObject({ environment: { A: null }, build: { args: { A: null } } });
  });

  test('without path resolution paths stay relative', async () => {
    const files = {
      'compose.yaml': 'services: {web: {extends: {file: lib/b.yaml, service: b}}}',
      'lib/b.yaml': 'services: {b: {build: ./app}}',
    };
    expect(await web(files, { without: ['paths'] })).toMatchObject({ build: { context: 'lib/app' } });
  });

  test('a home that is empty is none', async () => {
    const text = 'services: {web: {build: ~/app}}';
    expect(await web(text, { environment: { HOME: '/h' } })).toMatchObject({ build: { context: '/h/app' } });
    expect(await web(text, { environment: { HOME: '' } })).toMatchObject({ build: { context: '$DIR/~/app' } });
  });

  test('files of a service are found all the same', async () => {
    const files = {
      'compose.yaml': 'services: {web: {image: a, env_file: e.env, label_file: l.env}}',
      'e.env': 'A=1',
      'l.env': 'B=2',
    };
    expect(await web(files, { without: ['paths'] })).toMatchObject({ environment: { A: '1' }, labels: { B: '2' } });
  });

  test('without normalisation nothing is implied', async () => {
    const result = await config('services: {web: {image: a, volumes: ["vol:/v"]}}\nvolumes: {vol: }', {
      without: ['normalize'],
    });
    expect(result).toEqual({
      name: 'demo',
      services: {
        web: {
          command: null,
          entrypoint: null,
          image: 'a',
          volumes: [{ type: 'volume', source: 'vol', target: '/v', volume: {} }],
        },
      },
      volumes: { vol: {} },
    });
  });

  test('without consistency checks undefined references pass', async () => {
    expect(await web('services: {web: {image: a, secrets: [nothing]}}', { without: ['consistency'] })).toHaveProperty(
      'secrets',
    );
  });
});

test('files that include each other in ever more ways are loaded once each', async () => {
  const files: Record<string, string> = { 'compose.yaml': 'include: [l0.yaml]\n' };
  for (let level = 0; level < 24; level++) {
    files[`l${level}.yaml`] = `include: [l${level + 1}.yaml, ./l${level + 1}.yaml]\n`;
  }
  files['l24.yaml'] = 'services: {web: {image: nginx, security_opt: [a]}}\n';
  const { project } = await load(files);
  expect(project.model.services['web']?.security_opt).toEqual(['a']);
});

test('an unknown key in an include is read over, with a warning', async () => {
  const { project, warnings } = await load({
    'compose.yaml': 'include: [{path: a.yaml, pth: b}]\n',
    'a.yaml': 'services: {web: {image: nginx}}\n',
  });
  expect(Object.keys(project.model.services)).toEqual(['web']);
  expect(warnings).toEqual(['unknown key "pth" in include[0]']);
});
