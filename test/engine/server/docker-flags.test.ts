import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { dockerCommands } from './tour/docker-help.js';
import { dockerUses } from './tour/docker-uses.js';
import { parseTour } from './tour/tour-file.js';

const folder = fileURLToPath(new URL('tour/', import.meta.url));
const docker = process.env['TSCOMPOSE_DOCKER_CLI'] ?? 'docker';
const hasCli = spawnSync(docker, ['--version']).error === undefined;

/** What concerns containers, networks, volumes and the system; images have tests of their own. */
const groups = ['container', 'network', 'volume', 'system', 'inspect', 'version'];

test.skipIf(!hasCli)('every command and flag of the docker CLI is in a tour', () => {
  const commands = groups.flatMap((group) => dockerCommands(docker, group));
  const lines = readdirSync(folder)
    .filter((name) => name.endsWith('.tour'))
    .flatMap((name) => parseTour(readFileSync(`${folder}${name}`, 'utf8')))
    .flatMap(({ steps }) => steps.map(({ command }) => command));
  const used = new Set(lines.flatMap((line) => dockerUses(line, commands)));
  const all = commands.flatMap(({ name, flags }) => [name, ...flags.map((flag) => `${name} ${flag.name}`)]);
  expect(all.length).toBeGreaterThan(300); // the help was understood
  expect(all.filter((use) => !used.has(use))).toEqual([]);
});

test('what a line of shell asks of docker is found', () => {
  const flags = [
    { name: '--detach', short: '-d', takesValue: false },
    { name: '--name', short: undefined, takesValue: true },
    { name: '--tty', short: '-t', takesValue: false },
    { name: '--env', short: '-e', takesValue: true },
  ];
  const commands = [{ name: 'container run', names: ['container run', 'run'], flags }];
  const found = dockerUses(
    `echo --tty | docker run -dt --name $(date) -e A image ls --env; "$(docker run -eA=d image)"`,
    commands,
  );
  expect(found).toEqual([
    'container run',
    'container run --detach',
    'container run --tty',
    'container run --name',
    'container run --env',
    'container run',
    'container run --env',
  ]);
});
