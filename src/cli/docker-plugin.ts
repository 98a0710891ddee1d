import { version } from './version.js';

/** The word docker asks its plugins for their metadata with (docker/cli, "CLI plugins"). */
export const metadataWord = 'docker-cli-plugin-metadata';

/** The command that completes a command line, here as with docker (spf13/cobra). */
const completionWord = '__complete';

export function pluginMetadata(): string {
  const metadata = {
    SchemaVersion: '0.1.0',
    Vendor: 'tscompose',
    Version: `v${version}`,
    ShortDescription: 'Docker Compose',
  };
  return `${JSON.stringify(metadata, undefined, 4)}\n`;
}

export interface PluginCall {
  readonly argv: readonly string[];
  /** `--config` of docker, in the variable that means the same. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Flags of `docker` itself that come with a value. */
const valued: Readonly<Record<string, string>> = {
  '-c': '--context',
  '--config': '--config',
  '--context': '--context',
  '-H': '--host',
  '--host': '--host',
  '-l': '--log-level',
  '--log-level': '--log-level',
  '--tlscacert': '--tlscacert',
  '--tlscert': '--tlscert',
  '--tlskey': '--tlskey',
};

const switches = new Set(['-D', '--debug', '--tls', '--tlsverify']);

/**
 * What docker calls a plugin with, `docker-compose [FLAGS OF DOCKER] compose …` or, to complete a command line,
 * `docker-compose __complete compose …`, as our own command line. Undefined for
 * a command line that does not come from docker.
 */
export function pluginCall(argv: readonly string[]): PluginCall | undefined {
  const [first, second, ...words] = argv;
  if (first === completionWord && second === 'compose')
    return { argv: [completionWord, '--for-docker', '--', ...words], environment: {} };
  const ours: string[] = [];
  const environment: Record<string, string> = {};
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (word === 'compose') return { argv: [...ours, ...argv.slice(at + 1)], environment };
    if (!word.startsWith('-')) return undefined;
    const [name = '', ...rest] = word.split('=');
    const flag = valued[name];
    if (flag === undefined) {
      if (!switches.has(name)) return undefined;
      ours.push(word);
      continue;
    }
    if (rest.length === 0) at += 1;
    const value = rest.length > 0 ? rest.join('=') : (argv[at] ?? '');
    if (flag === '--config') environment['DOCKER_CONFIG'] = value;
    else ours.push(flag, value);
  }
  return undefined;
}
