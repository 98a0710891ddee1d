import { readdirSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { composeLabels } from '../../../src/api/labels.js';
import { Interrupts, runCli } from '../../../src/cli/index.js';
import { FakeEngine, type FakeContainer } from '../../support/fake-engine.js';
import { folderPerTest, writeFiles } from '../../support/test-folder.js';

let engine: FakeEngine;
let interrupts: Interrupts;
let folder: string;
folderPerTest((path) => (folder = path));

beforeEach(async () => {
  engine = await FakeEngine.start();
  interrupts = new Interrupts(() => undefined);
});

afterEach(async () => {
  await engine.stop();
});

/** Runs a command line in this process. @returns its exit code, and what it has said on both streams so far */
function run(services: string, ...line: string[]): { readonly ended: Promise<number>; readonly said: () => string } {
  writeFiles(folder, { 'compose.yaml': `name: demo\nservices:\n${services}` });
  const output = new PassThrough();
  let text = '';
  output.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  const environment = { DOCKER_HOST: engine.host, HOME: folder, PATH: '' };
  const terminal = { stdin: new PassThrough(), stdout: output, stderr: output, environment, cwd: folder };
  return { ended: runCli(line, terminal, interrupts), said: () => text };
}

function isHook({ request }: FakeContainer): boolean {
  return request.Labels?.[composeLabels.hook] !== undefined;
}

test('Ctrl-C before anything has been started is an interrupt like any other', async () => {
  engine.intercept = (method, path) => {
    const created = engine.calls.includes('POST /containers/create');
    if (method === 'GET' && path === '/containers/json' && created) interrupts.raise('SIGINT');
    return Promise.resolve(undefined);
  };
  const { ended, said } = run('  a: {image: busybox}\n', 'up');
  expect(await ended, said()).toBe(130);
  expect(said()).toContain('Gracefully stopping');
  expect(engine.calls).not.toContain('POST /containers/ID/start');
});

test.each([
  { line: ['up'], exitCode: 0 },
  { line: ['up', '--exit-code-from', 'web'], exitCode: 5 },
])('$line with a pre_start hook ends with the service, and as the service does', async ({ line, exitCode }) => {
  engine.onStart = (container) => {
    if (isHook(container)) engine.write(container, 'prepared');
    engine.exit(container, isHook(container) ? 0 : 5);
  };
  const { ended, said } = run('  web: {image: busybox, pre_start: [{command: [prepare]}]}\n', ...line);
  expect(await ended, said()).toBe(exitCode);
  expect(said()).toContain('web-1 exited with code 5\n');
  expect(said()).not.toContain('exited with code 0\n');
});

const pair = (image: string) =>
  `  db: {image: ${image}}\n` +
  '  web: {image: busybox, depends_on: {db: {condition: service_started, restart: true}}}\n';

test('what restarts with a named service is running again while up is attached to that one', async () => {
  engine.images.add('changed');
  expect(await run(pair('busybox'), 'up', '-d').ended).toBe(0);
  engine.onStart = ({ name }) => {
    const [db, web] = [engine.byName('demo-db-1'), engine.byName('demo-web-1')];
    if (name === web.name) engine.exit(db, 0); // which ends the command
  };
  const { ended, said } = run(pair('changed'), 'up', 'db');
  expect(await ended, said()).toBe(0);
  expect(said()).toContain('Container demo-web-1  Stopped');
  expect(engine.byName('demo-web-1').state.Running).toBe(true);
});

test('who only creates a named service leaves what restarts with it running', async () => {
  engine.images.add('changed');
  expect(await run(pair('busybox'), 'up', '-d').ended).toBe(0);
  expect(await run(pair('changed'), 'create', 'db').ended).toBe(0);
  expect(engine.byName('demo-db-1').request.Image).toBe('changed');
  expect(engine.byName('demo-web-1').state.Running).toBe(true);
});

test('what post_start hooks say is shown beside the logs', async () => {
  engine.execOutput = [Buffer.from('warm')];
  const { ended, said } = run('  web: {image: busybox, post_start: [{command: [warm]}]}\n', 'up');
  const deadline = Date.now() + 10_000;
  while (!said().includes('web-1 ->') && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  engine.exit(engine.byName('demo-web-1'), 0);
  expect(await ended, said()).toBe(0);
  expect(said()).toContain('web-1 ->  | warm\n');
});

test('what pre_start hooks say is shown before the service says anything', async () => {
  engine.onStart = (container) => {
    engine.write(container, isHook(container) ? 'prepared' : 'served');
    engine.exit(container, 0);
  };
  const { ended, said } = run('  web: {image: busybox, pre_start: [{command: [prepare]}]}\n', 'up');
  expect(await ended, said()).toBe(0);
  expect(said()).toMatch(/web pre_start\[0\] -> +\| prepared\n[^]*web-1 +\| served\n/);
});

test('a dry run of ci shows what would come up, runs no test and writes no report', async () => {
  const { ended, said } = run(
    '  web: {image: busybox}\n',
    '--dry-run',
    'ci',
    '--artifacts',
    'reports',
    '--',
    'touch',
    'ran',
  );
  expect(await ended, said()).toBe(0);
  expect(said()).toMatch(/container\.start +web-1/);
  expect(readdirSync(folder)).toEqual(['compose.yaml']);
});
