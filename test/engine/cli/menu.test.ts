import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliPath } from '../../support/run-cli.js';
import { engineMissing, EngineSandbox, eventually } from '../../support/engine-sandbox.js';

const missing = engineMissing();
const ctrlC = '\u0003';

/** An attached `up` on a terminal of its own, which script(1) makes. */
class Typist {
  /** All that has been written on the terminal. */
  screen = '';
  readonly #child: ChildProcess;

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.#child = spawn('script', ['-qec', `stty rows 20 cols 60; ${cliPath} up`, '/dev/null'], { cwd, env });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.screen += text));
  }

  /** Types, and waits for what comes after it. */
  async type(keys: string, answer: string): Promise<void> {
    const before = this.screen.length;
    this.#child.stdin?.write(keys);
    await this.sees(answer, before);
  }

  async sees(text: string, from = 0): Promise<void> {
    await eventually(`"${text}"`, () => this.screen.includes(text, from));
  }

  async end(keys: string): Promise<unknown> {
    this.#child.stdin?.write(keys);
    const [code] = (await once(this.#child, 'close')) as unknown[];
    return code;
  }
}

describe.skipIf(missing !== undefined)('keys while attached', () => {
  let sandbox: EngineSandbox;
  let cwd: string;
  const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => {
    return { ...process.env, ...sandbox.env, CI: '', TERM: 'xterm', NO_COLOR: '1', ...more };
  };
  const states = async (): Promise<string> => await sandbox.ok(['ps', '-a', '--format', '{{.State}}'], { cwd });

  beforeAll(async () => {
    sandbox = await new EngineSandbox().withBusybox();
    cwd = sandbox.project('keys', {
      'compose.yaml': `
services:
  a:
    image: busybox
    command: sh -c 'echo up; sleep 1000'
    stop_grace_period: 0s
    develop: {watch: [{path: ./src, action: sync, target: /src}]}
`,
      'src/file': '',
    });
  });

  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  test('w watches and stops watching, Enter leaves a line, d leaves the containers alone', async () => {
    const up = new Typist(cwd, env());
    await up.sees('a-1  | up\r\nw Enable Watch   d Detach\r');
    await up.type('w', 'Watch enabled\r\nw Disable Watch   d Detach\r');
    await up.type('w', 'Watch disabled\r\nw Enable Watch   d Detach\r');
    await up.type('\r', '\r\nw Enable Watch   d Detach\r');
    expect(await up.end('d')).toBe(0);
    expect(up.screen.endsWith('\r\u001b[J')).toBe(true); // the menu is gone
    expect(await states()).toBe('running\n');
  });

  test('d while things are being started leaves once all have been', async () => {
    const slow = sandbox.project('slow', {
      'compose.yaml': `
services:
  a:
    image: busybox
    command: sh -c 'echo up; sleep 1000'
    stop_grace_period: 0s
    volumes: [./shared:/shared]
    healthcheck: {test: test -e /shared/ready, interval: 100ms, retries: 1000}
  b: {image: busybox, command: sleep 1000, stop_grace_period: 0s, depends_on: {a: {condition: service_healthy}}}
`,
      'shared/file': '',
    });
    const up = new Typist(slow, env());
    await up.sees('a-1  | up\r\nw Enable Watch   d Detach\r');
    await up.type('d', 'Detaching when everything has been started');
    writeFileSync(join(slow, 'shared/ready'), '');
    expect(await up.end('')).toBe(0);
    expect(await sandbox.ok(['ps', '-a', '--format', '{{.State}}'], { cwd: slow })).toBe('running\nrunning\n');
    await sandbox.ok(['down'], { cwd: slow });
  });

  test('Ctrl-C stops them', async () => {
    const up = new Typist(cwd, env());
    await up.sees('d Detach\r');
    expect(await up.end(ctrlC)).toBe(130);
    expect(up.screen).toContain('Gracefully stopping... (press Ctrl+C again to force)');
    expect(await states()).toBe('exited\n');
  });

  test('without the menu, by variable, keys are nothing and Ctrl-C is a signal as ever', async () => {
    const up = new Typist(cwd, env({ COMPOSE_MENU: 'false' }));
    await up.sees('a-1  | up');
    await up.type('dw', 'dw'); // the terminal shows what is typed
    expect(await up.end(ctrlC)).toBe(130);
    expect(up.screen).not.toContain('Detach');
    expect(await states()).toBe('exited\n');
  });
});
