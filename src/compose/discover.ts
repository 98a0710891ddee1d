import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Names a compose file is looked for under, best first. */
const fileNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];
const overrideNames = [
  'compose.override.yml',
  'compose.override.yaml',
  'docker-compose.override.yml',
  'docker-compose.override.yaml',
];

/**
 * Looks for a compose file in a directory and those above it, and for an override file beside it.
 * @returns absolute paths in the order they are loaded; none when there is no file
 */
export function discoverFiles(start: string, onWarning: (message: string) => void): readonly string[] {
  for (let directory = start; ; directory = dirname(directory)) {
    const file = firstOf(fileNames, directory, 'config files', onWarning);
    if (file !== undefined) {
      const override = firstOf(overrideNames, directory, 'override files', onWarning);
      return override === undefined ? [file] : [file, override];
    }
    if (dirname(directory) === directory) return [];
  }
}

function firstOf(
  names: readonly string[],
  directory: string,
  kind: string,
  onWarning: (message: string) => void,
): string | undefined {
  const found = names.map((name) => join(directory, name)).filter((path) => existsSync(path));
  const [first] = found;
  if (found.length > 1 && first !== undefined) {
    onWarning(`Found multiple ${kind} with supported names: ${found.join(', ')}`);
    onWarning(`Using ${first}`);
  }
  return first;
}

/** The name a directory gives a project. */
export function nameOfDirectory(directory: string): string {
  return normalizeProjectName(basename(directory));
}

/** Lower case, only letters, digits, dashes and underscores, starting with a letter or digit. */
export function normalizeProjectName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '');
}
