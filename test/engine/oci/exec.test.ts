import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectAttach, type ExecProcess, type OciProcess } from '../../../src/engine/oci/index.js';
import { execInContainer } from '../../../src/engine/oci/exec.js';
import { eventually } from '../../support/engine-sandbox.js';
import { Lab, missing } from './support.js';
import type { Readable } from 'node:stream';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

async function text(stream: Readable | undefined): Promise<string> {
  let all = '';
  try {
    for await (const chunk of stream ?? []) all += String(chunk);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) throw error;
  }
  return all;
}

describe.skipIf(missing !== undefined)(`one more process in a container (needs ${missing ?? 'nothing more'})`, () => {
  let lab: Lab;
  let id: string;
  beforeAll(async () => {
    lab = await Lab.open();
    id = lab.newId();
    await lab.oci.create(lab.monitored(id), lab.spec({ id, args: ['sleep', '600'] }), AbortSignal.timeout(30_000));
    await lab.oci.start(id);
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  const exec = (args: string[], change: Partial<OciProcess> = {}, stdin = false): Promise<ExecProcess> => {
    const process = { ...lab.spec({ id }).process, args, ...change };
    return lab.oci.exec({ containerId: id, process, stdin, dir: lab.folder }, AbortSignal.timeout(30_000));
  };

  test('keeps its streams apart and gives its exit code', async () => {
    const process = await exec(['sh', '-c', 'echo out; echo err >&2; exit 5']);
    expect(await Promise.all([text(process.stdout), text(process.stderr), process.ended])).toEqual([
      'out\n',
      'err\n',
      { kind: 'exited', exitCode: 5 },
    ]);
  });

  test('reads its input to the end', async () => {
    const process = await exec(['cat'], {}, true);
    process.stdin?.end('x'.repeat(300_000));
    expect((await text(process.stdout)).length).toBe(300_000);
    expect(await process.ended).toEqual({ kind: 'exited', exitCode: 0 });
  });

  test('can open its own standard output by name', async () => {
    const process = await exec(['sh', '-c', 'echo hi > /dev/stdout']);
    expect(await text(process.stdout)).toBe('hi\n');
  });

  test('has the filter of its container', async () => {
    const process = await exec(['cat', '/proc/self/status']);
    expect(await text(process.stdout)).toContain('Seccomp:\t2');
  });

  test.each([
    [['nope'], 127, 'executable file not found in $PATH'],
    [['/nope/x'], 127, 'no such file or directory'],
    [['/not-a-program'], 126, 'permission denied'],
  ])('that cannot be run, as %j, is %i', async (args, exitCode, said) => {
    const process = await exec(args);
    const outcome = await process.ended;
    expect(outcome).toMatchObject({ kind: 'failed', exitCode });
    expect(outcome.kind === 'failed' ? outcome.text : '').toContain(said);
  });

  test('ends although what it left in the background holds its output', async () => {
    const process = await exec(['sh', '-c', 'echo first; sleep 30 &']);
    const [said, outcome] = await Promise.all([text(process.stdout), process.ended]);
    expect([said, outcome]).toEqual(['first\n', { kind: 'exited', exitCode: 0 }]);
  });

  test('has a terminal that is resized, and ends with its code', async () => {
    const process = await exec(['sh'], { terminal: true, consoleSize: { height: 10, width: 40 } }, true);
    let said = '';
    process.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    process.stdin?.write('stty size\n');
    await eventually('the first size', () => said.includes('10 40'));
    process.resize(33, 99);
    process.stdin?.write('stty size\n');
    await eventually('the second size', () => said.includes('33 99'));
    process.stdin?.write('exit 9\n');
    expect(await process.ended).toEqual({ kind: 'exited', exitCode: 9 });
  });

  test('that cannot be run on a terminal is told so as well', async () => {
    const process = await exec(['nope'], { terminal: true });
    expect(await process.ended).toMatchObject({ kind: 'failed', exitCode: 127 });
    process.stdout.resume();
  });

  test('leaves no file when nobody waits for its terminal any more', async () => {
    const path = join(lab.folder, 'slow-runtime'); // it hands over no terminal, and makes its pid file late
    writeFileSync(
      path,
      '#!/bin/sh\nsleep 0.3\nfor file; do case $file in *.pid) echo 1 > "$file" ;; esac; done; touch made\n',
    );
    chmodSync(path, 0o700);
    const runtime = { kind: 'crun', path, version: '1', root: lab.folder, fastStart: false } as const;
    const process = { ...lab.spec({ id }).process, args: ['sleep', '60'], terminal: true };
    const abort = new AbortController();
    const started = execInContainer(runtime, { containerId: id, process, stdin: false, dir: lab.folder }, abort.signal);
    const files = () => readdirSync(lab.folder).filter((name) => name.startsWith('exec-'));
    expect(files()).not.toEqual([]);
    abort.abort(new Error('enough'));
    await expect(started).rejects.toThrow('enough');
    expect(files().filter((name) => name.endsWith('.json'))).toEqual([]);
    const made = () => existsSync(join(lab.folder, 'made'));
    await eventually('what the runtime made to be gone again', () => made() && files().length === 0);
  });

  test('many at once do not mix', async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const process = await exec(['sh', '-c', `echo ${index}; exit ${index}`]);
        return Promise.all([text(process.stdout), process.ended]);
      }),
    );
    expect(all).toEqual(all.map((_, index) => [`${index}\n`, { kind: 'exited', exitCode: index }]));
  });
});

describe.skipIf(missing !== undefined)('the input of a container', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open();
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  async function attached(
    stdinOnce: boolean,
  ): Promise<{ id: string; log: () => string; say: (text: string) => Promise<void> }> {
    const id = lab.newId();
    const container = lab.monitored(id, { stdin: true, stdinOnce });
    const spec = lab.spec({ id, args: ['sh', '-c', 'cat; echo over'] });
    await lab.oci.create(container, spec, AbortSignal.timeout(30_000));
    const say = async (words: string): Promise<void> => {
      const socket = await connectAttach(container.bundle);
      socket.on('error', () => undefined).resume();
      await new Promise<void>((resolve) => socket.end(words, resolve));
    };
    await lab.oci.start(id);
    return { id, say, log: () => readFileSync(container.logPath ?? '', 'utf8') };
  }

  test('ends with the first client when it is open once', async () => {
    const { id, log, say } = await attached(true);
    await say('hello\n');
    expect(await lab.exitCode(id)).toBe(0);
    expect(log()).toMatch(/stdout F hello\n.*stdout F over\n$/);
  });

  test('stays open for the next client otherwise', async () => {
    const { log, say } = await attached(false);
    await say('one\n');
    await eventually('the first words', () => log().includes('one'));
    await say('two\n');
    await eventually('the second words', () => log().includes('two'));
    expect(log()).not.toContain('over');
  });
});
