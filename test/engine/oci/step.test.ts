import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StepRequest } from '../../../src/engine/oci/index.js';
import { Lab, missing } from './support.js';

describe.skipIf(missing !== undefined)(`a build step (needs ${missing ?? 'nothing more'})`, () => {
  let lab: Lab;
  let count = 0;
  beforeAll(async () => {
    lab = await Lab.open();
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  async function step(change: Partial<StepRequest>): Promise<{ exitCode: number; output: string; upper: string }> {
    const dir = join(lab.folder, `step${(count += 1)}`);
    const [upper, work] = [join(dir, 'upper'), join(dir, 'work')];
    for (const folder of [upper, work]) mkdirSync(folder, { recursive: true });
    let output = '';
    const { exitCode } = await lab.oci.runStep({
      rootfs: { lower: [lab.rootfs], upper, work },
      args: ['true'],
      env: ['PATH=/bin'],
      cwd: '/',
      user: '',
      networkMode: 'none',
      onOutput: (chunk, stream) => (output += `${stream}:${chunk.toString()}`),
      signal: AbortSignal.timeout(30_000),
      ...change,
    });
    return { exitCode, output, upper };
  }

  test('leaves what it wrote in the upper folder and nothing else', async () => {
    const { exitCode, upper } = await step({ args: ['sh', '-c', 'echo new > /made; mkdir /dir'], networkMode: 'host' });
    expect(exitCode).toBe(0);
    expect(readdirSync(upper).sort()).toEqual(['dir', 'made']);
    expect(readFileSync(join(upper, 'made'), 'utf8')).toBe('new\n');
  });

  test('gives its output and its exit code', async () => {
    expect(await step({ args: ['sh', '-c', 'echo hello; exit 3'] })).toMatchObject({
      exitCode: 3,
      output: '1:hello\n',
    });
  });

  test('makes the working folder and runs there as the user', async () => {
    const { output, upper } = await step({ args: ['sh', '-c', 'echo $PWD; id'], cwd: '/srv/app', user: 'app' });
    expect(output).toContain('/srv/app\n');
    expect(output).toContain('uid=1000(app) gid=1000(app) groups=10(wheel)');
    expect(existsSync(join(upper, 'srv/app'))).toBe(true);
  });

  test('that cannot be run says why', async () => {
    await expect(step({ args: ['nope'] })).rejects.toThrow('executable file not found in $PATH');
  });

  test('for a user nobody knows is refused before anything runs', async () => {
    await expect(step({ user: 'nobody-knows' })).rejects.toThrow(
      'unable to find user nobody-knows: no matching entries in passwd file',
    );
  });

  test('that is cancelled while it is prepared does not run', async () => {
    const abort = new AbortController();
    const said: string[] = [];
    const onOutput = (chunk: Buffer) => said.push(chunk.toString());
    const running = step({ args: ['echo', 'ran'], signal: abort.signal, onOutput });
    abort.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(said).toEqual([]);
  });

  test('ends with its signal, and leaves no process, mount or folder', async () => {
    const abort = new AbortController();
    const running = step({ args: ['sleep', '600'], signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 300);
    await expect(running).rejects.toThrow('enough');
    expect(readdirSync(join(lab.folder, 'run')).filter((name) => name.startsWith('step-'))).toEqual([]);
    expect(lab.oci.runtimes.known()).toEqual([]);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(join(lab.folder, 'run'));
  });
});
