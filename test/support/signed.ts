import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { RegistryServer } from './registry-server.js';

export interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly publicPem: string;
  readonly privatePem: string;
}

/** Keys as openssl makes them; `curve` only for those that are not to be taken. */
export function keyPair(kind: 'p256' | 'ed25519' | 'p384' = 'p256'): Pair {
  const { publicKey, privateKey } =
    kind === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: kind === 'p256' ? 'prime256v1' : 'secp384r1' });
  return {
    publicKey,
    privateKey,
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** An image of no layers that can be pulled. @returns its digest */
export function addImage(registry: RegistryServer, repository: string, tag: string, note = ''): string {
  const config = registry.addBlob(
    Buffer.from(
      JSON.stringify({
        architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
        os: 'linux',
        config: { Labels: { note } },
        rootfs: { type: 'layers', diff_ids: [] },
      }),
    ),
  );
  return registry.addManifest(repository, tag, {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: [],
  }).digest;
}

export interface Claim {
  readonly repository: string;
  readonly digest: string;
  readonly type?: string;
}

/** What cosign signs, written here anew so that the tests do not go by our own words. */
export function payloadOf({ repository, digest, type = 'cosign container image signature' }: Claim): Buffer {
  return Buffer.from(
    `{"critical":{"identity":{"docker-reference":"${repository}"},"image":{"docker-manifest-digest":"${digest}"},"type":"${type}"},"optional":null}`,
  );
}

export function signatureOf(key: KeyObject, payload: Buffer): Buffer {
  return sign(key.asymmetricKeyType === 'ed25519' ? null : 'sha256', payload, key);
}

/** A layer of a manifest of signatures, as cosign pushes it. */
export function signatureLayer(registry: RegistryServer, payload: Buffer, signature: Buffer): object {
  return {
    mediaType: 'application/vnd.dev.cosign.simplesigning.v1+json',
    ...registry.addBlob(payload),
    annotations: { 'dev.cosignproject.cosign/signature': signature.toString('base64') },
  };
}

export function signatureManifest(
  registry: RegistryServer,
  layers: readonly object[],
): { mediaType: string } & Record<string, unknown> {
  const config = registry.addBlob(Buffer.from('{"rootfs":{"type":"layers","diff_ids":[]}}'));
  return {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers,
  };
}

/** Puts signatures where cosign puts them. */
export function addSignatures(
  registry: RegistryServer,
  repository: string,
  digest: string,
  layers: readonly object[],
): void {
  registry.addManifest(repository, `${digest.replace(':', '-')}.sig`, signatureManifest(registry, layers));
}

/** The whole way: a payload that says the truth, signed and put in its place. */
export function signAs(registry: RegistryServer, repository: string, digest: string, key: KeyObject): void {
  const payload = payloadOf({ repository: `${registry.host}/${repository}`, digest });
  addSignatures(registry, repository, digest, [signatureLayer(registry, payload, signatureOf(key, payload))]);
}
