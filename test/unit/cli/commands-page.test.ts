import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { longName, type Flags } from '../../../src/cli/flags.js';
import { globalFlags } from '../../../src/cli/global-flags.js';
import { allCommands, usesInTests } from '../../support/command-uses.js';
import { commandsPage } from '../../support/commands-page.js';
import { referenceCommands } from '../../support/reference-commands.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const path = `${root}/docs/commands.md`;
const commands = await allCommands();
const uses = usesInTests(root, commands);

test('docs/commands.md is what the tables of the CLI say', () => {
  const previous = readFileSync(path, { encoding: 'utf8', flag: 'a+' });
  const page = commandsPage({ commands, uses, previous });
  if (process.env['TSCOMPOSE_WRITE_COMMANDS'] === '1') writeFileSync(path, page);
  else expect(page, 'write it anew with sh scripts/write-commands.sh').toBe(previous);
});

test('every command and flag is run by a test', () => {
  const wanted = [
    ...longNames(globalFlags),
    ...commands.flatMap(({ name, command, aliasOf }) => {
      if (command === undefined) return [];
      return [name, ...(aliasOf === undefined ? longNames(command.flags) : []).map((long) => `${name} ${long}`)];
    }),
  ];
  expect(wanted.filter((key) => !uses.has(key))).toEqual([]);
});

test('every command and flag of docker compose is there', () => {
  const missing = Object.entries(referenceCommands).flatMap(([name, flags]) => {
    const table = name === '' ? globalFlags : commands.find((one) => one.name === name)?.command?.flags;
    if (table === undefined) return [name];
    const spellings = new Set(Object.entries(table).flatMap(([key, flag]) => spellingsOf(key, flag)));
    const wanted = flags.split(' ').filter(Boolean).flatMap(wantedSpellings);
    return wanted.filter((spelling) => !spellings.has(spelling)).map((spelling) => `${name} ${spelling}`);
  });
  expect(missing).toEqual([]);
});

function longNames(flags: Flags): readonly string[] {
  return Object.keys(flags).map((key) => `--${longName(key)}`);
}

function spellingsOf(key: string, { short, oldName }: Flags[string]): readonly string[] {
  const names = [longName(key), ...(oldName === undefined ? [] : [oldName])].map((name) => `--${name}`);
  return short === undefined ? names : [...names, `-${short}`];
}

/** `detach-d` is `--detach` and `-d`. */
function wantedSpellings(flag: string): readonly string[] {
  const [, name = flag, short] = /^(.+)-(\w)$/.exec(flag) ?? [];
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
}
