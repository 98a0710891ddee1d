import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';

const missing = engineMissing();

/** Notes how it is called; what it answers is in the variables of the project. */
const provider = `#!/bin/sh
echo "$*" >> "$CALLS"
[ "$2" = metadata ] && exit 1
echo '{"type":"info","message":"at work"}'
[ -z "$FAILS" ] || echo '{"type":"error","message":"no quota left"}'
[ -z "$BREAKS" ] || { echo 'no key' >&2; exit 3; }
[ -z "$BABBLES" ] || echo 'hello there'
if [ -n "$HANGS" ]; then trap 'echo ended >> "$CALLS"; exit 0' TERM; echo "$$" > "$HANGS"; while :; do sleep 0.1; done; fi
[ "$3" != up ] || printf '%s\\n' '{"type":"setenv","message":"URL=db://a=b"}' '{"type":"rawsetenv","message":"REGION=eu"}'
`;

/** docker's model runner, as far as compose asks it. */
const runner = `#!/bin/sh
echo "$*" >> "$CALLS"
case "$1" in
ls) echo '[{"tags":["ai/other"]}]' ;;
status) echo '{"endpoint":"http://models/"}' ;;
esac
`;

describe.skipIf(missing !== undefined)('services of providers', () => {
  let sandbox: EngineSandbox;
  let cwd: string;
  let calls: string;
  let env: Record<string, string>;
  const compose = `
name: provided
services:
  db:
    provider:
      type: cloudy
      options: {size: 3, tag: [a, b]}
  web:
    image: busybox
    command: sh -c 'echo "$$DB_URL $$REGION"; sleep 1000'
    stop_grace_period: 0s
    depends_on: {db: {condition: service_healthy}}
`;

  beforeAll(async () => {
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project('provided', { 'compose.yaml': compose, 'bin/cloudy': provider, 'docker/x': '' });
    chmodSync(join(cwd, 'bin/cloudy'), 0o755);
    const plugins = join(cwd, 'docker/cli-plugins');
    mkdirSync(plugins);
    writeFileSync(join(plugins, 'docker-model'), runner, { mode: 0o755 });
    calls = join(cwd, 'calls');
    const path = `${join(cwd, 'bin')}:${process.env['PATH'] ?? ''}`;
    env = { PATH: path, CALLS: calls, DOCKER_CONFIG: join(cwd, 'docker') };
  });

  beforeEach(() => {
    rmSync(calls, { force: true });
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  const called = (): string[] =>
    readFileSync(calls, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && line !== 'compose metadata');

  test('up asks the provider, gives its variables to who depends on it, and changes nothing the second time', async () => {
    const up = await sandbox.run(['--progress', 'plain', 'up', '-d'], { cwd, env });
    expect(up).toMatchObject({ exitCode: 0 });
    expect(up.stderr).toContain(' Service db  Working at work\n Service db  Created\n');
    expect(called()).toEqual(['compose --project-name=provided up --size=3 --tag=a --tag=b db']);
    await eventually(
      'its log',
      async () => (await sandbox.ok(['logs', '--no-log-prefix'], { cwd, env })) === 'db://a=b eu\n',
    );
    const again = await sandbox.run(['--progress', 'plain', 'up', '-d'], { cwd, env });
    expect(again.stderr).toContain('Container provided-web-1  Running');
    expect(again.stderr).not.toContain('Recreate');
    expect((await sandbox.ok(['ps', '--services'], { cwd, env })).trim()).toBe('web');
  });

  test('stop leaves it alone, down releases it', async () => {
    await sandbox.ok(['stop'], { cwd, env });
    expect(called()).toEqual([]);
    await sandbox.ok(['down'], { cwd, env });
    expect(called()).toEqual(['compose --project-name=provided down --size=3 --tag=a --tag=b db']);
  });

  test.each([
    ['FAILS', 'cannot bring up service "db" with its provider "cloudy": no quota left'],
    ['BREAKS', 'cannot bring up service "db" with its provider "cloudy": it ended with exit code 3', '| no key'],
    ['BABBLES', 'with its provider "cloudy": it wrote what is no message of a provider: hello there'],
  ])('a provider that %s ends up with its place in the file', async (variable, ...messages) => {
    const up = await sandbox.run(['up', '-d'], { cwd, env: { ...env, [variable]: '1' } });
    expect(up).toMatchObject({ exitCode: 1 });
    expect(up.stderr).toContain('compose.yaml:6:');
    for (const message of messages) expect(up.stderr).toContain(message);
    expect(await sandbox.ok(['ps', '-aq'], { cwd, env })).toBe('');
  });

  test('an interrupt reaches a provider at work', async () => {
    const hangs = join(cwd, 'hangs');
    const { child, ended } = sandbox.start(['up', '-d'], { cwd, env: { ...env, HANGS: hangs } });
    await eventually('the provider at work', () => existsSync(hangs));
    child.kill('SIGINT');
    expect((await ended).exitCode).toBe(130);
    expect(called().at(-1)).toBe('ended');
  });

  test('a model is pulled and configured, and the service told where it is', async () => {
    const file = `
name: provided
services:
  web: {image: busybox, command: sh -c 'env | grep LLM | sort', models: [llm]}
models: {llm: {model: ai/small, context_size: 10, runtime_flags: [--fast]}}
`;
    writeFileSync(join(cwd, 'models.yaml'), file);
    const up = await sandbox.ok(['-f', 'models.yaml', 'up', '--no-log-prefix'], { cwd, env });
    expect(up).toContain('LLM_MODEL=ai/small\nLLM_URL=http://models/\n');
    expect(called()).toEqual([
      ...['ls --json', 'pull ai/small', 'configure --context-size 10 ai/small -- --fast', 'status --json'],
    ]);
  });
});
