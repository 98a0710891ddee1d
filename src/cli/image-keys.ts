import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, TscomposeError } from '../base/errors.js';
import type { Digest } from '../base/digest.js';
import type { Reference, RegistrySession as Session } from '../registry/index.js';
import { isEncrypted, readPrivateKey, readPublicKey, type TrustedKey } from '../trust/index.js';
import { askPassword } from './ask-password.js';
import type { CliContext } from './context.js';
import { credentialsFor, registryOptions } from './remotes.js';

/** Of keys that are encrypted. */
export const passwordVariable = 'TSCOMPOSE_KEY_PASSWORD';

/** @throws `trust/bad-key`, `cli/no-password` */
export async function privateKeyOf({ terminal }: CliContext, path: string): Promise<KeyObject> {
  const pem = await keyFile(terminal.cwd, path);
  const password = isEncrypted(pem)
    ? await askPassword(terminal, passwordVariable, `Password of ${path}: `)
    : undefined;
  return readPrivateKey(path, pem, password);
}

/** @throws `trust/bad-key` */
export async function publicKeyOf({ terminal }: CliContext, path: string): Promise<TrustedKey> {
  return { name: path, key: readPublicKey(path, await keyFile(terminal.cwd, path)) };
}

async function keyFile(cwd: string, path: string): Promise<Buffer> {
  try {
    return await readFile(resolve(cwd, path));
  } catch (cause) {
    const reason = messageOf(cause);
    const message = `cannot read the key ${path}: ${reason}`;
    throw new TscomposeError({ code: 'trust/bad-key', message, facts: { key: path, reason } });
  }
}

/** An image in its registry. */
export interface RemoteImage {
  readonly reference: Reference;
  /** Of what the name stands for there now: of the index, where it has several platforms. */
  readonly digest: Digest;
  readonly session: Session;
}

/** Does something with an image in its registry, with the user's login. @throws `image/invalid-reference`, `registry/…` */
export async function withRemoteImage<Result>(
  context: CliContext,
  text: string,
  access: 'pull' | 'pull,push',
  work: (image: RemoteImage) => Promise<Result>,
): Promise<Result> {
  const { openRegistries, parseReference, RegistrySession, withDefaultTag } = await import('../registry/index.js');
  const reference = withDefaultTag(parseReference(text));
  const { signal } = context;
  const registries = openRegistries(registryOptions(context));
  try {
    const auth = await credentialsFor(context, reference.domain);
    const endpoint = registries.ownEndpoint(reference.domain);
    const session = new RegistrySession({ registries, endpoint, reference, auth, access, signal });
    const { digest } = await session.topManifest();
    return await work({ reference, digest, session });
  } finally {
    registries.http.close();
  }
}
