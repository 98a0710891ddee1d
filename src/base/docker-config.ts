import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errnoOf, messageOf } from './errors.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** `$DOCKER_CONFIG`, else `~/.docker`. */
export function dockerConfigDir(environment: Environment): string {
  return environment['DOCKER_CONFIG'] || join(environment['HOME'] || '/root', '.docker');
}

export interface DockerConfig {
  readonly file: string;
  /** Members of `config.json`; none where there is no file, or one that cannot be read. */
  readonly members: Readonly<Record<string, unknown>>;
  /** Why the file could not be read; for a warning, since docker goes on without it too. */
  readonly problem: string | undefined;
}

/** docker's `config.json`: credentials, credential helpers and the current context. Never fails. */
export function readDockerConfig(environment: Environment): DockerConfig {
  const file = join(dockerConfigDir(environment), 'config.json');
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { file, members: value as Readonly<Record<string, unknown>>, problem: undefined };
    }
    return { file, members: {}, problem: 'it is not a JSON object' };
  } catch (error) {
    const isMissing = errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR';
    return { file, members: {}, problem: isMissing ? undefined : messageOf(error) };
  }
}
