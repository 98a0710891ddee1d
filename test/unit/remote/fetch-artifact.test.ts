import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RegistryAuth } from '../../../src/api/image.js';
import { artifactAnnotations, artifactTypes, fetchRemote, type FetchedProject } from '../../../src/remote/index.js';
import { RegistryServer } from '../../support/registry-server.js';
import { folderPerTest } from '../../support/test-folder.js';

const server = new RegistryServer();
let cache = '';

beforeAll(() => server.listen());
afterAll(() => server.close());
folderPerTest((path) => (cache = path));
beforeEach(() => {
  server.requests.length = 0;
  server.login = undefined;
});

interface Layer {
  readonly text: string;
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

function publish(
  tag: string,
  layers: readonly Layer[],
  type: Readonly<Record<string, string>> = {},
): { digest: string } {
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', ...server.addBlob(Buffer.from('{}')) };
  return server.addManifest('app', tag, {
    mediaType: manifestType,
    ...{ schemaVersion: 2, artifactType: artifactTypes.project, config },
    ...type,
    layers: layers.map(
      ({ text, mediaType = artifactTypes.file, annotations = { [artifactAnnotations.file]: 'compose.yaml' } }) => ({
        mediaType,
        annotations,
        ...server.addBlob(Buffer.from(text)),
      }),
    ),
  });
}

async function fetch(
  name: string,
  environment: Record<string, string> = {},
  auth?: RegistryAuth,
): Promise<FetchedProject> {
  return await fetchRemote(`oci://${server.host}/${name}`, {
    registries: { environment: {}, firstRetryDelayMs: 1 },
    credentials: () => Promise.resolve(auth),
    environment: { XDG_CACHE_HOME: cache, HOME: '/nonexistent', ...environment },
    signal: new AbortController().signal,
  });
}
const extended = { [artifactAnnotations.file]: 'base.yaml', [artifactAnnotations.extends]: 'true' };
const envFile = { [artifactAnnotations.envFile]: 'abc.env' };

describe('an artifact becomes files', () => {
  test('its compose files in order, what they extend and env files beside them', async () => {
    publish('v1', [
      { text: 'name: a\n' },
      { text: 'name: b\n', annotations: { [artifactAnnotations.file]: 'compose.override.yaml' } },
      { text: 'name: c\n', annotations: extended },
      { text: 'A=1\n', mediaType: artifactTypes.envFile, annotations: envFile },
      { text: 'x', mediaType: 'application/vnd.example.later' },
    ]);
    const { files, root } = await fetch('app:v1');
    expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual(['name: a\n', 'name: b\n']);
    expect(readdirSync(root).sort()).toEqual(['abc.env', 'base.yaml', 'compose.2.yaml', 'compose.yaml']);
  });

  test('also one of OCI 1.0, known by the type of its config', async () => {
    const config = { mediaType: artifactTypes.emptyConfig, ...server.addBlob(Buffer.from('{}')) };
    server.addManifest('app', 'old', {
      mediaType: manifestType,
      ...{ schemaVersion: 2, config },
      ...{ layers: [{ mediaType: artifactTypes.file, ...server.addBlob(Buffer.from('name: old\n')) }] },
    });
    const { files } = await fetch('app:old');
    expect(readFileSync(files[0] ?? '', 'utf8')).toBe('name: old\n');
  });

  test('also one in an index, beside the images of the application', async () => {
    const project = publish('inner', [{ text: 'name: inner\n' }]);
    const size = server.manifests.get('app')?.get('inner')?.bytes.length;
    server.addManifest('app', 'index', {
      mediaType: 'application/vnd.oci.image.index.v1+json',
      ...{
        schemaVersion: 2,
        manifests: [{ mediaType: manifestType, artifactType: artifactTypes.project, size, ...project }],
      },
    });
    const { files } = await fetch('app:index');
    expect(readFileSync(files[0] ?? '', 'utf8')).toBe('name: inner\n');
  });

  test('messages name a file by the reference', async () => {
    publish('v2', [{ text: 'name: a\n' }]);
    const project = await fetch('app:v2');
    expect(project.nameOf(project.files[0] ?? '')).toBe(`oci://${server.host}/app:v2`);
  });
});

describe('the cache', () => {
  test('answers for a digest without asking the registry', async () => {
    const { digest } = publish('v3', [{ text: 'name: pinned\n' }]);
    await fetch(`app@${digest}`);
    server.requests.length = 0;
    const { root } = await fetch(`app@${digest}`);
    expect(basename(root)).toBe(digest.slice('sha256:'.length));
    expect(server.requests).toEqual([]);
  });

  test('follows a tag that moved', async () => {
    publish('moving', [{ text: 'name: one\n' }]);
    const before = await fetch('app:moving');
    publish('moving', [{ text: 'name: two\n' }]);
    const after = await fetch('app:moving');
    expect(after.root).not.toBe(before.root);
  });
});

test('a registry that wants a password gets the one for it', async () => {
  publish('v4', [{ text: 'name: a\n' }]);
  server.login = 'me:secret';
  await expect(fetch('app:v4')).rejects.toMatchObject({ code: 'registry/access-denied' });
  const { files } = await fetch('app:v4', {}, { username: 'me', password: 'secret' });
  expect(files).toHaveLength(1);
});

describe('refused', () => {
  test.each([
    ['../x.yaml', 'remote/outside'],
    ['/etc/x.yaml', 'remote/outside'],
    ['..', 'remote/outside'],
    ['a\\b', 'remote/outside'],
    ['compose.yaml', 'remote/outside'],
    ['', 'remote/not-an-artifact'],
  ])('a file called "%s"', async (name, code) => {
    publish('bad', [
      { text: 'name: a\n' },
      { text: 'x', annotations: { ...extended, [artifactAnnotations.file]: name } },
    ]);
    await expect(fetch('app:bad')).rejects.toMatchObject({ code });
    expect(readdirSync(join(cache, 'tscompose/remote/oci'))).toEqual([]);
  });

  test.each([
    ['an image', { artifactType: 'application/vnd.oci.image.config.v1+json' }, [{ text: 'x' }]],
    ['an artifact without compose file', {}, [{ text: 'x', annotations: extended }]],
  ])('%s', async (_, type, layers) => {
    publish('other', layers, type);
    await expect(fetch('app:other')).rejects.toMatchObject({ code: 'remote/not-an-artifact' });
  });

  test('bytes that are not those of the digest', async () => {
    publish('forged', [{ text: 'name: forged\n' }]);
    const { digest } = server.addBlob(Buffer.from('name: forged\n'));
    server.blobs.set(digest, Buffer.from('name: FORGED\n'));
    await expect(fetch('app:forged')).rejects.toMatchObject({ code: 'content/digest-mismatch' });
    server.blobs.delete(digest);
  });

  test('everything, when the variable says so', async () => {
    await expect(fetch('app:v1', { COMPOSE_EXPERIMENTAL_OCI_REMOTE: '0' })).rejects.toMatchObject({
      code: 'remote/disabled',
    });
    expect(server.requests).toEqual([]);
  });
});
