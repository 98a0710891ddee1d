import { readDockerConfig } from '../../base/docker-config.js';
import { invalidUsage } from '../../base/invalid-usage.js';
import type { Terminal } from '../terminal.js';
import { currentDockerContext, readDockerContext, type ContextEndpoint } from './docker-context.js';
import { enginePaths, type EnginePaths } from './paths.js';

/** Which engine a command drives. */
export type EngineChoice =
  | { readonly kind: 'embedded'; readonly paths: EnginePaths }
  | { readonly kind: 'given'; readonly endpoint: ContextEndpoint; readonly source: string };

export interface EngineFlags {
  readonly host: string | undefined;
  readonly context: string | undefined;
  readonly tls: boolean;
  readonly tlsverify: boolean;
  readonly tlscacert: string | undefined;
  readonly tlscert: string | undefined;
  readonly tlskey: string | undefined;
}

/**
 * docker's order: `--host`, `--context`, `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context of docker's
 * configuration. None of them, or the context `default`: the embedded engine.
 * docker's configuration may be unreadable: that is a warning, as it is for docker.
 * @throws `usage/invalid` for `--host` together with `--context`; `cli/unknown-context`; `cli/bad-docker-config`
 */
export function chooseEngine(
  flags: EngineFlags,
  terminal: Pick<Terminal, 'environment' | 'cwd'>,
  onWarning: (text: string) => void,
): EngineChoice {
  const { environment } = terminal;
  if (flags.host !== undefined && flags.context !== undefined) {
    throw invalidUsage('--host', '--host and --context both name an engine; give one');
  }
  const embedded = (): EngineChoice => ({ kind: 'embedded', paths: enginePaths(terminal) });
  const byHost = (host: string, source: string): EngineChoice => {
    const tls = tlsOf(flags, environment);
    return { kind: 'given', endpoint: tls === undefined ? { host } : { host, tls }, source };
  };
  const byContext = (name: string, source: string): EngineChoice =>
    name === 'default' ? embedded() : { kind: 'given', endpoint: readDockerContext(environment, name), source };

  if (flags.host !== undefined) return byHost(flags.host, '--host');
  if (flags.context !== undefined) return byContext(flags.context, '--context');
  if (environment['DOCKER_HOST']) return byHost(environment['DOCKER_HOST'], 'DOCKER_HOST');
  if (environment['DOCKER_CONTEXT']) return byContext(environment['DOCKER_CONTEXT'], 'DOCKER_CONTEXT');
  const config = readDockerConfig(environment);
  if (config.problem !== undefined) onWarning(`warning: cannot read ${config.file}: ${config.problem}`);
  const current = currentDockerContext(config);
  return current === undefined ? embedded() : byContext(current, 'the current docker context');
}

function tlsOf(flags: EngineFlags, environment: Terminal['environment']): ContextEndpoint['tls'] {
  const verify = flags.tlsverify || Boolean(environment['DOCKER_TLS_VERIFY']);
  if (!verify && !flags.tls && !environment['DOCKER_TLS']) return undefined;
  const folder =
    environment['DOCKER_CERT_PATH'] || environment['DOCKER_CONFIG'] || `${environment['HOME'] ?? '/root'}/.docker`;
  return {
    caFile: flags.tlscacert ?? `${folder}/ca.pem`,
    certFile: flags.tlscert ?? `${folder}/cert.pem`,
    keyFile: flags.tlskey ?? `${folder}/key.pem`,
    verify,
  };
}
