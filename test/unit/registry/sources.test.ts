import { afterEach, beforeEach, expect, test } from 'vitest';
import { fromSources, openRegistries, parseReference, type RegistrySession } from '../../../src/registry/index.js';
import { digestOf } from '../../../src/base/digest.js';
import { RegistryServer } from '../../support/registry-server.js';

const signal = new AbortController().signal;
const manifest = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', layers: [] };
let mirror: RegistryServer;
let registry: RegistryServer;
beforeEach(async () => {
  [mirror, registry] = [new RegistryServer(), new RegistryServer()];
  await Promise.all([mirror.listen(), registry.listen()]);
});
afterEach(() => Promise.all([mirror.close(), registry.close()]));

function ask<T>(question: (session: RegistrySession) => Promise<T>): Promise<T> {
  const mirrors = { [registry.host]: [`http://${mirror.host}`] };
  const registries = openRegistries({ environment: {}, mirrors, firstRetryDelayMs: 1 });
  const auth = { username: 'me', password: 'secret' };
  return fromSources(registries, parseReference(`${registry.host}/app`), { auth, signal }, question);
}

test('a mirror that has the whole of it serves, and never sees the password', async () => {
  mirror.addManifest('app', '1', manifest);
  registry.login = 'me:secret';
  mirror.misbehave = ({ headers }, response) => {
    if (headers.authorization === undefined) return false;
    response.writeHead(400).end();
    return true;
  };
  expect((await ask((session) => session.manifest('1'))).mediaType).toBe(manifest.mediaType);
  expect(registry.requests).toEqual([]);
});

test('where a mirror has a manifest and not what it names, the registry is asked for both', async () => {
  for (const server of [mirror, registry]) server.addManifest('app', '1', { ...manifest, config: { size: 2 } });
  const { size } = registry.addBlob(Buffer.from('{}'));
  const descriptor = { mediaType: 'x', digest: digestOf(Buffer.from('{}')), size };
  const document = await ask(async (session) => {
    await session.manifest('1');
    return await session.document(descriptor);
  });
  expect(document.toString()).toBe('{}');
  expect(registry.requests.filter((request) => request.includes('/manifests/'))).toHaveLength(1);
});

test('tags are listed to the last page', async () => {
  registry.misbehave = ({ url = '' }, response) => {
    if (!url.includes('/tags/list')) return false;
    const isFirst = !url.includes('last=');
    if (isFirst) response.setHeader('link', '</v2/app/tags/list?last=b&n=2>; rel="next"');
    response.end(JSON.stringify({ name: 'app', tags: isFirst ? ['a', 'b'] : ['c'] }));
    return true;
  };
  expect(await ask((session) => session.tags())).toEqual(['a', 'b', 'c']);
});
