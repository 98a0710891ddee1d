import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { messageOf, TscomposeError } from '../base/errors.js';
import './errors.js';

/** A public key that may vouch for images. */
export interface TrustedKey {
  /** What messages call it: the file it came from, or its fingerprint. */
  readonly name: string;
  readonly key: KeyObject;
  /** Unix milliseconds from which on it vouches for nothing any more. */
  readonly untilMs?: number;
}

/** @throws `trust/bad-key` for what is no public key of a kind that signs images: ECDSA P-256, Ed25519 */
export function readPublicKey(name: string, pem: string | Buffer): KeyObject {
  if (pem.toString().includes('PRIVATE KEY-----')) {
    throw badKey(name, 'it is a private key', 'give the public one, and keep this one to yourself');
  }
  try {
    return ofKnownKind(name, createPublicKey(pem));
  } catch (error) {
    throw error instanceof TscomposeError ? error : badKey(name, `not a public key in PEM: ${messageOf(error)}`);
  }
}

/**
 * @param password - of an encrypted key
 * @throws `trust/bad-key`
 */
export function readPrivateKey(name: string, pem: Buffer, password: string | undefined): KeyObject {
  const text = pem.toString();
  if (/ENCRYPTED (?:SIGSTORE|COSIGN) PRIVATE KEY/.test(text)) {
    const hint = 'make one with "tscompose image keygen" or openssl, and give its public half to whoever verifies';
    throw badKey(name, 'it is in a format of cosign’s own, not PKCS #8', hint);
  }
  try {
    return ofKnownKind(
      name,
      createPrivateKey({ key: pem, ...(password === undefined ? {} : { passphrase: password }) }),
    );
  } catch (error) {
    if (error instanceof TscomposeError) throw error;
    const reason = isEncrypted(pem)
      ? 'the password is wrong, or the key damaged'
      : 'not a private key in PEM (PKCS #8)';
    throw badKey(name, reason);
  }
}

export function isEncrypted(pem: Buffer): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem.toString());
}

/** A new ECDSA P-256 pair in PEM; the private half encrypted where there is a password. */
export function generateKeys(password: string | undefined): {
  readonly privatePem: string;
  readonly publicPem: string;
} {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const protection = password === undefined ? {} : { cipher: 'aes-256-cbc', passphrase: password };
  return {
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem', ...protection }).toString(),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** DER for ECDSA, as cosign writes and reads it. */
export function signBytes(key: KeyObject, bytes: Buffer): Buffer {
  return sign(hashFor(key), bytes, key);
}

export function verifyBytes(key: KeyObject, bytes: Buffer, signature: Buffer): boolean {
  try {
    return verify(hashFor(key), bytes, key, signature);
  } catch {
    return false; // a signature of another shape is none by this key
  }
}

/** `SHA256:` and the first digits of the hash of the key in DER. */
export function fingerprint(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(der).digest('hex').slice(0, 16)}`;
}

/** Ed25519 hashes by itself. */
function hashFor({ asymmetricKeyType }: KeyObject): 'sha256' | null {
  return asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

function ofKnownKind(name: string, key: KeyObject): KeyObject {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519' || (type === 'ec' && details?.namedCurve === 'prime256v1')) return key;
  const found = type === 'ec' ? `ECDSA on ${details?.namedCurve ?? 'another curve'}` : (type ?? 'unknown');
  throw badKey(name, `a key of the kind ${found}; ECDSA on P-256 and Ed25519 sign images`);
}

function badKey(key: string, reason: string, hint?: string): TscomposeError<'trust/bad-key'> {
  return new TscomposeError({
    code: 'trust/bad-key',
    message: `cannot use the key ${key}: ${reason}`,
    facts: { key, reason },
    hint,
  });
}
