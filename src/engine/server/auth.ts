import type { RegistryAuth } from '../../api/image.js';

/**
 * `X-Registry-Auth`: JSON in base64url, with or without padding. What cannot be read means no credentials, never an
 * error (reference, "Registry credentials").
 */
export function parseRegistryAuth(header: string | string[] | undefined): RegistryAuth | undefined {
  const value = decode(header);
  return value === undefined || Object.keys(value).length === 0 ? undefined : credentials(value);
}

/** `X-Registry-Config`: the same, keyed by registry host. */
export function parseRegistryConfig(
  header: string | string[] | undefined,
): (domain: string) => RegistryAuth | undefined {
  const value = decode(header) ?? {};
  return (domain) => {
    const keys = domain === 'docker.io' ? ['https://index.docker.io/v1/', domain] : [domain, `https://${domain}`];
    for (const key of keys) {
      const entry = value[key];
      if (typeof entry === 'object' && entry !== null) return credentials(entry as Record<string, unknown>);
    }
    return undefined;
  };
}

function credentials(value: Record<string, unknown>): RegistryAuth {
  const members = ['username', 'password', 'auth', 'serveraddress', 'identitytoken', 'registrytoken'] as const;
  return Object.fromEntries(members.flatMap((name) => (typeof value[name] === 'string' ? [[name, value[name]]] : [])));
}

function decode(header: string | string[] | undefined): Record<string, unknown> | undefined {
  if (typeof header !== 'string' || header === '') return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // anonymous then
  }
}
