import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { migrateFile } from '../../../src/compose/index.js';
import { config, load } from './load-text.js';

const migrated = (text: string) => migrateFile('docker-compose.yml', text).text;
const said = (text: string) =>
  migrateFile('docker-compose.yml', text).changes.map(
    ({ kind, what, at }) => `${at.line}:${at.column} ${kind} ${what}`,
  );

const firstFormat = `# the shop

web:   # front
    build: ./web     # the context
    links:
        - db:database
    # which file
    dockerfile: Dockerfile.dev   # for development
    net: "container:db"   # share
    log_driver: "syslog"
    ports: ["80:80"]
    log_opt:              # where
        syslog-address: "tcp://192.0.2.1:514"
        # inner
        tag: x
    volumes_from:
        - db
        - 'other:ro'   # elsewhere

# the database
db:
    image: postgres
    volume_driver: flocker
    volumes:
        - data:/var/lib/postgresql
        - ./x:/y
    command: >
        sh -c "a
        b"
`;

describe('a file of the first format', () => {
  test('keeps comments, order, quotes and indentation', () => {
    expect(migrated(firstFormat)).toBe(`# the shop

services:
    web:   # front
        build:
            context: ./web     # the context
            # which file
            dockerfile: Dockerfile.dev   # for development
        links:
            - db:database
        network_mode: "service:db"   # share
        logging:
            driver: "syslog"
            options:              # where
                syslog-address: "tcp://192.0.2.1:514"
                # inner
                tag: x
        ports: ["80:80"]
        volumes_from:
            - db
            - 'container:other:ro'   # elsewhere

    # the database
    db:
        image: postgres
        volumes:
            - data:/var/lib/postgresql
            - ./x:/y
        command: >
            sh -c "a
            b"

volumes:
    data:
        name: data
        driver: "flocker"
`);
  });

  test('is told what was changed, at the places it stood', () => {
    expect(said(firstFormat)).toEqual([
      '3:1 change top level → services',
      '8:5 change web.dockerfile → build.dockerfile',
      '9:5 change web.net → network_mode',
      '9:11 change web.net "container:db" → "service:db"',
      '10:5 change web.log_driver → logging.driver',
      '12:5 change web.log_opt → logging.options',
      '18:12 change web.volumes_from "other:ro" → "container:other:ro"',
      '23:5 change db.volume_driver → driver of data',
      '25:11 change volumes.data declared',
    ]);
  });

  test('loads afterwards', async () => {
    const { services, volumes } = await config(migrated(firstFormat));
    expect(services['web']).toMatchObject({
      build: { context: '$DIR/web', dockerfile: 'Dockerfile.dev' },
      logging: { driver: 'syslog', options: { 'syslog-address': 'tcp://192.0.2.1:514', tag: 'x' } },
      network_mode: 'service:db',
    });
    expect(volumes).toEqual({ data: { name: 'data', driver: 'flocker' } });
    expect(migrateFile('x', firstFormat)).toMatchObject({ from: '1', remaining: [] });
  });

  test('may be written in braces', () => {
    const text = '{web: {image: x, log_driver: none, build: ., dockerfile: D, volumes: ["data:/d"]}} # all\n';
    expect(migrated(text)).toBe(
      '{services: {web: {image: x, logging: {driver: none}, build: {context: ., dockerfile: D}, volumes: ["data:/d"]}}, volumes: {data: {name: data}}} # all\n',
    );
  });

  test('keeps anchors; a dockerfile finds the build it was merged with', async () => {
    const text = 'base: &base\n  build: ./app\n  log_driver: none\nweb:\n  <<: *base\n  dockerfile: D\n';
    expect(migrated(text)).toBe(
      'services:\n  base: &base\n    build: ./app\n    logging:\n      driver: none\n  web:\n    <<: *base\n    build:\n      context: "./app"\n      dockerfile: D\n',
    );
    const { services } = await config(migrated(text));
    expect(services['web']).toMatchObject({
      build: { context: '$DIR/app', dockerfile: 'D' },
      logging: { driver: 'none' },
    });
  });

  test('points at a file it extends', () => {
    const text = 'web:\n  extends: {file: common.yml, service: base}\n';
    expect(said(text)).toContain('2:13 note web.extends.file');
  });
});

describe('a file of format 2 or 3', () => {
  test('loses its version, and external names move out', () => {
    const text = `version: "3.4"   # old

services:
  web:
    image: x
    networks: [a, b, c]

networks:
  a:
    # which
    external:
      name: shared_a   # theirs
  b: {external: {name: b_b}}
  c:
    external: {name: c_c}   # trailing
`;
    expect(migrated(text)).toBe(`# old

services:
  web:
    image: x
    networks: [a, b, c]

networks:
  a:
    # which
    external: true
    name: shared_a   # theirs
  b: {name: b_b, external: true}
  c:
    name: c_c
    external: true   # trailing
`);
    expect(migrateFile('x', text).from).toBe('3.4');
  });

  test.each([
    ['{version: "3", # why\n services: {}}', '{ # why\n services: {}}'],
    ['{services: {}, # why\n version: "3"}', '{services: {}, # why\n}'],
  ])('in braces keeps its comments: %j', (text, expected) => {
    expect(migrated(text)).toBe(expected);
  });

  test('a volume driver goes to the volumes of the service', () => {
    const text =
      'version: "2.1"\nservices:\n  web:\n    image: x\n    volume_driver: nfs\n    volumes: [one:/1, two:/2, four:/4]\nvolumes:\n  one:\n  two: {}\n  three:\n  four:\n    driver: local\n';
    expect(migrated(text)).toBe(
      'services:\n  web:\n    image: x\n    volumes: [one:/1, two:/2, four:/4]\nvolumes:\n  one:\n    driver: "nfs"\n  two: {driver: "nfs"}\n  three:\n  four:\n    driver: local\n',
    );
  });

  test('what has two names is left to the author', () => {
    const text = 'services: {web: {image: x}}\nnetworks:\n  a:\n    name: one\n    external: {name: two}\n';
    expect(migrated(text)).toBe(text);
    expect(said(text)).toEqual(['5:5 note networks.a.external.name']);
  });

  test("what today's format refuses all the same is told, at its place in the new text", () => {
    const { remaining } = migrateFile('x', 'version: "2"\nservices:\n  web:\n    imag: x\n');
    expect(remaining.map(({ code, at }) => [code, at?.line])).toEqual([['compose/unknown-key', 3]]);
  });
});

test('the warning about the version is gone', async () => {
  const text = 'version: "3"\nservices: {web: {image: x}}\n';
  expect((await load(text)).warnings).toHaveLength(1);
  expect((await load(migrated(text))).warnings).toEqual([]);
});

test('a file in today’s format comes back byte for byte', () => {
  const text = 'services:\r\n    web: {image: x} # one\r\n\r\n';
  expect(migrateFile('x', text)).toEqual({ text, from: undefined, changes: [], remaining: [] });
});

/** Files of format 2 and 3, put together out of pieces in the layouts people use. */
const files = fc
  .record({
    version: fc.constantFrom('version: "2"', "version: '2.1'  # old", 'version: "3.8"', '"version": "3"', ''),
    before: fc.constantFrom('', '# head\n', '# head\n\n', '---\n', '\n'),
    after: fc.constantFrom('', '\n', '\n\n', '# next\n'),
    lineBreak: fc.constantFrom('\n', '\r\n'),
    indent: fc.constantFrom('  ', '    '),
    externals: fc.array(
      fc.constantFrom(
        ['external:', '  name: shared # c'],
        ['external:', '  # why', '  name: "shared"'],
        ['external: {name: shared}'],
        ['external: { name: "shared" } # c', 'labels: {}'],
        ['external: true'],
        ['driver: bridge', 'external: {name: shared}'],
        ['name: shared', 'external: {name: shared}'],
        ['name: shared', 'external:', '  name: shared'],
      ),
      { maxLength: 4 },
    ),
    versionLast: fc.boolean(),
    lastBreak: fc.boolean(),
  })
  .map(({ version, before, after, lineBreak, indent, externals, versionLast, lastBreak }) => {
    const own = externals.flatMap((lines, index) => [
      `${indent}n${index}:`,
      ...lines.map((line) => `${indent}${indent}${line}`),
    ]);
    const names = externals.map((_, index) => `n${index}`).join(', ');
    const body = [
      'services:',
      `${indent}web:`,
      `${indent}${indent}image: x # web`,
      ...(names === '' ? [] : [`${indent}${indent}networks: [${names}]`]),
      ...(own.length === 0 ? [] : ['networks:', ...own]),
    ].join('\n');
    const head = version === '' ? '' : `${version}\n`;
    const text = versionLast ? `${before}${body}\n${after}${head}` : `${before}${head}${after}${body}\n`;
    return (lastBreak ? text : text.trimEnd()).replaceAll('\n', lineBreak);
  });

test('config says the same before and after, and nothing is left to change', async () => {
  const comments = (text: string) => text.match(/#.*/g) ?? [];
  await fc.assert(
    fc.asyncProperty(files, async (text) => {
      const result = migrateFile('compose.yaml', text);
      expect(await config(result.text)).toEqual(await config(text));
      expect(migrateFile('compose.yaml', result.text)).toMatchObject({ text: result.text, changes: [] });
      expect(comments(result.text).sort()).toEqual(comments(text).sort());
    }),
    { numRuns: 40 },
  );
});
