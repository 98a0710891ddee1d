import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isDigest } from '../../../src/base/digest.js';
import { openRegistries, parseReference, RegistrySession } from '../../../src/registry/index.js';
import { fetchSignatures, judge, signImage, type TrustedKey, type Verdict } from '../../../src/trust/index.js';
import { RegistryServer } from '../../support/registry-server.js';
import {
  addImage,
  addSignatures,
  type Claim,
  keyPair,
  type Pair,
  payloadOf,
  signAs,
  signatureLayer,
  signatureManifest,
  signatureOf,
} from '../../support/signed.js';

const team = keyPair();
const other = keyPair();
let registry: RegistryServer;
let digest: string;
beforeEach(async () => {
  registry = new RegistryServer();
  await registry.listen();
  digest = addImage(registry, 'team/app', '1');
});
afterEach(() => registry.close());

const trusted = (pair: Pair, untilMs?: number): TrustedKey => ({
  name: 'team.pub',
  key: pair.publicKey,
  ...(untilMs === undefined ? {} : { untilMs }),
});

function session(path = 'team/app'): RegistrySession {
  const registries = openRegistries({ environment: {}, firstRetryDelayMs: 2 });
  const endpoint = { registry: registry.host, baseUrls: [new URL(`http://${registry.host}`)] };
  const reference = parseReference(`${registry.host}/${path}:1`);
  const signal = AbortSignal.timeout(10_000);
  return new RegistrySession({ registries, endpoint, reference, auth: undefined, access: 'pull,push', signal });
}

async function verdict(keys: readonly TrustedKey[] = [trusted(team)], nowMs = Date.now()): Promise<Verdict> {
  if (!isDigest(digest)) throw new Error('bug: no digest');
  const { signatures, problems } = await fetchSignatures(session(), [digest]);
  const subject = { repository: `${registry.host}/team/app`, digests: [digest], tag: '1' };
  const judged = judge(signatures, subject, keys, nowMs);
  return judged.good ? judged : { good: false, found: [...judged.found, ...problems] };
}

/** Signs a claim, which may be a lie, with a key, which may be anyone's. */
function addClaim(claim: Partial<Claim>, key = team.privateKey): void {
  const payload = payloadOf({ repository: `${registry.host}/team/app`, digest, ...claim });
  addSignatures(registry, 'team/app', digest, [signatureLayer(registry, payload, signatureOf(key, payload))]);
}

describe('a signature counts', () => {
  test.each(['p256', 'ed25519'] as const)('by a key of the kind %s', async (kind) => {
    const pair = keyPair(kind);
    signAs(registry, 'team/app', digest, pair.privateKey);
    expect(await verdict([trusted(other), trusted(pair)])).toMatchObject({ good: true, key: { name: 'team.pub' } });
  });

  test('beside those of others', async () => {
    const payload = payloadOf({ repository: `${registry.host}/team/app`, digest });
    addSignatures(registry, 'team/app', digest, [
      signatureLayer(registry, payload, signatureOf(other.privateKey, payload)),
      signatureLayer(registry, payload, signatureOf(team.privateKey, payload)),
    ]);
    expect(await verdict()).toMatchObject({ good: true });
  });

  test('that refers to the image, as OCI 1.1 has it, in a registry that lists referrers or keeps the list under a tag', async () => {
    const payload = payloadOf({ repository: `${registry.host}/team/app`, digest });
    const layer = signatureLayer(registry, payload, signatureOf(team.privateKey, payload));
    const manifest = registry.addManifest('team/app', 'some-signature', signatureManifest(registry, [layer]));
    const index = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [
        {
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          artifactType: 'application/vnd.dev.cosign.artifact.sig.v1+json',
          ...manifest,
        },
      ],
    };
    registry.misbehave = (request, response) => {
      if (!String(request.url).includes('/referrers/')) return false;
      response.writeHead(200, { 'content-type': index.mediaType }).end(JSON.stringify(index));
      return true;
    };
    expect(await verdict()).toMatchObject({ good: true });
    registry.misbehave = () => false;
    expect(await verdict()).toEqual({ good: false, found: [] });
    registry.addManifest('team/app', digest.replace(':', '-'), index);
    expect(await verdict()).toMatchObject({ good: true });
  });

  test('that we made, once for each key however often it is asked for', async () => {
    if (!isDigest(digest)) throw new Error('bug: no digest');
    const reference = parseReference(`${registry.host}/team/app:1`);
    expect(await signImage(session(), reference, digest, other.privateKey)).toBe('signed');
    expect(await signImage(session(), reference, digest, team.privateKey)).toBe('signed');
    expect(await signImage(session(), reference, digest, team.privateKey)).toBe('known');
    expect(await verdict()).toMatchObject({ good: true });
    expect(await verdict([trusted(other)])).toMatchObject({ good: true });
    const { signatures } = await fetchSignatures(session(), [digest]);
    expect(signatures.map(({ payload }) => payload.toString())).toEqual(
      Array<string>(2).fill(payloadOf({ repository: `${registry.host}/team/app`, digest }).toString()),
    );
  });
});

describe('a signature does not count', () => {
  const refused = async (keys?: readonly TrustedKey[], nowMs?: number): Promise<string> => {
    const judged = await verdict(keys, nowMs);
    return judged.good ? 'good' : judged.found.join('; ') || 'none';
  };

  test('when there is none', async () => {
    expect(await refused()).toBe('none');
  });

  test('by another key', async () => {
    addClaim({}, other.privateKey);
    expect(await refused()).toContain('by another key');
  });

  test('by a key whose time is over', async () => {
    addClaim({});
    const until = Date.parse('2026-01-01T00:00:00Z');
    expect(await refused([trusted(team, until)], until)).toContain('has counted until 2026-01-01');
    expect(await refused([trusted(team, until)], until - 1)).toBe('good');
  });

  test('for another digest', async () => {
    addClaim({ digest: `sha256:${'0'.repeat(64)}` });
    expect(await refused()).toContain('for another digest');
  });

  test('for another repository', async () => {
    addClaim({ repository: `${registry.host}/team/other` });
    expect(await refused()).toContain('for another repository');
  });

  test('for another tag, where it names one', async () => {
    addClaim({ repository: `${registry.host}/team/app:2` });
    expect(await refused()).toContain('for another tag');
    addClaim({ repository: `${registry.host}/team/app:1` });
    expect(await refused()).toBe('good');
  });

  test('for something that is no image', async () => {
    addClaim({ type: 'letter of recommendation' });
    expect(await refused()).toContain('no container image');
  });

  test('when the payload was changed after it was signed', async () => {
    const signed = payloadOf({ repository: `${registry.host}/team/app`, digest: `sha256:${'0'.repeat(64)}` });
    const changed = payloadOf({ repository: `${registry.host}/team/app`, digest });
    const layer = signatureLayer(registry, changed, signatureOf(team.privateKey, signed));
    addSignatures(registry, 'team/app', digest, [layer]);
    expect(await refused()).toContain('something that was changed since');
  });

  test('when the registry sends other bytes than it promised', async () => {
    const payload = payloadOf({ repository: `${registry.host}/team/app`, digest });
    const layer = signatureLayer(registry, payload, signatureOf(team.privateKey, payload)) as { digest: string };
    addSignatures(registry, 'team/app', digest, [layer]);
    registry.blobs.set(layer.digest, Buffer.from(payload.toString().replace('optional', 'Optional')));
    expect(await refused()).toContain('not what the registry says');
  });

  test('when its payload is huge, which is not even fetched, or turns out to be', async () => {
    const payload = payloadOf({ repository: `${registry.host}/team/app`, digest });
    const layer = signatureLayer(registry, payload, signatureOf(team.privateKey, payload)) as { digest: string };
    addSignatures(registry, 'team/app', digest, [{ ...layer, size: 1 << 30 }]);
    registry.requests.length = 0;
    expect(await refused()).toContain('a payload of 1073741824 bytes');
    expect(registry.requests.filter((line) => line.includes(layer.digest))).toEqual([]);

    addSignatures(registry, 'team/app', digest, [layer]);
    let sent = 0;
    registry.misbehave = (request, response) => {
      if (!String(request.url).endsWith(layer.digest)) return false;
      response.writeHead(200);
      const flood = (): void => {
        while (!response.destroyed && sent < 1 << 28 && response.write(Buffer.alloc(1 << 16))) sent += 1 << 16;
      };
      response.on('drain', flood);
      flood();
      return true;
    };
    expect(await refused()).toContain('not what the registry says');
    expect(sent).toBeLessThan(1 << 24);
  });

  test('when it is no base64, or there are thousands of them', async () => {
    const payload = payloadOf({ repository: `${registry.host}/team/app`, digest });
    const layer = signatureLayer(registry, payload, signatureOf(team.privateKey, payload));
    const annotations = { 'dev.cosignproject.cosign/signature': '\u001b[2J' };
    addSignatures(registry, 'team/app', digest, [{ ...layer, annotations }]);
    expect(await refused()).toBe('a signature that is none');

    const foreign = signatureLayer(registry, payload, signatureOf(other.privateKey, payload));
    addSignatures(registry, 'team/app', digest, Array<object>(2_000).fill(foreign));
    registry.requests.length = 0;
    expect(await refused()).toContain('more than 64 signatures');
    expect(registry.requests.length).toBeLessThan(100);
  });

  test('when what lies in its place is an index, or nothing that can be read', async () => {
    const tag = `${digest.replace(':', '-')}.sig`;
    registry.addManifest('team/app', tag, {
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [],
    });
    expect(await refused()).toContain('an index where signatures should be');
    registry.addManifest('team/app', tag, { mediaType: 'application/vnd.oci.image.manifest.v1+json', layers: 7 });
    expect(await refused()).toContain('not one of signatures');
  });
});
