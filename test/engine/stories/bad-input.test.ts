import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineSandbox, engineMissing } from '../../support/engine-sandbox.js';
import {
  hostStateOnce,
  isAsBefore,
  leftBehind,
  readHostState,
  takenAway,
  type HostState,
} from '../../support/host-state.js';

const fixtures = fileURLToPath(new URL('../../../fixtures/bad-input', import.meta.url));
const names = readdirSync(fixtures).filter((name) => !name.endsWith('.md'));

describe.skipIf(engineMissing() !== undefined)('bad input gets one clear message and changes nothing', () => {
  const sandbox = new EngineSandbox();
  let before: HostState;

  beforeAll(async () => {
    await sandbox.withBusybox();
    before = readHostState();
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  test('there are at least forty mistakes', () => {
    expect(names.length).toBeGreaterThanOrEqual(40);
  });

  test.each(names)('%s', async (name) => {
    const cwd = sandbox.fixture(`bad-input/${name}`);
    const command = join(cwd, 'command');
    const args = existsSync(command) ? readFileSync(command, 'utf8').trim().split(' ') : ['up', '-d'];
    const result = await sandbox.run(args, { cwd });
    const expected = join(fixtures, name, 'expected');
    mkdirSync(expected, { recursive: true });
    const message = result.stderr.replaceAll(cwd, '$DIR').replace(/\b[0-9a-f]{12}\b/g, '$ID');
    await expect(message).toMatchFileSnapshot(join(expected, 'stderr.txt'));
    await expect(`${result.exitCode}\n`).toMatchFileSnapshot(join(expected, 'exit-code'));
    expect(result.exitCode).not.toBe(0);
    expect(result.stdout).toBe('');
    expect(result.stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m); // no stack trace
  });

  test('afterwards the machine is as before', async () => {
    expect(await sandbox.ok(['ls', '--all', '--quiet'])).toBe('');
    // The bridge that build steps use goes a little after its last use; the comparison below says what else is left.
    const after = await hostStateOnce((state) => isAsBefore(before, state, sandbox.engineId()), 15_000);
    expect(leftBehind(before, after, sandbox.engineId())).toEqual({});
    expect(takenAway(before, after, sandbox.engineId())).toEqual({});
  });
});
