import { expect, test } from 'vitest';
import { programEnvironment, runProgram } from '../../../../src/engine/oci/program.js';
import { folderPerTest } from '../../../support/test-folder.js';

const shell = { file: '/bin/sh', env: programEnvironment };

let dir = '';
folderPerTest((path) => (dir = path));

test('a program is over when it has ended, whatever it left behind with its pipes', async () => {
  const leavesOne = ['-c', 'sleep 20 & echo $!; exit 3'];
  const { exitCode, stdout } = await runProgram(shell, leavesOne, { dir, timeoutMs: 10_000 });
  process.kill(Number(stdout), 'SIGKILL'); // throws unless it is still there
  expect(exitCode).toBe(3);
});

test('a program that takes too long is killed', async () => {
  expect(await runProgram(shell, ['-c', 'exec sleep 20'], { dir, timeoutMs: 100 })).toMatchObject({
    exitCode: 128,
  });
});
