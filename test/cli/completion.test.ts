import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { cliPath, runCli } from '../support/run-cli.js';
import { folderPerTest } from '../support/test-folder.js';

let folder = '';
folderPerTest((path) => (folder = path));
beforeEach(() => {
  mkdirSync(join(folder, 'bin'));
  symlinkSync(cliPath, join(folder, 'bin', 'tscompose'));
  const project =
    'services:\n  web: {image: "${NOT_SET:?}"}\n  worker: {image: x, profiles: [tools]}\n  db: {image: x}\n';
  writeFileSync(join(folder, 'compose.yaml'), project);
  writeFileSync(join(folder, 'other.yaml'), 'services: {api: {image: x}}\n');
});

const answer = async (...words: string[]) => {
  const { exitCode, stdout, stderr } = await runCli(['__complete', '--', ...words], { cwd: folder });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout.split('\n').slice(0, -1);
};
const wordsOf = (lines: readonly string[]) => lines.map((line) => line.split('\t')[0]);

describe('what may stand at the cursor', () => {
  test('commands, with what they do', async () => {
    expect(await answer('dow')).toEqual(['down\tStop and remove containers and networks']);
    expect(wordsOf(await answer('engine', 'st'))).toEqual(['start', 'status', 'stop']);
    expect(wordsOf(await answer(''))).not.toContain('__complete');
  });

  test('flags of the command, each once unless it may be repeated', async () => {
    expect(wordsOf(await answer('up', '--de'))).toEqual(['--detach']);
    expect(wordsOf(await answer('up', '-d', '--de'))).toEqual([]);
    expect(wordsOf(await answer('-f', 'compose.yaml', '--fi'))).toEqual(['--file']);
    expect(await answer('exec', 'web', '--')).toEqual([':files']);
  });

  test('values of flags', async () => {
    expect(await answer('--ansi', '')).toEqual(['never', 'always', 'auto']);
    expect(await answer('--progress=q')).toEqual(['--progress=quiet']);
    expect(await answer('-f', '')).toEqual([':files']);
    expect(await answer('--project-directory', '')).toEqual([':folders']);
    expect(await answer('--profile', '')).toEqual(['tools']);
  });

  test('services of the project the words name, of every profile, though variables are missing', async () => {
    expect(await answer('up', '')).toEqual(['db', 'web', 'worker']);
    expect(await answer('-f', 'other.yaml', 'logs', '-f', '')).toEqual(['api']);
    expect(await answer('scale', 'w')).toEqual(['web=', 'worker=']);
    expect(await answer('cp', 'd')).toEqual(['db:', ':files']);
  });

  test('nothing, where there is nothing to say', async () => {
    expect(await answer('-f', 'absent.yaml', 'up', '')).toEqual([]);
    expect(await answer('nonsense', '')).toEqual([]);
  });
});

const has = (shell: string) => spawnSync(shell, ['-c', ':']).error === undefined;

function shell(program: string, args: readonly string[]): string {
  const PATH = `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`;
  const env = { PATH, HOME: folder, TERM: 'dumb', LC_ALL: 'C.UTF-8' };
  const { stdout, stderr, status } = spawnSync(program, args, { cwd: folder, env, encoding: 'utf8', timeout: 25_000 });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout;
}

describe.skipIf(!has('bash'))('in bash (needs bash)', () => {
  const completed = (line: string) => {
    const ask = `eval "$(tscompose completion bash)"; COMP_LINE=$1 COMP_POINT=\${#1}; _tscompose; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return shell('bash', ['--norc', '-c', ask, 'bash', line]).trim().split('\n');
  };

  test('commands, services and files', () => {
    expect(completed('tscompose unp')).toEqual(['unpause']);
    expect(completed('tscompose up w')).toEqual(['web', 'worker']);
    expect(completed('tscompose -f oth')).toEqual(['other.yaml']);
  });

  test('after an equals sign only what follows it is given', () => {
    expect(completed('tscompose --ansi=n')).toEqual(['never']);
    expect(completed('tscompose --file=oth')).toEqual(['other.yaml']);
  });
});

describe.skipIf(!has('fish'))('in fish (needs fish)', () => {
  const completed = (line: string) =>
    shell('fish', ['--no-config', '-c', 'tscompose completion fish | source; complete -C $argv[1]', line])
      .trim()
      .split('\n');

  test('commands with descriptions, services and files', () => {
    expect(completed('tscompose unp')).toEqual(['unpause\tThaw frozen containers']);
    expect(completed('tscompose up w')).toEqual(['web', 'worker']);
    expect(wordsOf(completed('tscompose -f oth'))).toEqual(['other.yaml']);
  });
});

describe.skipIf(!has('zsh'))('in zsh (needs zsh)', () => {
  /** What stands on the command line of an interactive zsh after the keys were typed. */
  const typed = (keys: string): string => {
    const driver = join(folder, 'driver.zsh');
    const setup = [
      "PS1='' TERM=dumb; unsetopt zle_bracketed_paste 2> /dev/null",
      'autoload -Uz compinit; compinit -u -D; source <(tscompose completion zsh)',
      `dump() { print -r -- "$BUFFER" > ${folder}/line.tmp; mv ${folder}/line.tmp ${folder}/line }`,
      "zle -N dump; bindkey '^X' dump; bindkey '^I' complete-word",
      `: > ${folder}/ready`,
    ].join('\n');
    writeFileSync(join(folder, 'setup.zsh'), setup);
    const wait = (file: string) => `for i in {1..200}; do [[ -e ${folder}/${file} ]] && break; sleep 0.05; done`;
    writeFileSync(
      driver,
      [
        'zmodload zsh/zpty; zpty z zsh -f -i',
        `zpty -w z 'source ${folder}/setup.zsh'`,
        wait('ready'),
        `zpty -w -n z $'${keys}\\t\\C-x'`,
        wait('line'),
        'zpty -d z',
      ].join('\n'),
    );
    chmodSync(driver, 0o755);
    shell('zsh', ['-f', driver]);
    return readFileSync(join(folder, 'line'), 'utf8').replace(/\n$/, '');
  };

  test('commands, services and files', () => {
    expect(typed('tscompose unp')).toBe('tscompose unpause ');
    rmSync(join(folder, 'line'));
    expect(typed('tscompose up wo')).toBe('tscompose up worker ');
    rmSync(join(folder, 'line'));
    expect(typed('tscompose -f oth')).toBe('tscompose -f other.yaml ');
  });

  test('a service in cp is left open for the path in it', () => {
    expect(typed('tscompose cp db')).toBe('tscompose cp db:');
  });
});

test('another shell is refused', async () => {
  expect(await runCli(['completion', 'tcsh'], { cwd: folder })).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('no completion for "tcsh"') as string,
  });
});
