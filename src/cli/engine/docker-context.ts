import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DockerConfig, dockerConfigDir } from '../../base/docker-config.js';
import { errnoOf, TscomposeError } from '../../base/errors.js';
import type { Terminal } from '../terminal.js';

declare module '../../base/errors.js' {
  interface ErrorFacts {
    'cli/unknown-context': { readonly context: string };
    'cli/bad-docker-config': { readonly file: string };
  }
}

/** Where a docker context leads. */
export interface ContextEndpoint {
  readonly host: string;
  readonly tls?: {
    readonly caFile?: string;
    readonly certFile: string;
    readonly keyFile: string;
    readonly verify: boolean;
  };
}

/** `currentContext` of docker's `config.json`; undefined when there is none or it is docker's own default. */
export function currentDockerContext({ members }: DockerConfig): string | undefined {
  const name = members['currentContext'];
  return typeof name === 'string' && name !== '' && name !== 'default' ? name : undefined;
}

/**
 * Endpoint of a context as `docker context create` stores it: folders are named by the SHA-256 of the context's name.
 * @throws `cli/unknown-context`, `cli/bad-docker-config`
 */
export function readDockerContext(environment: Terminal['environment'], name: string): ContextEndpoint {
  const store = join(dockerConfigDir(environment), 'contexts');
  const id = createHash('sha256').update(name).digest('hex');
  const endpoint = member(member(readJson(join(store, 'meta', id, 'meta.json')), 'Endpoints'), 'docker');
  const host = member(endpoint, 'Host');
  if (typeof host !== 'string' || host === '') {
    throw new TscomposeError({
      code: 'cli/unknown-context',
      message: `there is no docker context "${name}"`,
      facts: { context: name },
      hint: 'docker context ls shows them; --context default means the embedded engine',
    });
  }
  const tls = join(store, 'tls', id, 'docker');
  if (!existsSync(join(tls, 'cert.pem'))) return { host };
  const caFile = join(tls, 'ca.pem');
  return {
    host,
    tls: {
      ...(existsSync(caFile) ? { caFile } : {}),
      certFile: join(tls, 'cert.pem'),
      keyFile: join(tls, 'key.pem'),
      verify: member(endpoint, 'SkipTLSVerify') !== true,
    },
  };
}

/** The value in a JSON file, undefined where there is no file. */
function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return undefined;
    throw new TscomposeError({ code: 'cli/bad-docker-config', message: `cannot read ${file}`, facts: { file }, cause });
  }
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
