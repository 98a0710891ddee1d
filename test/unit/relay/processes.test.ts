import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { folderPerTest } from '../../support/test-folder.js';

const resolveDir = fileURLToPath(new URL('../../../src/relay', import.meta.url));

/** Says on its standard output which commands it has begun. */
const serverText = `
import { join } from 'node:path';
import { serveCommands } from './index.js';
const folder = process.argv[2];
const commands = {
  hesitates: () => new Promise(() => undefined),
  works: () => new Promise(() => undefined),
  reads: async (terminal) => {
    for await (const chunk of terminal.stdin) terminal.stdout.write(chunk);
    return 7;
  },
  throws: async () => {
    setTimeout(() => { throw new Error('thrown later'); }, 1);
    await new Promise(() => undefined);
  },
  rejects: async () => {
    await Promise.resolve();
    void Promise.reject(new Error('rejected for nobody'));
    await new Promise(() => undefined);
  },
};
void serveCommands({
  socketPath: join(folder, 'commands.sock'),
  enginePath: join(folder, 'engine.sock'),
  codeFile: join(folder, 'cli.cjs'),
  buildId: 'test',
  idleMs: 60_000,
  run: ([name], terminal) => {
    if (name !== 'hesitates') terminal.accept();
    console.log(name);
    return commands[name](terminal);
  },
}).then(() => process.exit(0));
`;

/** Says on its standard output what became of the command. */
const callerText = `
import { relay, worldOf } from './index.js';
const [, , socketPath, ...argv] = process.argv;
relay(socketPath, { world: worldOf('test', process.env), argv }, ['SIGINT']).then((result) => {
  console.log(result);
  process.exit(0);
});
`;

let programs: string;
let folder: string;
let server: Process;
folderPerTest((path) => (folder = path));

beforeAll(() => {
  programs = mkdtempSync(join(tmpdir(), 'tscompose-relay-'));
  for (const [name, contents] of Object.entries({ server: serverText, caller: callerText })) {
    const outfile = join(programs, `${name}.cjs`);
    const common = { bundle: true, platform: 'node', target: 'node20', format: 'cjs', logLevel: 'error' } as const;
    buildSync({ ...common, outfile, stdin: { contents, resolveDir, loader: 'js' } });
  }
});
afterAll(() => rmSync(programs, { recursive: true }));

class Process {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<unknown>;

  constructor(program: string, ...args: readonly string[]) {
    this.child = spawn(process.execPath, [join(programs, program), ...args], { stdio: 'pipe' });
    this.child.stdout?.on('data', (text: Buffer) => (this.stdout += text.toString()));
    this.child.stderr?.on('data', (text: Buffer) => (this.stderr += text.toString()));
    this.ended = once(this.child, 'close');
  }
}

function serves(): boolean {
  return existsSync(join(folder, 'commands.sock'));
}

function call(name: string): Process {
  return new Process('caller.cjs', join(folder, 'commands.sock'), name);
}

beforeEach(async () => {
  for (const name of ['engine.sock', 'cli.cjs']) writeFileSync(join(folder, name), '');
  server = new Process('server.cjs', folder);
  await expect.poll(serves).toBe(true);
});
afterEach(async () => {
  server.child.kill('SIGKILL');
  await server.ended;
});

test.each([
  ['hesitates', 'declined\n', ''],
  ['works', '1\n', 'run it again'],
])('a command that %s when its server is killed', async (name, result, message) => {
  const caller = call(name);
  await expect.poll(() => server.stdout).toContain(name);
  server.child.kill('SIGKILL');
  await caller.ended;
  expect(caller.stdout).toBe(result);
  expect(caller.stderr).toContain(message);
});

test.each([
  ['throws', 'thrown later'],
  ['rejects', 'rejected for nobody'],
])('an error that nobody catches ends the command that %s, and no other', async (name, message) => {
  const other = call('reads');
  await expect.poll(() => server.stdout).toContain('reads');
  const failing = call(name);
  await failing.ended;
  expect(failing).toMatchObject({ stdout: '1\n', stderr: expect.stringContaining(message) as string });
  await expect.poll(serves).toBe(false);
  const next = call('works');
  await next.ended;
  expect(next.stdout).toBe('absent\n');
  other.child.stdin?.end('still here ');
  await other.ended;
  expect(other).toMatchObject({ stdout: 'still here 7\n', stderr: '' });
  await server.ended;
});
