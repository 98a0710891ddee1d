import { dirname, isAbsolute, resolve } from 'node:path';
import { TscomposeError } from '../base/errors.js';
import { readEnvFiles } from './environment.js';
import { defaultEnvFile, namedEnvFiles, type LoadOptions } from './load.js';
import { Problems } from './problems.js';

export interface SettingOptions extends Pick<
  LoadOptions,
  'cwd' | 'files' | 'envFiles' | 'projectDirectory' | 'environment'
> {
  /** Whether a file of the command line is elsewhere. */
  readonly isRemote: (file: string) => boolean;
}

/**
 * `COMPOSE_…` variables of the env files that the process environment does not have: they govern the command as if
 * they were set there. Files that cannot be read are left for the load to complain about.
 */
export function readSettings(options: SettingOptions): Readonly<Record<string, string>> {
  const environment = new Map<string, string>();
  for (const [key, value] of Object.entries(options.environment)) if (value !== undefined) environment.set(key, value);
  const from = (path: string): string => (isAbsolute(path) ? resolve(path) : resolve(options.cwd, path));
  const first = options.files?.find((file) => file !== '-');
  const local = first === undefined || options.isRemote(first) ? options.cwd : dirname(from(first));
  const directory = options.projectDirectory ? from(options.projectDirectory) : local;
  const settings: Record<string, string> = {};
  try {
    const named = namedEnvFiles(options, environment).map(from);
    const files = named.length > 0 ? named : defaultEnvFile(directory, environment);
    const values = readEnvFiles(
      files.map((path) => ({ path })),
      { environment, problems: new Problems(), onUnset: () => undefined },
    );
    for (const [name, value] of values) {
      if (name.startsWith('COMPOSE_') && !environment.has(name)) settings[name] = value;
    }
  } catch (error) {
    if (!(error instanceof TscomposeError)) throw error;
  }
  return settings;
}
