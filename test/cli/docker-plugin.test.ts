import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { afterAll, describe, expect, test } from 'vitest';
import { pluginCall } from '../../src/cli/docker-plugin.js';
import { cliPath, runCli } from '../support/run-cli.js';

const cwd = mkdtempSync(join(tmpdir(), 'plugin-'));
writeFileSync(join(cwd, 'compose.yaml'), 'services: {a: {image: busybox}}\n');
afterAll(() => {
  rmSync(cwd, { recursive: true });
});

describe('installed as a plugin of docker', () => {
  test('it answers what docker asks of plugins', async () => {
    const { exitCode, stdout } = await runCli(['docker-cli-plugin-metadata'], { cwd });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      SchemaVersion: '0.1.0',
      Vendor: 'tscompose',
      Version: expect.stringMatching(/^v\d+\.\d+\.\d+/) as string,
      ShortDescription: 'Docker Compose',
    });
  });

  test('it takes command lines as docker passes them on', async () => {
    expect(await runCli(['compose', 'config', '--services'], { cwd })).toEqual({
      exitCode: 0,
      stdout: 'a\n',
      stderr: '',
    });
    const flags = ['--config', '/nonexistent', '-l', 'info', '-H', 'unix:///nonexistent.sock', 'compose'];
    expect((await runCli([...flags, 'config', '-q'], { cwd })).exitCode).toBe(0);
    const { stderr } = await runCli([...flags, 'ps'], { cwd });
    expect(stderr).toContain('unix:///nonexistent.sock');
  });

  test('it completes command lines as docker asks for it', async () => {
    const ask = async (...words: string[]) => (await runCli(['__complete', 'compose', ...words], { cwd })).stdout;
    expect(await ask('dow')).toBe('down\tStop and remove containers and networks\n:4\n');
    expect(await ask('up', '')).toBe('a\n:4\n');
    expect(await ask('-f', '')).toBe(':0\n');
    const { stdout } = await runCli(['__complete', '--for-docker', '--', 'up', ''], { cwd });
    expect(stdout).toBe('a\n:4\n');
    expect(await ask('--project-directory', '')).toBe(':16\n');
  });

  test('through a link named as docker wants it', () => {
    const link = join(cwd, 'docker-compose');
    symlinkSync(cliPath, link);
    expect(execFileSync(link, ['compose', 'config', '--services'], { cwd, encoding: 'utf8' })).toBe('a\n');
  });

  test.each([
    [['compose', 'up'], { argv: ['up'], environment: {} }],
    [['-c', 'here', 'compose', 'ps', '-a'], { argv: ['--context', 'here', 'ps', '-a'], environment: {} }],
    [['--config=/x', 'compose', 'ls'], { argv: ['ls'], environment: { DOCKER_CONFIG: '/x' } }],
    [['up', 'compose'], undefined],
    [['-p', 'compose', 'up'], undefined],
    [[], undefined],
  ])('%j', (argv, call) => {
    expect(pluginCall(argv)).toEqual(call);
  });
});
