import type { RegistryAuth } from '../api/image.js';
import type { DockerConfig } from '../base/docker-config.js';
import { hasCode } from '../base/errors.js';
import { runTool } from '../base/spawn.js';
import { objectOf } from './documents.js';

/** docker's name for the registry of docker.io in its configuration. */
const dockerHubKey = 'https://index.docker.io/v1/';
const helperTimeoutMs = 60_000;

export interface CredentialOptions {
  readonly config: DockerConfig;
  /** For helpers: they look for keyrings and sessions there. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onWarning: (message: string) => void;
}

/**
 * What the user is logged in with at a registry: from the helper for it (`credHelpers`), the helper for all
 * (`credsStore`), else `auths` of docker's config. Passwords reach us by a helper's output, never by arguments.
 * @param domain - of an image reference: `docker.io`, `localhost:5000`
 * @returns undefined when docker knows nothing for it; a helper that fails is a warning and means the same
 */
export async function dockerCredentials(
  domain: string,
  { config, environment, onWarning }: CredentialOptions,
  signal: AbortSignal,
): Promise<RegistryAuth | undefined> {
  const key = domain === 'docker.io' ? dockerHubKey : domain;
  const helper = objectOf(config.members['credHelpers'])?.[key] ?? config.members['credsStore'];
  if (typeof helper !== 'string' || helper === '') return storedFor(config, key);
  const answer = await askHelper(helper, { action: 'get', input: key }, { config, environment, onWarning }, signal);
  if (answer === undefined) return undefined;
  const { Username: username, Secret: secret } = answer;
  if (typeof username !== 'string' || typeof secret !== 'string') {
    onWarning(`the credential helper ${helper} gave no credentials for ${key}, but something else`);
    return undefined;
  }
  if (username === '<token>') return { identitytoken: secret, serveraddress: key };
  return { username, password: secret, serveraddress: key };
}

/** The registries that docker's configuration, or the helper it keeps all logins with, has something for, by domain. */
export async function knownRegistries(options: CredentialOptions, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const { auths, credHelpers, credsStore } = options.config.members;
  const stored =
    typeof credsStore === 'string' && credsStore !== ''
      ? await askHelper(credsStore, { action: 'list', input: '' }, options, signal)
      : undefined;
  const keys = [auths, credHelpers, stored].flatMap((member) => Object.keys(objectOf(member) ?? {}));
  return new Set(keys.map(hostOf).map((host) => (host === hostOf(dockerHubKey) ? 'docker.io' : host)));
}

/**
 * docker-credential-helpers, "Development": text on standard input, JSON back.
 * @returns undefined where it fails, which is told
 */
async function askHelper(
  helper: string,
  { action, input }: { readonly action: 'get' | 'list'; readonly input: string },
  { config, environment, onWarning }: CredentialOptions,
  signal: AbortSignal,
): Promise<Record<string, unknown> | undefined> {
  if (!/^[\w.-]+$/.test(helper)) {
    onWarning(`${config.file}: "${helper}" cannot be the name of a credential helper`);
    return undefined;
  }
  const program = `docker-credential-${helper}`;
  try {
    const { stdout } = await runTool(program, [action], {
      input,
      env: environment,
      signal,
      timeoutMs: helperTimeoutMs,
    });
    return parsed(stdout) ?? {};
  } catch (error) {
    const about = action === 'get' ? ` for ${input}` : '';
    if (hasCode(error, 'tool/missing')) onWarning(`docker's configuration names ${program}, which is not there`);
    else if (!hasCode(error, 'tool/failed')) throw error;
    // Exit code 1 is how a helper says that it knows no such registry; other codes are trouble of its own.
    else if (error.facts.exitCode !== 1) onWarning(`${program} gave no credentials${about}: ${error.facts.stderr}`);
    return undefined;
  }
}

function storedFor({ members }: DockerConfig, key: string): RegistryAuth | undefined {
  const auths = objectOf(members['auths']) ?? {};
  // Older logins have whole addresses as keys.
  const name = key in auths ? key : Object.keys(auths).find((known) => hostOf(known) === hostOf(key));
  const stored = name === undefined ? undefined : objectOf(auths[name]);
  if (stored === undefined) return undefined;
  const texts = ['username', 'password', 'auth', 'identitytoken', 'registrytoken'] as const;
  const known = texts.flatMap((member) => {
    const value = stored[member];
    return typeof value === 'string' && value !== '' ? [[member, value] as const] : [];
  });
  return known.length === 0 ? undefined : { ...Object.fromEntries(known), serveraddress: key };
}

function hostOf(address: string): string {
  return address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined; // told by the caller
  }
}
