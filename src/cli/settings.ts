import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { GlobalValues } from './global-flags.js';
import type { Terminal } from './terminal.js';

/** The process environment, and what the project's env files say of `COMPOSE_…` variables it does not have. */
export async function settingsFor(globals: GlobalValues, terminal: Terminal): Promise<Terminal['environment']> {
  const { cwd, environment } = terminal;
  const file = globals.file.find((name) => name !== '-');
  const folders = [globals.projectDirectory ?? '.', ...(file === undefined ? [] : [dirname(file)])];
  const mayHave =
    globals.envFile.length > 0 ||
    Boolean(environment['COMPOSE_ENV_FILES']) ||
    folders.some((folder) => existsSync(resolve(cwd, folder, '.env')));
  if (!mayHave) return environment; // saves commands that load no project from loading the loader
  const [{ readSettings }, { isRemoteReference }] = await Promise.all([
    import('../compose/index.js'),
    import('../remote/index.js'),
  ]);
  const settings = readSettings({
    cwd,
    environment,
    files: globals.file,
    envFiles: globals.envFile,
    projectDirectory: globals.projectDirectory,
    isRemote: isRemoteReference,
  });
  return { ...environment, ...settings };
}
