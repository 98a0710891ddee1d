import { generateKeyPairSync } from 'node:crypto';
import { messageOf } from '../../../src/base/errors.js';
import { describe, expect, test } from 'vitest';
import { generateKeys, isEncrypted, readPrivateKey, readPublicKey } from '../../../src/trust/index.js';
import { failureOf } from '../../support/failure.js';
import { keyPair } from '../../support/signed.js';

describe('keys', () => {
  test('of a new pair belong together, and the private one opens with its password only', () => {
    const { privatePem, publicPem } = generateKeys('secret');
    const pem = Buffer.from(privatePem);
    expect([isEncrypted(pem), isEncrypted(Buffer.from(publicPem))]).toEqual([true, false]);
    expect(readPrivateKey('a.key', pem, 'secret').asymmetricKeyType).toBe('ec');
    expect(failureOf(() => readPrivateKey('a.key', pem, 'guess'))).toMatchObject({
      code: 'trust/bad-key',
      message: expect.stringContaining('password is wrong') as string,
    });
    expect(isEncrypted(Buffer.from(generateKeys(undefined).privatePem))).toBe(false);
  });

  test('of other kinds, private ones in place of public ones, and other formats are refused with the reason', () => {
    const exchange = generateKeyPairSync('x25519').publicKey.export({ type: 'spki', format: 'pem' });
    const reasonFor = (pem: string): string => messageOf(failureOf(() => readPublicKey('a.pub', pem)));
    expect(reasonFor(keyPair('p384').publicPem)).toContain('ECDSA on secp384r1');
    expect(reasonFor(exchange.toString())).toContain('of the kind x25519');
    expect(reasonFor(keyPair().privatePem)).toContain('it is a private key');
    expect(reasonFor('hello')).toContain('not a public key in PEM');
    const cosign = Buffer.from(
      '-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n',
    );
    expect(messageOf(failureOf(() => readPrivateKey('cosign.key', cosign, 'x')))).toContain('a format of cosign’s own');
  });
});
