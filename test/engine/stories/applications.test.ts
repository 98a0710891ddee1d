import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { curl, engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';
import { hostStateOnce, isAsBefore, leftBehind, readHostState, type HostState } from '../../support/host-state.js';

interface Application {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly port: number;
  /** What it serves once all its parts answer. */
  readonly serves: string;
}

/** Answers whoever connects with what a command prints, as often as someone does. */
const answering = (port: number, command: string): string => `while :; do nc -l -p ${port} -e ${command}; done`;

const applications: readonly Application[] = [
  {
    name: 'shop',
    port: 18401,
    serves: 'apples from the database, 7 from the cache, s3cret',
    files: {
      'compose.yaml': `
services:
  web:
    build: {context: web, args: {PORT: "80"}}
    ports: ["127.0.0.1:18401:80"]
    depends_on:
      db: {condition: service_healthy}
      cache: {condition: service_started}
    secrets: [token]
    networks: [front, back]
    healthcheck: {test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1/index.html"], interval: 300ms, retries: 30}
    restart: always
  db:
    image: busybox
    command: [sh, -c, "[ -e /data/rows ] || echo apples > /data/rows; ${answering(5000, '/bin/cat /data/rows').replaceAll('"', '\\"')}"]
    volumes: [rows:/data]
    networks: [back]
    healthcheck: {test: "nc 127.0.0.1 5000 < /dev/null | grep apples", interval: 300ms, retries: 20}
    stop_grace_period: 0s
  cache:
    image: busybox
    command: [sh, -c, "${answering(6000, '/bin/echo 7')}"]
    networks: {back: {aliases: [fast]}}
    tmpfs: [/scratch]
    stop_grace_period: 0s
volumes: {rows: {}}
networks: {front: {}, back: {internal: true}}
secrets: {token: {file: token.txt}}
`,
      'token.txt': 's3cret\n',
      'web/Dockerfile': `FROM busybox
ARG PORT
COPY index.sh /www/cgi-bin/index.sh
RUN chmod +x /www/cgi-bin/index.sh && echo ok > /www/index.html
ENV PORT=$PORT
STOPSIGNAL SIGKILL
CMD ["sh", "-c", "exec httpd -f -p $PORT -h /www"]
`,
      'web/index.sh': `#!/bin/sh
echo "Content-Type: text/plain"
echo
echo "$(nc db 5000 < /dev/null) from the database, $(nc fast 6000 < /dev/null) from the cache, $(cat /run/secrets/token)"
`,
    },
  },
  {
    name: 'farm',
    port: 18402,
    serves: 'schema 1, done by 2 workers',
    files: {
      '.env': 'WORKERS=2\n',
      'compose.yaml': `
x-quick: &quick {image: busybox, stop_grace_period: 0s, volumes: ["shared:/shared"]}
services:
  migrate:
    <<: *quick
    command: [sh, -c, "echo 1 > /shared/schema"]
  worker:
    <<: *quick
    command: [sh, -c, "touch /shared/by-$$(hostname); exec sleep 1000"]
    depends_on: {migrate: {condition: service_completed_successfully}}
    deploy: {replicas: $WORKERS, resources: {limits: {memory: 32M}}}
  web:
    <<: *quick
    command: [sh, /site.sh]
    configs: [{source: site, target: /site.sh}]
    depends_on: [worker]
    ports: ["127.0.0.1:18402:8000"]
    init: true
  tools:
    <<: *quick
    profiles: [tools]
    command: rm -rf /shared/schema
volumes: {shared: {}}
configs:
  site:
    content: |
      mkdir -p /www/cgi-bin
      printf '#!/bin/sh\\necho\\necho "schema $$(cat /shared/schema), done by $$(ls /shared/by-* | wc -l) workers"\\n' \\
        > /www/cgi-bin/index.sh
      chmod +x /www/cgi-bin/index.sh
      exec httpd -f -p 8000 -h /www
`,
    },
  },
];

describe.skipIf(engineMissing() !== undefined)('applications of several services', () => {
  let before: HostState;
  let sandbox: EngineSandbox;

  beforeAll(async () => {
    before = readHostState();
    sandbox = await new EngineSandbox().withBusybox();
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  test.each(applications)(
    '$name comes up, serves, survives a restart, stays as it is at the next up and leaves nothing',
    async ({ name, files, port, serves }) => {
      const cwd = sandbox.project(name, files);
      const ids = async (): Promise<string> =>
        (await sandbox.ok(['ps', '-aq'], { cwd })).split('\n').sort().join('\n').trim();
      const served = async (): Promise<void> => {
        await eventually(`${name} serves "${serves}"`, () => {
          return curl(`http://127.0.0.1:${port}/cgi-bin/index.sh`)?.trim() === serves;
        });
      };
      await sandbox.ok(['up', '-d'], { cwd });
      const made = await ids();
      await served();
      await sandbox.ok(['restart', '-t', '0'], { cwd });
      await served();
      const again = await sandbox.run(['--progress', 'plain', 'up', '-d'], { cwd });
      expect(again).toMatchObject({ exitCode: 0 });
      expect(again.stderr).not.toMatch(/Creat|Recreat|Build|Pull/);
      expect(await ids()).toBe(made);
      await served();
      await sandbox.ok(['down', '-v', '--rmi', 'local'], { cwd });
      expect(await ids()).toBe('');
      expect(await sandbox.ok(['volumes', '-q'], { cwd })).toBe('');
    },
  );

  test('with the engine stopped the host is as before', async () => {
    await sandbox.ok(['engine', 'stop']);
    const after = await hostStateOnce((state) => isAsBefore(before, state, sandbox.engineId()));
    expect(leftBehind(before, after, sandbox.engineId())).toEqual({});
  });
});
